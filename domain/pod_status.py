"""What kubectl prints of a pod in READY, STATUS and RESTARTS.

The rules are `printPod` of kubernetes/pkg/printers/internalversion/printers.go (1.34), which the server itself applies
for `kubectl get pods`; a sidecar is an init container with `restartPolicy: Always`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.pods import ContainerState
from domain.templates import ContainerRole

_EARLY = re.compile(r"Pending|ContainerCreating|PodInitializing|Running|NotReady|SchedulingGated|Init:\d+/\d+")
"""What a pod may be on its way to ready without anything being wrong."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the rules look at. `containers` are the statuses in the API's order, init containers first."""

    phase: str
    reason: str
    containers: Sequence[ContainerState]
    init_total: int
    """Init containers in the spec, sidecars included."""
    container_total: int
    """Containers and sidecars in the spec."""
    is_being_deleted: bool = False
    is_gated: bool = False
    """The condition PodScheduled has the reason SchedulingGated."""
    is_initialized: bool = False
    is_ready: bool = False
    is_unschedulable: bool = False
    ready_changed_at: float | None = None


@dataclass(frozen=True, slots=True)
class PodSummary:
    status: str
    ready_count: int
    total_count: int
    restarts: int
    last_restart_at: float | None
    is_faulty: bool


@dataclass(slots=True)
class _Count:
    restarts: int = 0
    last_restart_at: float | None = None

    def add(self, container: ContainerState) -> None:
        self.restarts += container.restarts
        finished_at = container.last_finished_at
        if finished_at is not None and (self.last_restart_at is None or self.last_restart_at < finished_at):
            self.last_restart_at = finished_at


def summarise(pod: PodFacts) -> PodSummary:
    status = "SchedulingGated" if pod.is_gated else pod.reason or pod.phase
    every_init, sidecars = _Count(), _Count()
    initializing, ready_count = "", 0
    mains: list[ContainerState] = []
    index = 0
    for container in pod.containers:
        if container.role is ContainerRole.MAIN:
            mains.append(container)
            continue
        if initializing:
            continue
        every_init.add(container)
        is_sidecar = container.role is ContainerRole.SIDECAR
        if is_sidecar:
            sidecars.add(container)
        if container.state == "terminated" and container.exit_code == 0:
            pass
        elif is_sidecar and container.started:
            ready_count += container.ready
        else:
            initializing = _init_status(container, index, pod.init_total)
        index += 1
    count = every_init
    status = initializing or status
    if not initializing or pod.is_initialized:
        count = sidecars
        status, ready = _main_status(mains, count, status, pod.is_ready)
        ready_count += ready
    if pod.is_being_deleted and pod.reason == "NodeLost":
        status = "Unknown"
    elif pod.is_being_deleted and pod.phase not in ("Succeeded", "Failed"):
        status = "Terminating"
    is_faulty = _is_faulty(pod, status, count, mains)
    return PodSummary(status, ready_count, pod.container_total, count.restarts, count.last_restart_at, is_faulty)


def _init_status(container: ContainerState, index: int, total: int) -> str:
    if container.state == "terminated":
        return "Init:" + (container.reason or _end(container))
    if container.state == "waiting" and container.reason not in ("", "PodInitializing"):
        return "Init:" + container.reason
    return f"Init:{index}/{total}"


def _main_status(mains: Sequence[ContainerState], count: _Count, status: str, is_ready: bool) -> tuple[str, int]:
    """The first container in trouble speaks for the pod, so they are gone through backwards."""
    ready, has_running = 0, False
    for container in reversed(mains):
        count.add(container)
        if container.state == "waiting" and container.reason:
            status = container.reason
        elif container.state == "terminated":
            status = container.reason or _end(container)
        elif container.ready and container.state == "running":
            has_running = True
            ready += 1
    if status == "Completed" and has_running:
        status = "Running" if is_ready else "NotReady"
    return status, ready


def _end(container: ContainerState) -> str:
    return f"Signal:{container.signal}" if container.signal else f"ExitCode:{container.exit_code or 0}"


def _is_faulty(pod: PodFacts, status: str, count: _Count, mains: Sequence[ContainerState]) -> bool:
    """Without a clock: what is only late is told by whoever knows the time."""
    if pod.phase == "Succeeded" or status == "Terminating":
        return False
    if pod.is_unschedulable or not _EARLY.fullmatch(status):
        return True
    if pod.is_ready:
        return False
    started_at = max((c.since_at for c in mains if c.state == "running" and c.since_at), default=None)
    was_ready = started_at is not None and pod.ready_changed_at is not None and pod.ready_changed_at > started_at + 1
    return count.restarts > 0 or was_ready
