"""A pod as its containers report it. Text in here has been sanitised by the client that decoded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.templates import ContainerRole

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container status. `*_at` are seconds since the epoch; absent numbers are None."""

    name: str
    role: ContainerRole
    image: str
    image_id: str
    ready: bool
    started: bool
    restarts: int
    state: str
    """"waiting", "running", "terminated", or "" before the kubelet has reported."""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    since_at: float | None = None
    """Running: started at. Terminated: finished at. Waiting: None, the API does not say."""
    last_reason: str = ""
    """The run before this one."""
    last_message: str = ""
    last_exit_code: int | None = None
    last_finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    uid: str
    namespace: str
    name: str
    node: str
    phase: str
    created_at: float
    deleted_at: float | None
    reason: str
    message: str
    ready: bool
    ready_changed_at: float | None
    """When the Ready condition last turned."""
    scheduled: bool
    unscheduled_reason: str
    unscheduled_message: str
    owner_kind: str
    owner_name: str
    owner_uid: str
    template_hash: str
    """`pod-template-hash`, or `controller-revision-hash` for stateful sets and daemon sets; "" for a bare pod."""
    containers: tuple[ContainerState, ...]
    status: str
    """What kubectl prints in STATUS (`pod_status.py`)."""
    ready_count: int
    total_count: int
    restarts: int
    last_restart_at: float | None
    is_faulty: bool
    """Needs a look: neither running and ready, nor completed, nor merely young."""
    ip: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    cpu_limit_m: int | None = None
    memory_limit_bytes: int | None = None
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class PodUsage:
    """From metrics.k8s.io, summed over containers; `uid` is "namespace/name" because that API gives no uid."""

    uid: str
    namespace: str
    name: str
    at: float
    cpu_m: int
    """Millicores."""
    memory_bytes: int
