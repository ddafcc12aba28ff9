"""Deployments, stateful sets, daemon sets and the revisions of their templates, as they travel, become ours."""

from __future__ import annotations

from msgspec import Raw

from clients.kubernetes.decode_pods import owner_of
from clients.kubernetes.decode_templates import Templates
from clients.kubernetes.texts import Texts, epoch, message
from clients.kubernetes.wire import (
    ControllerRevisionObject,
    ManagedFields,
    Metadata,
    ReplicaSetObject,
    Strategy,
    WorkloadCondition,
    WorkloadObject,
)
from domain.sanitise import sanitise
from domain.workloads import Condition, Revision, Workload, WorkloadKind

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
CHANGED_BY = "quarterdeck.dev/changed-by"
"""Ours: who made a change through this program. Deployments hand it on to the replica set of that version."""
MANAGED_BY = "app.kubernetes.io/managed-by"
_DEFAULT_DEADLINE_S = 600
_NO_STRATEGY = Strategy()
_NO_TEMPLATE = Raw(b"")


def workload_from(wire: WorkloadObject, kind: WorkloadKind, texts: Texts, templates: Templates) -> Workload:
    meta, spec, status = wire.metadata, wire.spec, wire.status
    annotations, labels = meta.annotations or {}, meta.labels or {}
    strategy = (spec.strategy if kind is WorkloadKind.DEPLOYMENT else spec.update_strategy) or _NO_STRATEGY
    setter = _setter_of_template(meta.managed_fields)
    is_daemon_set = kind is WorkloadKind.DAEMON_SET
    return Workload(
        uid=texts.shared(meta.uid),
        namespace=texts.shared(meta.namespace),
        name=texts.shared(meta.name),
        kind=kind,
        generation=meta.generation,
        observed_generation=status.observed_generation,
        created_at=epoch(meta.creation_timestamp) or 0.0,
        desired=status.desired_number_scheduled if is_daemon_set else _replicas(spec.replicas),
        replicas=status.current_number_scheduled if is_daemon_set else status.replicas,
        updated=status.updated_number_scheduled if is_daemon_set else status.updated_replicas,
        ready=status.number_ready if is_daemon_set else status.ready_replicas,
        available=status.number_available if is_daemon_set else status.available_replicas,
        template=templates.template(spec.template),
        paused=spec.paused,
        strategy=texts.shared(strategy.type) or "RollingUpdate",
        partition=strategy.rolling_update.partition if strategy.rolling_update else 0,
        progress_deadline_s=(spec.progress_deadline_seconds or _DEFAULT_DEADLINE_S)
        if kind is WorkloadKind.DEPLOYMENT
        else None,
        min_ready_s=spec.min_ready_seconds,
        revision=_number(annotations.get(REVISION, "")),
        current_hash=texts.shared(status.current_revision.removeprefix(f"{meta.name}-")),
        update_hash=texts.shared(status.update_revision.removeprefix(f"{meta.name}-")),
        selector=texts.labels(spec.selector.match_labels if spec.selector else None),
        conditions=_conditions(status.conditions, texts),
        change_cause=message(annotations.get(CHANGE_CAUSE)),
        changed_by=message(annotations.get(CHANGED_BY)) or (texts.shared(setter.manager) if setter else ""),
        changed_at=epoch(setter.time) if setter else None,
        managed_by=texts.shared(labels.get(MANAGED_BY)),
        resource_version=sanitise(meta.resource_version),
    )


def replica_set_from(wire: ReplicaSetObject, texts: Texts, templates: Templates) -> Revision:
    meta, status = wire.metadata, wire.status
    annotations, owner = meta.annotations or {}, owner_of(meta)
    hash_ = (meta.labels or {}).get("pod-template-hash") or meta.name.removeprefix(f"{owner.name}-")
    return Revision(
        uid=texts.shared(meta.uid),
        namespace=texts.shared(meta.namespace),
        name=texts.shared(meta.name),
        owner_uid=texts.shared(owner.uid),
        number=_number(annotations.get(REVISION, "")),
        template_hash=texts.shared(hash_),
        created_at=epoch(meta.creation_timestamp) or 0.0,
        template=templates.template(wire.spec.template),
        desired=_replicas(wire.spec.replicas),
        replicas=status.replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
        change_cause=message(annotations.get(CHANGE_CAUSE)),
        changed_by=message(annotations.get(CHANGED_BY)),
        conditions=_conditions(status.conditions, texts),
        resource_version=sanitise(meta.resource_version),
    )


def controller_revision_from(wire: ControllerRevisionObject, texts: Texts, templates: Templates) -> Revision:
    meta, owner = wire.metadata, owner_of(wire.metadata)
    annotations = meta.annotations or {}
    template = templates.revision_template(wire.data.spec.template) if wire.data else templates.template(_NO_TEMPLATE)
    return Revision(
        uid=texts.shared(meta.uid),
        namespace=texts.shared(meta.namespace),
        name=texts.shared(meta.name),
        owner_uid=texts.shared(owner.uid),
        number=wire.revision,
        template_hash=texts.shared(_revision_hash(meta, owner.name)),
        created_at=epoch(meta.creation_timestamp) or 0.0,
        template=template,
        change_cause=message(annotations.get(CHANGE_CAUSE)),
        changed_by=message(annotations.get(CHANGED_BY)),
        resource_version=sanitise(meta.resource_version),
        kind="ControllerRevision",
    )


def _revision_hash(meta: Metadata, owner: str) -> str:
    """The name is OWNER-HASH; the label that holds the hash differs between stateful sets and daemon sets."""
    labels = meta.labels or {}
    named = meta.name.removeprefix(f"{owner}-") if owner else ""
    return named or labels.get("controller.kubernetes.io/hash") or labels.get("controller-revision-hash", "")


def _setter_of_template(managers: list[ManagedFields] | None) -> ManagedFields | None:
    """The manager that set the pod template last; a controller's status updates do not count."""
    setters = [m for m in managers or () if not m.subresource and b'"f:template"' in bytes(m.fields_v1)]
    return max(setters, key=lambda m: epoch(m.time) or 0.0, default=None)


def _conditions(wires: list[WorkloadCondition] | None, texts: Texts) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            type=texts.shared(c.type),
            status=c.status == "True",
            reason=texts.shared(c.reason),
            message=message(c.message),
            changed_at=epoch(c.last_transition_time),
            updated_at=epoch(c.last_update_time),
        )
        for c in wires or ()
    )


def _replicas(count: int | None) -> int:
    return 1 if count is None else count


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
