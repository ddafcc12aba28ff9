"""Follows one workload's rollout in a live fleet, at least once a second, over whatever the streams go through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from actions.ports import Ports, Run
from domain.case import is_same_template
from domain.errors import ConflictError, OutsideError
from domain.fleet import Fleet
from domain.operations import Plan
from domain.rollouts import Rollout
from domain.streams import Source
from domain.template_patch import template_fingerprint
from domain.workloads import Workload, WorkloadKey, WorkloadKind

EVERY_S = 1.0
_SOURCES = {
    WorkloadKind.DEPLOYMENT: Source.DEPLOYMENTS,
    WorkloadKind.STATEFUL_SET: Source.STATEFUL_SETS,
    WorkloadKind.DAEMON_SET: Source.DAEMON_SETS,
}


async def fleets(ports: Ports, run: Run) -> AsyncGenerator[Fleet, None]:
    """Snapshots until nobody asks any more; the last one again where none has come for a second."""
    while True:
        source = ports.fleet.watch()
        waiting: asyncio.Task[Fleet] | None = None
        fleet: Fleet | None = None
        try:
            while True:
                waiting = waiting or asyncio.create_task(_next_of(source))
                await asyncio.wait({waiting}, timeout=EVERY_S)
                if waiting.done():
                    fleet, waiting = waiting.result(), None
                if fleet is not None:
                    yield fleet
        except (OutsideError, _EndedError) as error:
            run.tell(f"cannot see the rollout: {error}")
        finally:
            await _close(source, waiting)
        await run.sleep(EVERY_S)


class _EndedError(Exception):
    """A task cannot raise StopAsyncIteration."""


async def _next_of(source: AsyncIterator[Fleet]) -> Fleet:
    try:
        return await anext(source)
    except StopAsyncIteration:
        raise _EndedError("its streams have ended") from None


async def _close(source: AsyncIterator[Fleet], waiting: asyncio.Task[Fleet] | None) -> None:
    if waiting is not None:
        waiting.cancel()
        with suppress(asyncio.CancelledError, OutsideError, _EndedError):
            await waiting
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()


async def first_rollout(ports: Ports, run: Run, key: WorkloadKey) -> tuple[Fleet, Rollout]:
    """The workload as soon as it is seen."""
    async with aclosing(fleets(ports, run)) as seen:
        async for fleet in seen:
            if key in fleet.rollouts:
                return fleet, fleet.rollouts[key]
            run.tell(f"looking for {key.name}")
    raise AssertionError("a fleet is followed until nobody asks any more")


def is_stale(fleet: Fleet, key: WorkloadKey) -> bool:
    """What the snapshot says of the workload may be old."""
    return fleet.is_stale(_SOURCES[key.kind]) or fleet.is_stale(Source.PODS)


def has_arrived(rollout: Rollout, wanted: dict[str, object]) -> bool:
    """The snapshot, and the workload's controller, know of the change `wanted` (the result of a patch).

    Raises ConflictError where the template is a third one: somebody has changed it since.
    """
    workload = rollout.workload
    generation = int(str(wanted.get("generation") or 0))
    if workload.generation < generation:
        return False
    fingerprint = _fingerprint(workload)
    if fingerprint and wanted.get("template") and fingerprint != wanted["template"]:
        by = f" by {workload.changed_by}" if workload.changed_by else ""
        message = f"{workload.name} was changed again{by}: generation {workload.generation}, ours was {generation}"
        raise ConflictError(message, "See who and what: open its history, or `quarterdeck status`.")
    return workload.observed_generation >= max(generation, workload.generation)


def is_about_new(rollout: Rollout) -> bool:
    """The verdict is on the version that the workload asks for now, not on the one before it."""
    if rollout.new is None:
        return False
    is_deployment = rollout.workload.kind is WorkloadKind.DEPLOYMENT
    return not is_deployment or is_same_template(rollout.workload.template, rollout.new.template)


def proposal_of(plan: Plan, rollout: Rollout) -> tuple[str, str]:
    """(the command that goes back to what was good, words for the target); both "" where nothing is known to be good."""
    target = rollout.good_target
    if target is None:
        return "", ""
    note = f" ({target.note})" if target.note else ""
    return f"quarterdeck rollback {rollout.workload.name} --to last-good", f"Last good is {target.image.version}{note}."


def digest_of(rollout: Rollout) -> str:
    """ "sha256:…" of what the new pods really run; "" where none says."""
    for line in rollout.history:
        if rollout.new is not None and line.revision.template_hash == rollout.new.template_hash:
            _, at, digest = line.image_id.rpartition("@")
            return digest if at or digest.startswith("sha256:") else ""
    return ""


def _fingerprint(workload: Workload) -> str:
    try:
        template = json.loads(workload.template.text)
    except (ValueError, RecursionError):
        return ""
    return template_fingerprint(template) if isinstance(template, dict) and template else ""
