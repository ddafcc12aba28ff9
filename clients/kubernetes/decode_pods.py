"""A pod as it travels becomes a pod as it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from clients.kubernetes.quantities import bytes_of, millicores_of
from clients.kubernetes.texts import Texts, epoch, message
from clients.kubernetes.wire import (
    ContainerStatus,
    Metadata,
    OwnerReference,
    PodCondition,
    PodContainer,
    PodObject,
    SlimMetadata,
)
from domain.pod_status import PodFacts, summarise
from domain.pods import ContainerState, Pod
from domain.sanitise import sanitise
from domain.templates import ContainerRole

_UNKNOWN_OWNER = OwnerReference()
_NO_CONDITION = PodCondition()


def pod_from(wire: PodObject, texts: Texts) -> Pod:
    meta, spec, status = wire.metadata, wire.spec, wire.status
    conditions = {c.type: c for c in status.conditions or ()}
    scheduled = conditions.get("PodScheduled", _NO_CONDITION)
    ready = conditions.get("Ready", _NO_CONDITION)
    roles = _roles(spec.init_containers)
    containers = tuple(
        [_container(c, roles.get(c.name, ContainerRole.INIT), texts) for c in status.init_container_statuses or ()]
        + [_container(c, ContainerRole.MAIN, texts) for c in status.container_statuses or ()]
    )
    running = [*(spec.containers or ()), *(c for c in spec.init_containers or () if c.restart_policy == "Always")]
    ready_changed_at = epoch(ready.last_transition_time)
    phase = texts.shared(status.phase)
    reason = texts.shared(status.reason)
    summary = summarise(
        PodFacts(
            phase=phase,
            reason=reason,
            containers=containers,
            init_total=len(spec.init_containers or ()),
            container_total=len(running),
            is_being_deleted=meta.deletion_timestamp is not None,
            is_gated=scheduled.reason == "SchedulingGated",
            is_initialized=conditions.get("Initialized", _NO_CONDITION).status == "True",
            is_ready=ready.status == "True",
            is_unschedulable=scheduled.status == "False" and scheduled.reason == "Unschedulable",
            ready_changed_at=ready_changed_at,
        )
    )
    owner = owner_of(meta)
    is_unscheduled = scheduled.status == "False"
    return Pod(
        uid=sanitise(meta.uid),
        namespace=texts.shared(meta.namespace),
        name=sanitise(meta.name),
        node=texts.shared(spec.node_name),
        phase=phase,
        created_at=epoch(meta.creation_timestamp) or 0.0,
        deleted_at=epoch(meta.deletion_timestamp),
        reason=reason,
        message=message(status.message),
        ready=ready.status == "True",
        ready_changed_at=ready_changed_at,
        scheduled=scheduled.status == "True",
        unscheduled_reason=texts.shared(scheduled.reason) if is_unscheduled else "",
        unscheduled_message=message(scheduled.message) if is_unscheduled else "",
        owner_kind=texts.shared(owner.kind),
        owner_name=texts.shared(owner.name),
        owner_uid=texts.shared(owner.uid),
        template_hash=texts.shared(_template_hash(meta.labels, owner)),
        containers=containers,
        status=texts.shared(summary.status),
        ready_count=summary.ready_count,
        total_count=summary.total_count,
        restarts=summary.restarts,
        last_restart_at=summary.last_restart_at,
        is_faulty=summary.is_faulty,
        ip=sanitise(status.pod_ip),
        labels=texts.labels(meta.labels),
        cpu_limit_m=_limit(running, "cpu"),
        memory_limit_bytes=_limit(running, "memory"),
        resource_version=sanitise(meta.resource_version),
    )


def owner_of(meta: Metadata | SlimMetadata) -> OwnerReference:
    """The one that controls it, as kubectl does; empty for a bare pod."""
    return next((owner for owner in meta.owner_references or () if owner.controller), _UNKNOWN_OWNER)


def _roles(init_containers: list[PodContainer] | None) -> dict[str, ContainerRole]:
    if not init_containers:
        return {}
    return {c.name: ContainerRole.SIDECAR if c.restart_policy == "Always" else ContainerRole.INIT for c in init_containers}


def _template_hash(labels: Mapping[str, str] | None, owner: OwnerReference) -> str:
    """A stateful set's pods are labelled with their revision's name, a daemon set's with its hash: this is the hash."""
    if not labels:
        return ""
    if hash_ := labels.get("pod-template-hash"):
        return hash_
    return labels.get("controller-revision-hash", "").removeprefix(f"{owner.name}-")


def _limit(containers: list[PodContainer], resource: str) -> int | None:
    """The sum over containers; None where one of them has none, for then the pod has none."""
    measure = millicores_of if resource == "cpu" else bytes_of
    total = 0
    for container in containers:
        limits = container.resources.limits if container.resources else None
        value = measure(limits[resource]) if limits and resource in limits else None
        if value is None:
            return None
        total += value
    return total or None


def _container(wire: ContainerStatus, role: ContainerRole, texts: Texts) -> ContainerState:
    state, reason, said, exit_code, signal, since_at = "", "", "", None, None, None
    if now := wire.state:
        if now.running:
            state, since_at = "running", epoch(now.running.started_at)
        elif end := now.terminated:
            state, reason, said, exit_code = "terminated", end.reason, end.message, end.exit_code
            signal, since_at = end.signal or None, epoch(end.finished_at)
        else:
            # As kubectl reads it, a state with nothing in it is one of waiting.
            state = "waiting"
            if now.waiting:
                reason, said = now.waiting.reason, now.waiting.message
    last = wire.last_state.terminated if wire.last_state else None
    return ContainerState(
        name=texts.shared(wire.name),
        role=role,
        image=texts.shared(wire.image),
        image_id=texts.shared(wire.image_id),
        ready=wire.ready,
        started=bool(wire.started),
        restarts=wire.restart_count,
        state=state,
        reason=texts.shared(reason),
        message=message(said),
        exit_code=exit_code,
        signal=signal,
        since_at=since_at,
        last_reason=texts.shared(last.reason) if last else "",
        last_message=message(last.message) if last else "",
        last_exit_code=last.exit_code if last else None,
        last_finished_at=epoch(last.finished_at) if last else None,
    )
