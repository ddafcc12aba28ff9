"""Puts a plan together: the same order for every action, so that whoever watches one knows them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from actions.flight_check import Rights, in_order
from actions.prepare import (
    Check,
    CheckKind,
    Options,
    Prepared,
    Side,
    is_overriding,
    new_plan_id,
    place_of,
    refuse_if_bad,
    settled,
    who_of,
)
from actions.steps import making
from actions.subject import Subject
from domain.capacity import batch_of
from domain.compare import Difference
from domain.estimate import estimate_s
from domain.fleet import Fleet
from domain.last_good import Version
from domain.marks import Standing
from domain.operations import NOTHING, Json, Plan, Step
from domain.template_patch import Change, JsonPatch
from domain.templates import image_name
from domain.workloads import WorkloadKind


@dataclass(frozen=True, slots=True)
class Bad:
    """The version that is left: what it will be marked as."""

    template_hash: str
    digest: str
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All of a plan but its reason."""

    action: str
    """Its name in the registry."""
    done: str
    """One word for the Kubernetes Event: "RolledBack"."""
    subject: Subject
    change: Change
    rights: Rights
    summary: str
    cause: str = ""
    """For kubernetes.io/change-cause, the reason is added; "" where it makes no new version."""
    patch_words: str = ""
    undo: str = ""
    deletions: tuple[Step, ...] = ()
    is_followed: bool = True
    """Pods change: the rollout is waited for."""
    is_verified: bool = True
    """What then runs is proven: soak, health, smoke, metrics, and marked good."""
    marks_bad: Bad | None = None
    metrics_before_at: float | None = None
    expected_s: float | None = None
    details: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    warnings: tuple[str, ...] = ()


def concluded(
    draft: Draft,
    fleet: Fleet,
    options: Options,
    checks: Iterable[Check],
    now: float,
    *,
    patch: JsonPatch,
    differences: tuple[Difference, ...] = (),
    old: Side | None = None,
    new: Side | None = None,
    suggested_reason: str = "",
) -> Prepared:
    """Ready to be confirmed; or RefusedByChecksError with every reason there is."""
    checks = settled(checks, options)
    refuse_if_bad(draft.action, draft.subject.key, checks)
    draft = replace(draft, warnings=tuple(c.words for c in checks if c.kind is CheckKind.WARN))
    plan_for = drafting(draft, fleet, options, now)
    plan = plan_for(options.reason)
    return Prepared(
        plan=plan,
        checks=in_order(checks),
        differences=differences,
        summary=plan.summary,
        expected_s=plan.expected_s,
        patch=tuple(patch),
        old=old,
        new=new,
        suggested_reason=suggested_reason,
        # Somebody will ask why a version that nothing is known against was left.
        needs_reason=fleet.scope.is_production or is_overriding(checks) or any(c.name == "healthy" for c in checks),
        draft=plan_for,
    )


def drafting(draft: Draft, fleet: Fleet, options: Options, now: float) -> Callable[[str], Plan]:
    """Makes the plan for whatever reason is given in the end; its id and time stay."""
    id_ = new_plan_id()
    subject = draft.subject
    expected_s = draft.expected_s
    if expected_s is not None and draft.is_followed and draft.is_verified:
        expected_s += options.verify.soak_s
    details = {"generation": subject.workload.generation, "uid": subject.workload.uid, **draft.details}

    def plan(reason: str) -> Plan:
        return Plan(
            id=id_,
            action=draft.action,
            place=place_of(fleet.scope, subject.key, options),
            workload=subject.key,
            who=who_of(fleet.scope, options),
            reason=reason,
            created_at=now,
            summary=draft.summary,
            steps=tuple(_steps(draft, options, reason)),
            expected_s=expected_s,
            details=details,
            warnings=draft.warnings,
        )

    return plan


def _steps(draft: Draft, options: Options, reason: str) -> Iterator[Step]:
    key, body, rights = draft.subject.key, draft.subject.workload, draft.rights
    is_locked = rights.can_lock and not options.no_lock
    if is_locked:
        yield making.lock_step(key, take_over_reason=reason or "taken over" if options.take_over else "")
    if rights.can_record:
        yield making.record_step(key)
    yield making.patch_step(
        key,
        uid=body.uid,
        generation=body.generation,
        operations=draft.change.operations,
        words=draft.patch_words,
        undo=draft.undo,
        change_cause=f"{draft.cause}: {reason}"[:1024] if draft.cause and reason else draft.cause,
        annotations=draft.change.annotations,
    )
    yield from draft.deletions
    if draft.is_followed:
        yield making.rollout_step(key, timeout_s=options.verify.rollout_timeout_s)
        if draft.is_verified:
            yield from _verify_steps(draft, options)
    if rights.can_record:
        yield from _mark_steps(draft, reason)
    if rights.can_write_events:
        yield making.event_step(key, uid=body.uid, reason=draft.done)
    if rights.can_record:
        yield making.record_end_step(key)
    if is_locked:
        yield making.unlock_step(key)


def _verify_steps(draft: Draft, options: Options) -> Iterator[Step]:
    key, rules = draft.subject.key, options.verify
    if rules.soak_s > 0:
        yield making.soak_step(key, seconds=rules.soak_s)
    if rules.is_health_asked:
        yield making.health_step(key, urls=rules.health_urls, service=rules.service)
    if rules.smoke_http:
        yield making.smoke_http_step(key, urls=rules.smoke_http, service=rules.service)
    if rules.smoke_command:
        yield making.smoke_command_step(rules.smoke_command, timeout_s=rules.smoke_timeout_s)
    if rules.metrics_factor is not None:
        yield making.metrics_step(key, before_at=draft.metrics_before_at, factor=rules.metrics_factor)


def _mark_steps(draft: Draft, reason: str) -> Iterator[Step]:
    key = draft.subject.key
    if draft.is_followed and draft.is_verified:
        yield making.mark_step(key, Standing.GOOD)
    if draft.marks_bad is not None:
        left = draft.marks_bad
        yield making.mark_step(
            key,
            Standing.BAD,
            template_hash=left.template_hash,
            digest=left.digest,
            image=left.image,
            reason=reason,
            id="mark-bad",
            is_always_run=True,
            only_after=("patch",),
        )


def deletions(subject: Subject) -> tuple[Step, ...]:
    """Where the patch alone heals nothing: an ordered set waits for its broken pod for ever, OnDelete replaces none."""
    current, key = subject.current, subject.key
    if current is None or key.kind is WorkloadKind.DEPLOYMENT:
        return ()
    selector = (subject.workload.body["spec"].get("selector") or {}).get("matchLabels") or {}
    if subject.strategy == "OnDelete":
        return (making.delete_pods_step(key, selector=selector, bad_hash=current.template_hash, is_broken_only=False),)
    policy = subject.workload.body["spec"].get("podManagementPolicy") or "OrderedReady"
    if key.kind is not WorkloadKind.STATEFUL_SET or policy != "OrderedReady":
        return ()
    if subject.rollout is not None and subject.rollout.is_complete:
        return ()
    return (making.delete_pods_step(key, selector=selector, bad_hash=current.template_hash),)


def version_words(version: Version | None, subject: Subject) -> str:
    """ "v1.8.2" of the main image; of what the workload has now where there is no such version."""
    if version is not None and version.images:
        return image_name(version.images[0]).version
    containers = (subject.template.get("spec") or {}).get("containers") or ()
    return image_name(str(containers[0].get("image", ""))).version if containers else "?"


def expected_s(fleet: Fleet, subject: Subject, *, missing: int) -> float | None:
    """Seconds until `missing` pods have started, by how this workload's pods have started before."""
    if subject.rollout is None:
        return None
    uid = subject.workload.uid
    owners = (uid, *subject.bodies)
    pods = [pod for owner in owners for pod in fleet.pods_by_owner.get(owner, {}).values()]
    return estimate_s(
        subject.rollout.workload,
        pods,
        fleet.revisions_by_owner.get(uid, {}).values(),
        missing=missing,
        batch=batch_of(subject.workload.body, subject.desired),
    )
