"""Deployments, stateful sets and daemon sets under one roof, and the revisions they have had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from domain.pods import NOTHING
from domain.templates import PodTemplate


class WorkloadKind(StrEnum):
    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class WorkloadKey(NamedTuple):
    """How a person names it, and what stays when it is deleted and made again."""

    namespace: str
    kind: WorkloadKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Condition:
    type: str
    status: bool
    reason: str
    message: str
    changed_at: float | None
    updated_at: float | None


@dataclass(frozen=True, slots=True)
class Workload:
    """Counts are kubectl's: `desired` from spec, the rest from status. For daemon sets they are the scheduled numbers."""

    uid: str
    namespace: str
    name: str
    kind: WorkloadKind
    generation: int
    observed_generation: int
    created_at: float
    desired: int
    replicas: int
    updated: int
    ready: int
    available: int
    template: PodTemplate
    paused: bool = False
    strategy: str = "RollingUpdate"
    partition: int = 0
    progress_deadline_s: int | None = None
    """Deployments only; Kubernetes has no deadline for the others."""
    min_ready_s: int = 0
    revision: int = 0
    """The annotation `deployment.kubernetes.io/revision`; 0 for the others."""
    current_hash: str = ""
    """Stateful sets: `status.currentRevision`'s hash (what it came from)."""
    update_hash: str = ""
    """Stateful sets: `status.updateRevision`'s hash (where it is going)."""
    selector: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    conditions: tuple[Condition, ...] = ()
    change_cause: str = ""
    changed_by: str = ""
    """Who set the template last: our annotation, else the field manager's name; "" where neither says."""
    changed_at: float | None = None
    """When the template was set last, by the managed fields; None where they do not say."""
    managed_by: str = ""
    """`app.kubernetes.io/managed-by`, for instance Helm."""
    resource_version: str = ""

    @property
    def key(self) -> WorkloadKey:
        return WorkloadKey(self.namespace, self.kind, self.name)

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)


@dataclass(frozen=True, slots=True)
class Revision:
    """A ReplicaSet or a ControllerRevision: one version of a workload's template, and the pods it has now."""

    uid: str
    namespace: str
    name: str
    owner_uid: str
    number: int
    """Renumbered by every undo: good for showing, never for telling versions apart (use `template_hash`)."""
    template_hash: str
    created_at: float
    template: PodTemplate
    desired: int = 0
    replicas: int = 0
    ready: int = 0
    available: int = 0
    change_cause: str = ""
    changed_by: str = ""
    conditions: tuple[Condition, ...] = ()
    resource_version: str = ""
    kind: str = "ReplicaSet"
    """Or "ControllerRevision"."""
