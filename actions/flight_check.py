"""What is looked at before anything is changed: rights, lock, pauses, owners, room, the dry run. Nothing in here writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actions.ports import Ports
from actions.prepare import FORCE, NO_LOCK, TAKE_OVER, Check, CheckKind, Options
from actions.steps.making import lock_name
from actions.subject import Subject
from domain.ages import short_duration
from domain.capacity import budgets_of, short_of_quota
from domain.configuration import epoch_of
from domain.errors import ConflictError, ForbiddenError, NotFoundError, OutsideError, RateLimitedError, UnreachableError
from domain.fleet import Fleet
from domain.operation_ports import ClusterObject, LeaseState
from domain.operation_record import OperationRecord, lease_sentence, read_record
from domain.owners import autoscaler_of, reverting_owners
from domain.sanitise import sanitise
from domain.template_patch import BY, OPERATION, JsonPatch, template_fingerprint
from domain.workloads import WorkloadKey

_DEAD_AFTER = 3
"""So many times its duration without being renewed, by the times in it: only for what is said, the lock itself decides."""
_LIST_S = 3.0


def good(name: str, words: str, *detail: str) -> Check:
    return Check(name, CheckKind.GOOD, words, detail)


def warn(name: str, words: str, *detail: str) -> Check:
    return Check(name, CheckKind.WARN, words, detail)


def bad(name: str, words: str, *detail: str, override: str = "", hint: str = "") -> Check:
    return Check(name, CheckKind.BAD, words, detail, override, hint=hint)


def unknown(name: str, words: str, *detail: str) -> Check:
    return Check(name, CheckKind.UNKNOWN, words, detail)


# Rights


@dataclass(frozen=True, slots=True)
class Right:
    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    @property
    def words(self) -> str:
        return f"{self.verb} {self.resource}{f'/{self.subresource}' if self.subresource else ''}"


LOCK_RIGHTS = tuple(Right(verb, "leases", "coordination.k8s.io") for verb in ("get", "create", "update"))
RECORD_RIGHTS = tuple(Right(verb, "configmaps") for verb in ("get", "create", "update", "patch"))
EVENT_RIGHTS = (Right("create", "events"),)


@dataclass(frozen=True, slots=True)
class Rights:
    checks: tuple[Check, ...]
    can_lock: bool = True
    can_record: bool = True
    can_write_events: bool = True


async def check_rights(ports: Ports, key: WorkloadKey, needed: Sequence[Right]) -> Rights:
    """All reviews at once. `needed` are those without which the action cannot be carried out at all."""
    asked = tuple(dict.fromkeys((*needed, *LOCK_RIGHTS, *RECORD_RIGHTS, *EVENT_RIGHTS)))
    answers = await asyncio.gather(*(_is_permitted(ports, key, right) for right in asked))
    missing = {right for right, answer in zip(asked, answers, strict=True) if answer is False}
    unsure = [right for right, answer in zip(asked, answers, strict=True) if answer is None]
    checks: list[Check] = []
    lost = [r.words for r in needed if r in missing]
    where = f"in {key.namespace}"
    if lost:
        checks.append(bad("rights", f"you may not {_and(lost)} {where}", hint="Ask for these rights, or for a colleague."))
    elif not unsure:
        checks.append(good("rights", f"you may {_and([r.words for r in needed])} {where}"))
    if unsure:
        checks.append(unknown("rights", f"cannot tell whether you may {_and([r.words for r in unsure])}"))
    no_lock = [r.words for r in LOCK_RIGHTS if r in missing]
    if no_lock:
        words = f"you may not {_and(no_lock)}: without the lock nobody else is kept from working on it"
        checks.append(bad("lock-rights", words, override=NO_LOCK.flag))
    no_record = [r.words for r in RECORD_RIGHTS if r in missing]
    if no_record:
        checks.append(warn("record-rights", f"you may not {_and(no_record)}: others are not told, nothing is marked"))
    no_event = any(r in missing for r in EVENT_RIGHTS)
    if no_event:
        checks.append(warn("event-rights", "you may not create events: none is written"))
    return Rights(tuple(checks), not no_lock, not no_record, not no_event)


async def _is_permitted(ports: Ports, key: WorkloadKey, right: Right) -> bool | None:
    try:
        return await ports.cluster.is_permitted(
            right.verb, right.resource, group=right.group, subresource=right.subresource, namespace=key.namespace
        )
    except OutsideError:
        return None


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"


# Other operations


async def check_lock(ports: Ports, key: WorkloadKey, options: Options) -> Check:
    """Who works on it now. The lock step decides by what it sees of the Lease; this says so before anything begins."""
    name = lock_name(key)
    lease, record = await asyncio.gather(_lease(ports, key, name), _record(ports, key, name))
    if isinstance(lease, OutsideError):
        return unknown("lock", f"cannot tell whether another operation is on it: {lease.message}")
    if lease is None or not lease.is_held:
        return good("lock", "no other operation on it")
    operation = lease.annotations.get(OPERATION, "") or lease.holder.partition("/")[2]
    is_its_record = record is not None and record.operation == operation
    if record is not None and is_its_record and record.is_over:
        return good("lock", "the operation before this one is over")
    who = lease.holder.partition("/")[0]
    sentence = record.sentence if record is not None and is_its_record else lease_sentence(lease)
    renewed_at = epoch_of(lease.renew_time)
    silent_s = ports.clock.now() - renewed_at if renewed_at is not None else 0.0
    if silent_s > _DEAD_AFTER * max(1, lease.duration_s):
        words = f"{sentence}; its runner has been silent for {short_duration(silent_s)}"
        hint = f'If it is dead: `quarterdeck ops` shows it, `{TAKE_OVER.flag} --reason "…"` takes its place.'
        return bad("lock", words, override=TAKE_OVER.flag, hint=hint)
    hint = f"Wait for it, talk to {who}, or follow it: `quarterdeck ops`."
    return bad("lock", sentence, override=TAKE_OVER.flag, hint=hint)


async def _lease(ports: Ports, key: WorkloadKey, name: str) -> LeaseState | OutsideError | None:
    try:
        return await ports.leases.read(key.namespace, name)
    except OutsideError as error:
        return error


async def _record(ports: Ports, key: WorkloadKey, name: str) -> OperationRecord | None:
    try:
        found = await ports.cluster.read("ConfigMap", key.namespace, name)
    except OutsideError:
        return None
    return read_record(found.body.get("data") or {})


# The workload itself


def check_shown(fleet: Fleet, subject: Subject) -> tuple[Check, ...]:
    """Whoever decided saw a certain version: where it is another one by now, they decide again. A change of scale alone is
    none."""
    rollout = subject.rollout
    if rollout is None or rollout.workload.generation == subject.workload.generation:
        return ()
    try:
        shown = template_fingerprint(json.loads(rollout.workload.template.text))
    except (ValueError, TypeError, RecursionError):
        shown = ""
    if shown == template_fingerprint(subject.template):
        return ()
    was, now = rollout.workload.generation, subject.workload.generation
    by = sanitise(subject.workload.annotations.get(BY, ""), 100)
    words = f"it has changed since it was shown (generation {was}, now {now}{f', last by {by}' if by else ''})"
    return (bad("shown", words, hint="Look at it as it is now, then decide again."),)


def check_read_only(fleet: Fleet) -> tuple[Check, ...]:
    if not fleet.scope.is_read_only:
        return ()
    why = fleet.scope.read_only_reason or "read-only"
    return (bad("read-only", f"nothing may be changed here: {why}", hint="Start without read-only to change something."),)


def check_paused(subject: Subject, verb: str) -> tuple[Check, ...]:
    if not subject.is_paused:
        return ()
    name = subject.key.name
    hint = f"First `quarterdeck resume {name}`: what was changed while it was paused then rolls out. Then {verb}."
    return (bad("paused", "its rollout is paused, so nothing would happen", hint=hint),)


def check_window(fleet: Fleet, key: WorkloadKey, options: Options) -> tuple[Check, ...]:
    reason = options.is_change_refused(fleet, key) if options.is_change_refused is not None else None
    return (bad("window", reason, override=FORCE.flag),) if reason else ()


async def check_owners(ports: Ports, subject: Subject) -> tuple[Check, ...]:
    """Told, never blocking."""
    key = subject.key
    checks = [warn("gitops", words) for words in reverting_owners(subject.workload.body)]
    autoscalers = await listed(ports, "HorizontalPodAutoscaler", key.namespace)
    if autoscalers is not None:
        scaled = autoscaler_of(key.kind.value, key.name, (a.body for a in autoscalers))
        if scaled:
            checks.append(good("autoscaler", scaled))
    return tuple(checks)


async def check_capacity(ports: Ports, subject: Subject, template: dict[str, object], extra_pods: int) -> tuple[Check, ...]:
    """What serves now, and whether quotas let the pods in that come before others go."""
    key = subject.key
    quotas, budgets = await asyncio.gather(
        listed(ports, "ResourceQuota", key.namespace), listed(ports, "PodDisruptionBudget", key.namespace)
    )
    checks: list[Check] = []
    rollout = subject.rollout
    if rollout is not None and rollout.verdict.capacity:
        checks.append(good("serving", rollout.verdict.capacity))
    if quotas is None:
        checks.append(unknown("quota", "quotas cannot be read"))
    else:
        short = short_of_quota(template, extra_pods, (q.body for q in quotas))
        if short:
            checks.append(warn("quota", short[0], *short[1:]))
        elif quotas:
            checks.append(good("quota", "the namespace's quotas leave room"))
    labels = (subject.template.get("metadata") or {}).get("labels") or {}
    for name, allowed in budgets_of(labels, (b.body for b in budgets or ())):
        if allowed <= 0:
            words = f"PodDisruptionBudget {name} lets no pod go now: a rollout goes on, a node's drain would wait"
            checks.append(warn("budget", words))
        else:
            checks.append(good("budget", f"PodDisruptionBudget {name} lets {allowed} go"))
    return tuple(checks)


async def listed(ports: Ports, kind: str, namespace: str) -> tuple[ClusterObject, ...] | None:
    """None where it cannot be read in time, or may not be: what only informs must not block."""
    try:
        async with asyncio.timeout(_LIST_S):
            return await ports.cluster.list(kind, namespace)
    except NotFoundError:
        return ()
    except (OutsideError, TimeoutError):
        return None


# The dry run


@dataclass(frozen=True, slots=True)
class DryRun:
    check: Check
    is_change: bool | None = None
    """Whether the spec would change at all, by the generation that the server would give it."""


async def dry_run(ports: Ports, subject: Subject, patch: JsonPatch) -> DryRun:
    """The very patch, with dryRun=All: admission, quotas of objects, validation and rights are the server's own."""
    key = subject.key
    try:
        done = await ports.cluster.patch(key.kind.value, key.namespace, key.name, patch, is_dry_run=True)
    except ConflictError as error:
        return DryRun(bad("dry-run", f"the dry run met another change: {error.message}", hint="Look at it again."))
    except (UnreachableError, RateLimitedError) as error:
        return DryRun(unknown("dry-run", f"no dry run: {error.message}"))
    except ForbiddenError as error:
        return DryRun(bad("dry-run", f"the API server refuses it: {error.message}", hint=error.hint))
    except OutsideError as error:
        return DryRun(bad("dry-run", f"the API server would not take it: {error.message}", hint=error.hint))
    return DryRun(good("dry-run", "the API server accepts it (dry run)"), done.generation != subject.workload.generation)


def in_order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """What refuses first, then what is to be known, then what is well; as they were made within each."""
    order = (CheckKind.BAD, CheckKind.WARN, CheckKind.UNKNOWN, CheckKind.GOOD)
    return tuple(sorted(checks, key=lambda c: order.index(c.kind)))
