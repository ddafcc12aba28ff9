"""The kinds of objects that operations read and change, and where the API keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from clients.kubernetes.refusals import Asked
from domain.errors import NotFoundError
from domain.sanitise import sanitise


@dataclass(frozen=True, slots=True)
class Resource:
    api_version: str
    plural: str
    is_namespaced: bool = True

    def path(self, namespace: str, name: str = "") -> str:
        """Of one object, or of them all; `namespace` "" is every namespace."""
        prefix = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.is_namespaced else ""
        return f"{prefix}{within}/{self.plural}{'/' if name else ''}{quote(name, safe='')}"

    def asked(self, verb: str, namespace: str, name: str = "") -> Asked:
        return Asked(verb, self.plural, namespace if self.is_namespaced else "", name)


_KINDS = {
    "Deployment": Resource("apps/v1", "deployments"),
    "StatefulSet": Resource("apps/v1", "statefulsets"),
    "DaemonSet": Resource("apps/v1", "daemonsets"),
    "ReplicaSet": Resource("apps/v1", "replicasets"),
    "ControllerRevision": Resource("apps/v1", "controllerrevisions"),
    "Pod": Resource("v1", "pods"),
    "ConfigMap": Resource("v1", "configmaps"),
    "Secret": Resource("v1", "secrets"),
    "Service": Resource("v1", "services"),
    "Event": Resource("v1", "events"),
    "ResourceQuota": Resource("v1", "resourcequotas"),
    "LimitRange": Resource("v1", "limitranges"),
    "Namespace": Resource("v1", "namespaces", is_namespaced=False),
    "Node": Resource("v1", "nodes", is_namespaced=False),
    "Job": Resource("batch/v1", "jobs"),
    "Lease": Resource("coordination.k8s.io/v1", "leases"),
    "PodDisruptionBudget": Resource("policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": Resource("autoscaling/v2", "horizontalpodautoscalers"),
}


def resource_of(kind: str) -> Resource:
    """`kind` as the API spells it. NotFoundError for others."""
    found = _KINDS.get(kind)
    if found is None:
        raise NotFoundError(f"Objects of kind {sanitise(kind, 80)} are not known here", "Use kubectl for it.")
    return found
