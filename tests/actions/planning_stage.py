"""A shop before a change: its objects in a cluster in memory, and the fleet as it is shown, both of the same moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from actions.ports import Ports
from domain.errors import UnreachableError
from domain.fleet import Fleet, RevisionRecord
from domain.pods import Pod
from domain.rollouts import Rollout
from domain.templates import ContainerRole, ContainerSpec, PodTemplate
from domain.verdict import Degree, Verdict
from domain.workloads import Revision, WorkloadKey, WorkloadKind
from tests import builders as make
from tests.actions.stand_ins import Cluster, Commands, Leases, LeaseShelf, Points

KEY = WorkloadKey(make.NAMESPACE, WorkloadKind.DEPLOYMENT, "shop-backend")
DESIRED = 6
HASHES = {"v1.8.0": "0d2e00000a", "v1.8.1": "41c000000b", "v1.8.2": "77ab00000c", "v1.9.0": "9f3100000d"}
REPOSITORY = f"{make.REGISTRY}/shop-backend"
DAY, HOUR = 86_400.0, 3_600.0


def digest_of(version: str) -> str:
    return f"sha256:{HASHES.get(version, version.encode().hex()):0<64}"[:71]


@dataclass(slots=True)
class Was:
    """One revision: its version, how old it is, and how many of its pods are ready (of how many)."""

    version: str
    number: int
    age_s: float
    ready: int = 0
    replicas: int = 0
    annotations: dict[str, str] = field(default_factory=dict)
    template: dict[str, Any] | None = None
    hash: str = ""

    @property
    def template_hash(self) -> str:
        return self.hash or HASHES[self.version]


STUCK = (
    Was("v1.9.0", 9, 60.0, 0, 2),
    Was("v1.8.2", 8, 6 * DAY, 6, 6),
    Was("v1.8.1", 7, 7 * DAY),
)
"""v1.9.0 crashes, v1.8.2 still serves."""
REPLACED = (
    Was("v1.9.0", 9, HOUR, 0, 6),
    Was("v1.8.2", 8, 6 * DAY),
    Was("v1.8.1", 7, 6 * DAY + 30.0),
)
"""No old pod is left; v1.8.1 stood for half a minute only."""


def template_of(version: str, **spec: Any) -> dict[str, Any]:
    image = f"{REPOSITORY}:{version}"
    containers = [{"name": "shop-backend", "image": image}, {"name": "proxy", "image": "envoy:1.30"}]
    pod = {"initContainers": [{"name": "migrate", "image": image}], "containers": containers, **spec}
    return {"metadata": {"labels": {"app": "shop-backend"}}, "spec": pod}


class FixedClock:
    def now(self) -> float:
        return make.NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(slots=True)
class Registry:
    """Answers what it holds; None: it does not answer at all."""

    digests: dict[str, str] | None

    async def digest_of(self, reference: str) -> str | None:
        if self.digests is None:
            raise UnreachableError("registry.example does not answer", "Try again.", system="registry")
        return self.digests.get(reference)


class NoFleet:
    async def watch(self) -> AsyncIterator[Fleet]:
        empty: tuple[Fleet, ...] = ()
        for fleet in empty:
            yield fleet


@dataclass(slots=True)
class Scene:
    was: Sequence[Was] = STUCK
    kind: WorkloadKind = WorkloadKind.DEPLOYMENT
    degree: Degree = Degree.LIKELY
    spec: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    others: Sequence[Mapping[str, Any]] = ()
    records: dict[str, RevisionRecord] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)
    registry: Registry | None = None
    shelf: LeaseShelf = field(default_factory=LeaseShelf)
    cluster: Cluster = field(init=False)

    def __post_init__(self) -> None:
        if self.registry is None:
            self.registry = Registry({f"{REPOSITORY}:{v}": digest_of(v) for v in (*HASHES, "v1.9.1")})
        self.cluster = Cluster(Points(), [self.body(), *(self.revision_body(w) for w in self.was), *self.others])

    @property
    def key(self) -> WorkloadKey:
        return KEY._replace(kind=self.kind)

    def ports(self) -> Ports:
        return Ports(
            cluster=self.cluster,
            leases=Leases(self.shelf, Points()),
            fleet=NoFleet(),
            commands=Commands(Points()),
            clock=FixedClock(),
            registry=self.registry,
        )

    def body(self) -> dict[str, Any]:
        is_deployment = self.kind is WorkloadKind.DEPLOYMENT
        annotations = {"deployment.kubernetes.io/revision": str(self.was[0].number)} if is_deployment else {}
        metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "d", "generation": 42, "annotations": annotations}
        spec: dict[str, Any] = {"replicas": DESIRED, "selector": {"matchLabels": {"app": KEY.name}}}
        return {
            "kind": self.kind.value,
            "apiVersion": "apps/v1",
            "metadata": {**metadata, **self.metadata},
            "spec": {**spec, "template": self.was[0].template or template_of(self.was[0].version), **self.spec},
            "status": {"observedGeneration": 42},
        }

    def revision_body(self, was: Was) -> dict[str, Any]:
        template = json.loads(json.dumps(was.template or template_of(was.version)))
        name = f"{KEY.name}-{was.template_hash}"
        owner = {"uid": "d", "controller": True, "kind": self.kind.value, "name": KEY.name}
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": KEY.namespace,
            "uid": f"uid-{was.template_hash}",
            "labels": {"app": KEY.name},
            "annotations": dict(was.annotations),
            "ownerReferences": [owner],
            "creationTimestamp": f"{datetime.fromtimestamp(make.NOW - was.age_s, UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        if self.kind is not WorkloadKind.DEPLOYMENT:
            data = {"spec": {"template": {**template, "$patch": "replace"}}}
            return {"kind": "ControllerRevision", "metadata": metadata, "revision": was.number, "data": data}
        template["metadata"]["labels"]["pod-template-hash"] = was.template_hash
        metadata["annotations"]["deployment.kubernetes.io/revision"] = str(was.number)
        status = {"replicas": was.replicas, "readyReplicas": was.ready}
        return {"kind": "ReplicaSet", "metadata": metadata, "spec": {"template": template}, "status": status}

    def fleet(self) -> Fleet:
        workload = make.workload(
            KEY.name, desired=DESIRED, uid="d", kind=self.kind, generation=42, template=_template(self.was[0])
        )
        revisions = [(w, self._revision(w)) for w in self.was]
        pods: list[Pod] = []
        for was, revision in revisions:
            for number in range(was.replicas):
                is_ready = number < was.ready
                pod = make.pod(f"{revision.name}-{number}", owner=revision, ready=is_ready, age=was.age_s)
                if self.kind is not WorkloadKind.DEPLOYMENT:
                    pod = replace(pod, owner_uid="d")
                container = make.container(image_id=f"{REPOSITORY}@{digest_of(was.version)}", ready=is_ready)
                pods.append(replace(pod, containers=(container,), ready_changed_at=make.NOW - was.age_s + 8))
        verdict = Verdict(self.degree, self.degree.name.lower(), "CrashLoopBackOff ×2: exit 3", "old pods serve 6/6")
        rollout: Rollout = make.rollout(
            workload,
            history=[make.line(r) for _, r in revisions],
            verdict=verdict,
            is_complete=self.degree is Degree.HEALTHY,
            began_at=make.NOW - self.was[0].age_s,
        )
        records = {(self.key, HASHES.get(name, name)): record for name, record in self.records.items()}
        return make.fleet(rollout, pods=pods, records=records, scope=make.scope(**self.scope))

    def _revision(self, was: Was) -> Revision:
        workload = make.workload(KEY.name, uid="d", kind=self.kind)
        age, hash_ = was.age_s, was.template_hash
        return make.revision(
            workload, was.version, number=was.number, age=age, template_hash=hash_, uid=f"uid-{hash_}",
            template=_template(was), replicas=was.replicas, ready=was.ready,
        )  # fmt: skip


def _template(was: Was) -> PodTemplate:
    body = was.template or template_of(was.version)
    image = body["spec"]["containers"][0]["image"]
    return PodTemplate((ContainerSpec(KEY.name, ContainerRole.MAIN, image),), json.dumps(body))
