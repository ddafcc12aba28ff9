"""Back to a version that was good: of a Deployment, a StatefulSet or a DaemonSet, and out of a rollout that is stuck."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from actions.configuration_check import check_same, check_there, read_configuration, record_of
from actions.flight_check import (
    Right,
    bad,
    check_capacity,
    check_lock,
    check_owners,
    check_paused,
    check_read_only,
    check_rights,
    check_shown,
    dry_run,
    good,
    unknown,
    warn,
)
from actions.image_check import check_images
from actions.planning import Bad, Draft, concluded, deletions, expected_s, version_words
from actions.ports import Ports
from actions.prepare import (
    COMMON_OPTIONS,
    FORCE,
    Check,
    CheckKind,
    Option,
    Options,
    Prepared,
    Side,
    refuse_if_bad,
    settled,
    who_of,
)
from actions.subject import Subject, pod_template, read_subject
from domain.capacity import surge_of
from domain.case import bare_hash
from domain.changed_by import changed_by
from domain.compare import compare
from domain.fleet import Fleet
from domain.last_good import Version, choose_last_good, how_good
from domain.sanitise import sanitise
from domain.template_patch import CONFIGURATION, DIGEST, LEFT, fenced, template_fingerprint, undo_change
from domain.templates import image_name
from domain.verdict import Degree
from domain.workloads import WorkloadKey

NAME = "rollback"
LAST_GOOD = "last-good"
_HEX = re.compile(r"[0-9a-z]{4,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions(Options):
    to: str = LAST_GOOD
    """"last-good", a revision's number, a digest, a template hash (or its beginning), or a tag."""


OPTIONS = (
    Option("--to", "Which version: last-good, a revision's number, a digest, a template hash or a tag.", "REVISION"),
    *COMMON_OPTIONS,
)


@dataclass(frozen=True, slots=True)
class _Target:
    version: Version | None
    checks: tuple[Check, ...]


async def prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: RollbackOptions) -> Prepared:
    """RefusedByChecksError with all reasons; OutsideError where the workload cannot be read at all."""
    subject = await read_subject(ports, fleet, target)
    first = (*check_read_only(fleet), *check_shown(fleet, subject), *check_paused(subject, "roll back"))
    found = _target(fleet, subject, options.to)
    removed = deletions(subject)
    needed = [Right("patch", f"{target.kind.lower()}s", "apps")]
    needed += [Right("list", "pods"), Right("delete", "pods")] if removed else []
    if found.version is None:
        rights, lock = await asyncio.gather(check_rights(ports, target, needed), check_lock(ports, target, options))
        told = (_with_last_change(check, subject) for check in found.checks)
        refuse_if_bad(NAME, target, settled((*first, *told, *rights.checks, lock), options))
        raise AssertionError("a target that is not found refuses")
    version = found.version
    template = subject.template_of(version)
    rights, lock, owners, images, configuration, capacity = await asyncio.gather(
        check_rights(ports, target, needed),
        check_lock(ports, target, options),
        check_owners(ports, subject),
        check_images(ports, subject, version),
        read_configuration(ports, target.namespace, template),
        check_capacity(ports, subject, template, surge_of(subject.workload.body, subject.desired)),
    )
    title, old_title = version_words(version, subject), version_words(subject.current, subject)
    annotations = {CONFIGURATION: record_of(template, configuration)} | ({DIGEST: version.digest} if version.digest else {})
    if subject.current is not None and not _is_current_healthy(subject):
        annotations[LEFT] = subject.current.template_hash
    cause = f"rollback to {title} by {who_of(fleet.scope, options)}"
    change = undo_change(subject.workload.body, subject.bodies[version.uid].body, annotations)
    patch = fenced(subject.workload.body, change)
    tried = await dry_run(ports, subject, patch)
    checks = (
        *first,
        *found.checks,
        *images,
        *check_there(configuration),
        *check_same(subject, version, title, configuration, ports.clock.now()),
        *rights.checks,
        lock,
        *capacity,
        *owners,
        tried.check,
    )
    draft = Draft(
        action=NAME,
        done="RolledBack",
        subject=subject,
        change=change,
        rights=rights,
        summary=f"roll back {target.name} from {old_title} to {title}",
        cause=cause,
        patch_words=f"patch the template back to {title} (test: generation {subject.workload.generation})",
        undo=f"quarterdeck rollback {target.name} --to {_short(subject.current)} --force --reason …",
        deletions=removed,
        marks_bad=_left(subject, version),
        metrics_before_at=_began_at(subject),
        expected_s=expected_s(fleet, subject, missing=max(0, subject.desired - version.ready)),
        details=_details(subject, version),
    )
    return concluded(
        draft,
        fleet,
        options,
        checks,
        ports.clock.now(),
        patch=patch,
        differences=compare(pod_template(subject.template), pod_template(template)),
        old=Side(old_title, subject.current.template_hash if subject.current else "", _verdict_words(subject)),
        new=Side(title, version.template_hash, how_good(version)),
        suggested_reason=_suggested_reason(subject, old_title),
    )


# Which version


def _target(fleet: Fleet, subject: Subject, to: str) -> _Target:
    others = [v for v in subject.versions if not v.is_current]
    if not subject.versions or not others:
        hint = "Deploy a good image: `quarterdeck deploy`."
        return _Target(None, (bad("target", "there is no earlier revision to go back to", hint=hint),))
    version, checks = _last_good(fleet, subject) if to in ("", LAST_GOOD) else _named(subject, others, to)
    if version is None:
        return _Target(None, checks)
    if template_fingerprint(subject.template_of(version)) == template_fingerprint(subject.template):
        words = f"it runs {version_words(version, subject)} ({version.template_hash}) already"
        return _Target(None, (bad("target", words, hint="There is nothing to do."),))
    return _Target(version, (*checks, *_said_of_current(subject), *_marks_check(subject)))


def _with_last_change(check: Check, subject: Subject) -> Check:
    """Somebody else may just have done what is asked for here: then that is why there is nothing to go back to."""
    by = changed_by(subject.workload.body)
    if check.kind is not CheckKind.BAD or not by:
        return check
    running = version_words(subject.current, subject)
    return replace(check, words=f"{check.words}; it runs {running} since a change by {by}")


def _last_good(fleet: Fleet, subject: Subject) -> tuple[Version | None, tuple[Check, ...]]:
    choice = choose_last_good(subject.versions, good_after_s=fleet.rules.good_after_s)
    if choice is None:
        known = [f"{v.number}: {version_words(v, subject)}, {how_good(v)}" for v in subject.versions if not v.is_current]
        words = "no earlier revision is known to have been good"
        hint = f"Choose one with `--to REVISION`: {'; '.join(known[:5])}."
        return None, (bad("target", words, *known, hint=hint),)
    version = choice.version
    words = f"last known good is {version_words(version, subject)}: {choice.how}"
    return version, ((good if choice.is_proven else warn)("target", words),)


def _named(subject: Subject, others: list[Version], to: str) -> tuple[Version | None, tuple[Check, ...]]:
    found = _matching(subject, to)
    shown = sanitise(to, 80)
    if not found:
        known = ", ".join(f"{v.number} ({version_words(v, subject)})" for v in others[:8])
        return None, (bad("target", f"there is no revision {shown} in its history", hint=f"There are: {known}."),)
    if len(found) > 1:
        which = ", ".join(f"{v.number} ({v.template_hash})" for v in found)
        return None, (bad("target", f"{shown} can be several revisions: {which}", hint="Name one by its number."),)
    (version,) = found
    words = f"{version_words(version, subject)}: {how_good(version)}"
    if version.is_bad or version.failed_at is not None:
        return version, (bad("target", words, override=FORCE.flag),)
    return version, ((good if version.ready or version.is_marked_good or version.good_for_s else warn)("target", words),)


def _matching(subject: Subject, to: str) -> list[Version]:
    """By number, else by digest, else by template hash or name, else by tag; the newest where several have the same
    image by digest or tag and one of them runs or is good."""
    name = subject.key.name
    if to.isdecimal() and (numbered := [v for v in subject.versions if v.number == int(to)]):
        return numbered
    digest = to.rpartition("@")[2]
    if digest.startswith("sha256:"):
        return [v for v in subject.versions if v.digest == digest or any(i.endswith(digest) for i in v.images)]
    exact = [v for v in subject.versions if bare_hash(to, name) == v.template_hash]
    begun = [v for v in subject.versions if _HEX.fullmatch(to) and v.template_hash.startswith(to)]
    tag = to.rpartition(":")[2]
    return exact or begun or [v for v in subject.versions if v.images and image_name(v.images[0]).tag == tag]


def _said_of_current(subject: Subject) -> tuple[Check, ...]:
    if _is_current_healthy(subject):
        current = version_words(subject.current, subject)
        return (
            warn("healthy", f"what runs now, {current}, is complete and healthy: nothing is known to be wrong with it"),
        )
    return ()


def _is_current_healthy(subject: Subject) -> bool:
    rollout = subject.rollout
    return rollout is not None and rollout.is_complete and rollout.degree is Degree.HEALTHY


def _marks_check(subject: Subject) -> tuple[Check, ...]:
    return (unknown("marks", f"marks cannot be read: {subject.marks_unknown}"),) if subject.marks_unknown else ()


# What is told of it


def _left(subject: Subject, target: Version) -> Bad | None:
    """None while the version that is left has no revision of its own: there is nothing to know it by. None, too, where
    nothing is wrong with it: going back from a healthy version does not make it a bad one."""
    current = subject.current
    if current is None or _is_current_healthy(subject):
        return None
    # The same image in another template: it is not the image's fault.
    digest = "" if current.digest == target.digest else current.digest
    return Bad(current.template_hash, digest, image_name(current.images[0]).short if current.images else "")


def _began_at(subject: Subject) -> float | None:
    if subject.rollout is not None and subject.rollout.began_at is not None:
        return subject.rollout.began_at
    return subject.current.created_at if subject.current is not None else None


def _details(subject: Subject, target: Version) -> dict[str, object]:
    current = subject.current
    return {
        "template_hash": target.template_hash,
        "digest": target.digest,
        "images": list(target.images),
        "old_template_hash": current.template_hash if current else "",
        "old_digest": current.digest if current else "",
        "old_images": list(pod_template(subject.template).main_images),
        "how": how_good(target),
    }


def _suggested_reason(subject: Subject, old_title: str) -> str:
    rollout = subject.rollout
    if rollout is None or rollout.degree <= Degree.PROGRESSING:
        return ""
    verdict = rollout.verdict
    return sanitise(f"{old_title} {verdict.title}" + (f": {verdict.cause}" if verdict.cause else ""), 300)


def _verdict_words(subject: Subject) -> str:
    return subject.rollout.verdict.title if subject.rollout is not None else ""


def _short(version: Version | None) -> str:
    return version.template_hash if version is not None else "REVISION"
