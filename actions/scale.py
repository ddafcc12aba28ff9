"""More pods of the same version, or fewer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from actions.flight_check import (
    Right,
    bad,
    check_capacity,
    check_lock,
    check_owners,
    check_read_only,
    check_rights,
    dry_run,
    warn,
)
from actions.planning import Draft, concluded, expected_s, version_words
from actions.ports import Ports
from actions.prepare import COMMON_OPTIONS, FORCE, Check, CheckKind, Option, Options, Prepared, Side
from actions.subject import Subject, read_subject
from domain.compare import Difference
from domain.fleet import Fleet
from domain.template_patch import fenced, scale_change
from domain.workloads import WorkloadKey, WorkloadKind

NAME = "scale"
MOST = 10_000
OPTIONS = (Option("--replicas", "How many pods there shall be.", "N"), *COMMON_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleOptions(Options):
    replicas: int


async def prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: ScaleOptions) -> Prepared:
    subject = await read_subject(ports, fleet, target)
    now, wanted = subject.desired, options.replicas
    change = scale_change(wanted)
    patch = fenced(subject.workload.body, change)
    checks = [*check_read_only(fleet), *_checks(subject, fleet, wanted)]
    rights, lock, owners, capacity = await asyncio.gather(
        check_rights(ports, target, [Right("patch", f"{target.kind.lower()}s", "apps")]),
        check_lock(ports, target, options),
        check_owners(ports, subject),
        check_capacity(ports, subject, subject.template, max(0, wanted - now)),
    )
    checks += [*rights.checks, lock, *capacity, *(_louder(c) for c in owners)]
    if not any(c.kind is CheckKind.BAD and not c.override for c in checks):
        checks.append((await dry_run(ports, subject, patch)).check)
    title = version_words(subject.current, subject)
    draft = Draft(
        action=NAME,
        done="Scaled",
        subject=subject,
        change=change,
        rights=rights,
        summary=f"scale {target.name} from {now} to {wanted}",
        patch_words=f"set replicas to {wanted} (test: generation {subject.workload.generation})",
        undo=f"quarterdeck scale {target.name} {now}",
        is_followed=not subject.is_paused,
        is_verified=False,
        expected_s=expected_s(fleet, subject, missing=max(0, wanted - now)),
        details={"old_replicas": now, "replicas": wanted},
    )
    return concluded(
        draft,
        fleet,
        options,
        checks,
        ports.clock.now(),
        patch=patch,
        differences=(Difference("pod", "replicas", str(now), str(wanted)),),
        old=Side(title, note=f"{now} pods"),
        new=Side(title, note=f"{wanted} pods"),
    )


def _checks(subject: Subject, fleet: Fleet, wanted: int) -> list[Check]:
    if subject.key.kind is WorkloadKind.DAEMON_SET:
        return [bad("replicas", "a DaemonSet has one pod on each node: it cannot be scaled", hint="Use node selectors.")]
    if not 0 <= wanted <= MOST:
        return [bad("replicas", f"{wanted} is no number of pods", hint=f"From 0 to {MOST}.")]
    if wanted == subject.desired:
        return [bad("replicas", f"it has {wanted} already", hint="There is nothing to do.")]
    if wanted == 0:
        words = "no pod would be left to serve"
        return [bad("replicas", words, override=FORCE.flag)] if fleet.scope.is_production else [warn("replicas", words)]
    return []


def _louder(check: Check) -> Check:
    """What an autoscaler keeps is otherwise only to be known; here it takes back what is done."""
    return warn("autoscaler", f"{check.words}: it will scale it again") if check.name == "autoscaler" else check
