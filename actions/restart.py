"""The same version in new pods, one after the other as a rollout makes them: kubectl's restart, fenced and verified."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from actions.configuration_check import check_there, read_configuration
from actions.flight_check import (
    Right,
    check_capacity,
    check_lock,
    check_paused,
    check_read_only,
    check_rights,
    check_shown,
    dry_run,
    warn,
)
from actions.planning import Draft, concluded, deletions, expected_s, version_words
from actions.ports import Ports
from actions.prepare import COMMON_OPTIONS, Options, Prepared, Side, who_of
from actions.subject import read_subject
from domain.capacity import surge_of
from domain.fleet import Fleet
from domain.template_patch import fenced, restart_change
from domain.workloads import WorkloadKey

NAME = "restart"
OPTIONS = COMMON_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartOptions(Options):
    pass


async def prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: RestartOptions) -> Prepared:
    subject = await read_subject(ports, fleet, target)
    removed = deletions(subject)
    needed = [Right("patch", f"{target.kind.lower()}s", "apps")]
    needed += [Right("list", "pods"), Right("delete", "pods")] if removed else []
    moment = f"{datetime.fromtimestamp(ports.clock.now(), UTC):%Y-%m-%dT%H:%M:%SZ}"
    change = restart_change(subject.workload.body, moment)
    patch = fenced(subject.workload.body, change)
    rights, lock, configuration, capacity, tried = await asyncio.gather(
        check_rights(ports, target, needed),
        check_lock(ports, target, options),
        read_configuration(ports, target.namespace, subject.template),
        check_capacity(ports, subject, subject.template, surge_of(subject.workload.body, subject.desired)),
        dry_run(ports, subject, patch),
    )
    rolling = subject.rollout is not None and not subject.rollout.is_complete
    checks = [
        *check_read_only(fleet),
        *check_shown(fleet, subject),
        *check_paused(subject, "restart"),
        *([warn("rolling", "a rollout of it is under way: the restart begins anew with all pods")] if rolling else []),
        *check_there(configuration),
        *rights.checks,
        lock,
        *capacity,
        tried.check,
    ]
    title = version_words(subject.current, subject)
    draft = Draft(
        action=NAME,
        done="Restarted",
        subject=subject,
        change=change,
        rights=rights,
        summary=f"restart {target.name}, {title}",
        cause=f"restart by {who_of(fleet.scope, options)}",
        patch_words=f"ask for new pods of {title} (test: generation {subject.workload.generation})",
        deletions=removed,
        expected_s=expected_s(fleet, subject, missing=subject.desired),
    )
    here = Side(title, subject.current.template_hash if subject.current else "")
    return concluded(draft, fleet, options, checks, ports.clock.now(), patch=patch, old=here, new=here)
