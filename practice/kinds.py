"""The resources that the practice cluster serves: one row each, read by discovery, by paths and by the store."""

from __future__ import annotations

from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """`storage` is where the objects lie: both event APIs share one. `has_spec` is for kinds with a generation."""

    group: str
    version: str
    resource: str
    name: str
    is_namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_spec: bool = False
    has_status: bool = False
    subresources: tuple[str, ...] = ()
    storage: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def shelf(self) -> str:
        return self.storage or self.qualified

    @property
    def qualified(self) -> str:
        """`deployments.apps`, as the API's messages name it; `pods` in the core group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def qualified_kind(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name


_ALL = ("all",)

PODS = Kind("", "v1", "pods", "Pod", True, ("po",), _ALL, False, True, ("log", "proxy", "eviction", "exec", "attach"))
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", False, ("ns",), has_status=True)
NODES = Kind("", "v1", "nodes", "Node", False, ("no",), has_status=True)
EVENTS = Kind("", "v1", "events", "Event", True, ("ev",))
SERVICES = Kind("", "v1", "services", "Service", True, ("svc",), _ALL, False, True, ("proxy",))
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap", True, ("cm",))
SECRETS = Kind("", "v1", "secrets", "Secret", True)
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment", True, ("deploy",), _ALL, True, True, ("scale",))
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",), _ALL, True, True, ("scale",))
STATEFUL_SETS = Kind("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",), _ALL, True, True, ("scale",))
DAEMON_SETS = Kind("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",), _ALL, True, True)
CONTROLLER_REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision", True)
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")

KINDS: tuple[Kind, ...] = (
    PODS,
    NAMESPACES,
    NODES,
    EVENTS,
    SERVICES,
    CONFIG_MAPS,
    SECRETS,
    Kind("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",), has_status=True),
    Kind("", "v1", "resourcequotas", "ResourceQuota", True, ("quota",), has_status=True),
    Kind("", "v1", "limitranges", "LimitRange", True, ("limits",)),
    Kind("", "v1", "endpoints", "Endpoints", True, ("ep",)),
    Kind("", "v1", "replicationcontrollers", "ReplicationController", True, ("rc",), _ALL, True, True, ("scale",)),
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",), _ALL, False, True),
    Kind("batch", "v1", "jobs", "Job", True, (), _ALL, True, True),
    Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",), _ALL, True, True),
    LEASES,
    Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
    Kind("events.k8s.io", "v1", "events", "Event", True, ("ev",), storage="events"),
    Kind("networking.k8s.io", "v1", "ingresses", "Ingress", True, ("ing",), has_status=True),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",), has_status=True),
)

BY_PATH: dict[tuple[str, str, str], Kind] = {(k.group, k.version, k.resource): k for k in KINDS}

REVIEWS: tuple[Kind, ...] = (
    Kind("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False),
    Kind("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
    Kind("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
)
"""Questions with an answer and no memory: they can only be created."""

METRICS: tuple[Kind, ...] = (
    Kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics"),
    Kind("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", False),
)


def groups() -> dict[tuple[str, str], tuple[Kind, ...]]:
    """(group, version) -> its kinds, in the order of the rows above."""
    found: dict[tuple[str, str], list[Kind]] = {}
    for kind in (*KINDS, *REVIEWS, *METRICS):
        found.setdefault((kind.group, kind.version), []).append(kind)
    return {key: tuple(kinds) for key, kinds in found.items()}


def verbs_of(kind: Kind) -> tuple[str, ...]:
    if kind in REVIEWS:
        return ("create",)
    return ("get", "list") if kind in METRICS else ALL_VERBS
