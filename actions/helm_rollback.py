"""Back to an earlier revision of a Helm release, verified; and the way out of one that got stuck half way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from actions.flight_check import Right, Rights, bad, check_lock, check_read_only, check_rights, good, unknown, warn
from actions.ports import Ports
from actions.prepare import (
    COMMON_OPTIONS,
    FORCE,
    TAKE_OVER,
    Check,
    CheckKind,
    Option,
    Options,
    Prepared,
    Side,
    is_overriding,
    new_plan_id,
    refuse_if_bad,
    settled,
    who_of,
)
from actions.steps import making
from actions.steps.helm import helm_step
from domain.ages import short_duration
from domain.errors import NotFoundError, OutsideError, RefusedError
from domain.fleet import Fleet
from domain.helm import ALIVE_FOR_S, Release, ReleaseContent, ReleaseRevision, ReleaseStatus
from domain.helm_diff import compare_releases, gone_objects
from domain.helm_ports import Helm
from domain.operations import Place, Plan, Step
from domain.sanitise import sanitise
from domain.workloads import WorkloadKey, WorkloadKind

NAME = "helm-rollback"
_RIGHTS = tuple(Right(verb, "secrets") for verb in ("get", "list", "create", "update"))
"""What Helm itself needs for its storage; what the chart's objects need only helm finds out."""
_MOST_WORKLOADS = 12
_LEAST_SOAK_S = 10.0
_KEPT = 10
"""Helm's own --history-max; more is passed on where there are more, or it would delete them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmRollbackOptions(Options):
    to: str = ""
    """A revision's number; "": the one that `domain.helm.Release.target` finds."""
    timeout_s: float = 300.0
    """Helm's own, for each thing that it waits for."""


OPTIONS = (Option("--to", "Which revision, by its number.", "REVISION"), *COMMON_OPTIONS)


@dataclass(frozen=True, slots=True)
class _Subject:
    release: Release
    target: ReleaseRevision
    old: ReleaseContent
    new: ReleaseContent
    place: WorkloadKey
    """The release, as checks and locks name what they are about; its kind is no release's, and is not shown."""


async def prepare(ports: Ports, fleet: Fleet, namespace: str, release_name: str, options: HelmRollbackOptions) -> Prepared:
    """RefusedByChecksError with all reasons; OutsideError where the release cannot be read."""
    helm = _helm(ports)
    release = await _read(helm, namespace, release_name)
    place = WorkloadKey(namespace, WorkloadKind.DEPLOYMENT, release.name)
    target, about_target = _target(release, options.to)
    now = ports.clock.now()
    first = (*check_read_only(fleet), *_check_pending(release, now), *about_target)
    rights, program, lock = await asyncio.gather(
        check_rights(ports, place, _RIGHTS), _check_program(helm), _check_lock(ports, namespace, release)
    )
    checks = (*first, *rights.checks, program, lock)
    if target is None:
        refuse_if_bad("helm rollback", place, settled(checks, options))
        raise AssertionError("a target that is not found refuses")
    old, new = await asyncio.gather(
        *(helm.content(namespace, release.name, n) for n in (release.newest.number, target.number))
    )
    subject = _Subject(release, target, old, new, place)
    checks = (*checks, *_check_objects(subject), *await _check_workloads(ports, subject, options))
    if program.kind is CheckKind.GOOD:
        checks = (*checks, await _check_dry_run(helm, subject))
    return _concluded(subject, fleet, options, settled(checks, options), rights, now)


def _helm(ports: Ports) -> Helm:
    if ports.helm is None:
        raise RefusedError("Nothing here can read Helm's releases.", "This is a defect: please report it.")
    return ports.helm


async def _read(helm: Helm, namespace: str, name: str) -> Release:
    try:
        return await helm.read(namespace, name)
    except NotFoundError as error:
        raise RefusedError(f"{error.message}.", error.hint) from error


def _target(release: Release, to: str) -> tuple[ReleaseRevision | None, tuple[Check, ...]]:
    newest = release.newest
    if not to:
        found = release.target()
        if found is None:
            return None, (bad("target", "there is no earlier revision that was deployed", hint=_way_out(release)),)
        return found, (good("target", f"{found.words}: {_standing(release, found)}"),)
    number = int(to) if to.isascii() and to.isdecimal() and len(to) < 10 else 0
    found = release.revision(number)
    if found is None:
        known = ", ".join(str(r.number) for r in release.revisions[:10])
        return None, (bad("target", f"there is no revision {sanitise(to, 40)}", hint=f"There are: {known}."),)
    words = f"{found.words}: {_standing(release, found)}"
    if found is newest and newest.status is ReleaseStatus.DEPLOYED:
        return found, (bad("target", f"{found.words} is what is deployed", override=FORCE.flag),)
    if found.status is ReleaseStatus.FAILED:
        return found, (bad("target", words, override=FORCE.flag),)
    is_well = found.status in (ReleaseStatus.DEPLOYED, ReleaseStatus.SUPERSEDED)
    return found, ((good if is_well else warn)("target", words),)


def _standing(release: Release, revision: ReleaseRevision) -> str:
    if revision.status is ReleaseStatus.SUPERSEDED:
        return "was deployed before"
    if revision.status is ReleaseStatus.DEPLOYED and revision is not release.newest:
        return "the last that was deployed as a whole"
    return str(revision.status)


def _way_out(release: Release) -> str:
    newest, name = release.newest, release.name
    if newest.status is ReleaseStatus.PENDING_INSTALL or len(release.revisions) == 1:
        return (
            f"To apply the same again: `quarterdeck helm rollback {name} --to {newest.number}`; to take it away:"
            f" `helm uninstall {name} -n {release.namespace}`."
        )
    known = ", ".join(f"{r.number} ({r.status})" for r in release.revisions[1:6])
    return f"Choose one with `--to`: {known}."


def _check_pending(release: Release, now: float) -> tuple[Check, ...]:
    newest, age_s = release.newest, release.pending_for_s(now)
    if age_s is None:
        if newest.status is ReleaseStatus.FAILED:
            return (warn("state", f"{newest.words} has failed", *(d for d in (newest.description,) if d)),)
        return (good("state", f"{newest.words} is {newest.status}"),)
    since = f"{newest.words} is {newest.status} for {short_duration(age_s)}"
    if age_s < ALIVE_FOR_S:
        hint = (
            f"Ask who deploys. It counts as left after {short_duration(ALIVE_FOR_S)}; if you know that no helm runs:"
            f' `{FORCE.flag} --reason "…"`.'
        )
        return (bad("state", f"{since}: a helm may still be at work on it", override=FORCE.flag, hint=hint),)
    words = f"{since}: whoever began it is gone, and helm refuses every upgrade; a rollback is the way out"
    return (warn("state", words),)


async def _check_program(helm: Helm) -> Check:
    try:
        version = await helm.version()
    except (OutsideError, RefusedError) as error:
        return bad("helm", error.message, hint=error.hint)
    return good("helm", f"helm {version.text} on this host")


def lock_of(release: str) -> str:
    return f"quarterdeck-helm-{release}"


async def _check_lock(ports: Ports, namespace: str, release: Release) -> Check:
    """What is said; the lock step decides by what it sees of the Lease."""
    try:
        lease = await ports.leases.read(namespace, lock_of(release.name))
    except OutsideError as error:
        return unknown("lock", f"cannot tell whether another operation is on it: {error.message}")
    if lease is None or not lease.is_held:
        return good("lock", "no other operation on it")
    who = sanitise(lease.holder.partition("/")[0], 200)
    hint = f"Wait for it, talk to {who}, or follow it: `quarterdeck ops`."
    return bad("lock", f"{who} works on it", override=TAKE_OVER.flag, hint=hint)


def _check_objects(subject: _Subject) -> Iterator[Check]:
    if gone := gone_objects(subject.old, subject.new):
        words = f"{len(gone)} object{'s' * (len(gone) > 1)} of revision {subject.release.newest.number} will be deleted"
        yield warn("objects", words, *gone[:20])
    if subject.new.rollback_hooks:
        yield warn("hooks", "its hooks are run", *subject.new.rollback_hooks[:20])


async def _check_workloads(ports: Ports, subject: _Subject, options: Options) -> tuple[Check, ...]:
    """Another operation on one of its workloads; those that are free are not listed."""
    keys = subject.new.workloads[:_MOST_WORKLOADS]
    found = await asyncio.gather(*(check_lock(ports, key, options) for key in keys))
    return tuple(
        replace(c, words=f"{key.name}: {c.words}") for key, c in zip(keys, found, strict=True) if c.kind is CheckKind.BAD
    )


async def _check_dry_run(helm: Helm, subject: _Subject) -> Check:
    release = subject.release
    try:
        done = await helm.rollback(release.namespace, release.name, subject.target.number, is_dry_run=True)
    except OutsideError as error:
        return unknown("dry-run", f"helm's dry run cannot be made: {error.message}")
    if done.exit_code == 0:
        return good("dry-run", "helm's dry run passes")
    said = next((line for line in reversed(done.output) if line.startswith("Error: ")), "Error: no answer in time")
    return bad("dry-run", f"helm's dry run: {said.removeprefix('Error: ')[:300]}", override=FORCE.flag)


def _concluded(
    subject: _Subject, fleet: Fleet, options: HelmRollbackOptions, checks: tuple[Check, ...], rights: Rights, now: float
) -> Prepared:
    refuse_if_bad("helm rollback", subject.place, checks)
    release, target, id_ = subject.release, subject.target, new_plan_id()
    summary = f"roll back release {release.name} from revision {release.newest.number} to {target.words}"
    scope = fleet.scope
    place = options.place or Place(scope.context, "", scope.server, scope.environment, scope.is_production)

    def plan(reason: str) -> Plan:
        return Plan(
            id=id_,
            action=NAME,
            place=replace(place, namespace=release.namespace),
            workload=None,
            who=who_of(scope, options),
            reason=reason,
            created_at=now,
            summary=summary,
            steps=tuple(_steps(subject, options, rights, reason)),
            details={"release": release.name, "revision": target.number, "newest": release.newest.number},
            warnings=tuple(c.words for c in checks if c.kind is CheckKind.WARN),
        )

    return Prepared(
        plan=plan(options.reason),
        checks=checks,
        differences=compare_releases(subject.old, subject.new),
        summary=summary,
        expected_s=None,
        old=Side(release.newest.words, note=str(release.newest.status)),
        new=Side(target.words, note=_standing(release, target)),
        suggested_reason=_suggested_reason(release),
        needs_reason=scope.is_production or is_overriding(checks),
        draft=plan,
    )


def _suggested_reason(release: Release) -> str:
    newest = release.newest
    return "" if newest.status is ReleaseStatus.DEPLOYED else f"revision {newest.number} is {newest.status}"


def _steps(subject: _Subject, options: HelmRollbackOptions, rights: Rights, reason: str) -> Iterator[Step]:
    release = subject.release
    is_locked = rights.can_lock and not options.no_lock
    take_over_reason = (reason or "taken over") if options.take_over else ""
    if is_locked:
        yield _of_release(making.lock_step(subject.place, take_over_reason=take_over_reason), release)
    if rights.can_record:
        yield _of_release(making.record_step(subject.place), release)
    yield helm_step(
        release.namespace,
        release.name,
        to=subject.target.number,
        newest=release.newest.number,
        newest_status=str(release.newest.status),
        history_max=max(_KEPT, len(release.revisions) + 1),
        helm_timeout_s=options.timeout_s,
        undo=f"quarterdeck helm rollback {release.name} --to {release.newest.number} --force",
    )
    yield from _verify_steps(subject.new.workloads[:_MOST_WORKLOADS], options)
    if rights.can_record:
        yield _of_release(making.record_end_step(subject.place), release)
    if is_locked:
        yield _of_release(making.unlock_step(subject.place), release)


def _of_release(step: Step, release: Release) -> Step:
    """The same step, on the release's own lock."""
    arguments = {**step.arguments, "kind": "Release", "workload": release.name}
    arguments |= {name: lock_of(release.name) for name in ("lease", "name") if name in arguments}
    return replace(step, arguments=arguments, words=step.words.replace(release.name, f"release {release.name}"))


def _verify_steps(workloads: tuple[WorkloadKey, ...], options: Options) -> Iterator[Step]:
    """One after the other; together they are watched for as long as one would be."""
    rules = options.verify
    for key in workloads:
        yield _named(making.rollout_step(key, after="helm", timeout_s=rules.rollout_timeout_s), key)
    if workloads and rules.soak_s > 0:
        seconds = max(_LEAST_SOAK_S, rules.soak_s / len(workloads)) if len(workloads) > 1 else rules.soak_s
        for key in workloads:
            yield _named(making.soak_step(key, seconds=round(seconds), after="helm"), key)
    for key in workloads if rules.is_health_asked else ():
        yield _named(making.health_step(key), key)
    if rules.smoke_command:
        yield making.smoke_command_step(rules.smoke_command, timeout_s=rules.smoke_timeout_s)


def _named(step: Step, key: WorkloadKey) -> Step:
    return replace(step, id=f"{step.id}-{key.kind.lower()}-{key.name}", words=f"{key.name}: {step.words}")
