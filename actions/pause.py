"""Holds a Deployment's rollout where it is, or lets it go on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from actions.flight_check import (
    Right,
    bad,
    check_lock,
    check_owners,
    check_read_only,
    check_rights,
    check_window,
    dry_run,
    warn,
)
from actions.planning import Draft, concluded, expected_s, version_words
from actions.ports import Ports
from actions.prepare import COMMON_OPTIONS, Check, Options, Prepared, Side
from actions.subject import Subject, read_subject
from domain.fleet import Fleet
from domain.template_patch import fenced, pause_change
from domain.workloads import WorkloadKey, WorkloadKind

PAUSE, RESUME = "pause", "resume"
OPTIONS = COMMON_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOptions(Options):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions(Options):
    """What has been changed meanwhile rolls out then: it is waited for and verified."""


async def prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: PauseOptions | ResumeOptions) -> Prepared:
    return await _prepare(ports, fleet, target, options, is_paused=isinstance(options, PauseOptions))


async def _prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: Options, *, is_paused: bool) -> Prepared:
    name = PAUSE if is_paused else RESUME
    subject = await read_subject(ports, fleet, target)
    change = pause_change(is_paused=is_paused)
    patch = fenced(subject.workload.body, change)
    checks = [*check_read_only(fleet), *_checks(subject, fleet, options, is_paused=is_paused)]
    rights, lock, owners = await asyncio.gather(
        check_rights(ports, target, [Right("patch", f"{target.kind.lower()}s", "apps")]),
        check_lock(ports, target, options),
        check_owners(ports, subject),
    )
    checks += [*rights.checks, lock, *owners]
    if target.kind is WorkloadKind.DEPLOYMENT:
        checks.append((await dry_run(ports, subject, patch)).check)
    title = version_words(None, subject)
    doing = "hold the rollout" if is_paused else "let the rollout go on"
    draft = Draft(
        action=name,
        done="Paused" if is_paused else "Resumed",
        subject=subject,
        change=change,
        rights=rights,
        summary=f"{name} {target.name}, {title}",
        patch_words=f"{doing} (test: generation {subject.workload.generation})",
        undo=f"quarterdeck {RESUME if is_paused else PAUSE} {target.name}",
        is_followed=not is_paused,
        expected_s=None if is_paused else expected_s(fleet, subject, missing=_missing(subject)),
    )
    return concluded(draft, fleet, options, checks, ports.clock.now(), patch=patch, old=Side(title), new=Side(title))


def _checks(subject: Subject, fleet: Fleet, options: Options, *, is_paused: bool) -> list[Check]:
    if subject.key.kind is not WorkloadKind.DEPLOYMENT:
        words = f"a {subject.key.kind.value} cannot be paused"
        return [bad("paused", words, hint="Only Deployments have it; a StatefulSet has a partition.")]
    if subject.is_paused == is_paused:
        words = "it is paused already" if is_paused else "it is not paused"
        return [bad("paused", words, hint="There is nothing to do.")]
    if is_paused:
        return []
    checks = list(check_window(fleet, subject.key, options))
    current = subject.current
    if current is None or not subject.rollout or subject.rollout.new_ready < subject.desired:
        checks.append(warn("waiting", f"what was changed while it was paused rolls out: {version_words(None, subject)}"))
    return checks


def _missing(subject: Subject) -> int:
    return subject.desired if subject.current is None else max(0, subject.desired - subject.current.ready)
