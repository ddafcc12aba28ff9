"""Waits for a rollout under the verdict engine, and watches it a while longer once it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import NoReturn

from actions.ports import Executor, Ports, Run, StepFailed
from actions.steps.following import digest_of, fleets, has_arrived, is_about_new, is_stale, proposal_of
from actions.steps.making import key_of
from domain.ages import short_duration
from domain.fleet import Fleet
from domain.operations import Json, Step
from domain.rollouts import Rollout
from domain.verdict import Degree
from domain.workloads import WorkloadKey

_SOAK_TOLD_EVERY_S = 5.0


class Rollouts(Executor):
    """Done when the rollout of what was patched is complete: all updated, all available, no old pod left."""

    kind = "rollout"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        key = key_of(step.arguments)
        last: Rollout | None = None
        try:
            async with asyncio.timeout(run.time_left_s), aclosing(_arrived(ports, step, run)) as seen:
                async for fleet, rollout in seen:
                    last = rollout
                    _fail_if_failing(run, rollout)
                    if rollout.is_complete and not is_stale(fleet, key):
                        return result_of(rollout)
                    run.tell(*_told(fleet, rollout))
        except TimeoutError:
            _out_of_time(step, run, key, last)
        raise AssertionError("a rollout is followed until it ends")


class Soaks(Executor):
    """It stays complete without a break, and nothing is found against it. What cannot be seen does not count."""

    kind = "soak"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        key = key_of(step.arguments)
        seconds = float(step.arguments["seconds"])
        loop = asyncio.get_running_loop()
        since: float | None = None
        last: Rollout | None = None
        try:
            async with asyncio.timeout(run.time_left_s), aclosing(_arrived(ports, step, run)) as seen:
                async for fleet, rollout in seen:
                    last = rollout
                    _fail_if_failing(run, rollout)
                    is_well = rollout.is_complete and not is_stale(fleet, key) and rollout.degree < Degree.SUSPECT
                    since = (loop.time() if since is None else since) if is_well else None
                    good_for_s = 0.0 if since is None else loop.time() - since
                    if since is not None and good_for_s >= seconds:
                        return {"seconds": seconds, "message": f"complete for {short_duration(seconds)}"}
                    told_s = good_for_s // _SOAK_TOLD_EVERY_S * _SOAK_TOLD_EVERY_S
                    words = f"complete for {told_s:.0f} of {seconds:g} s" if is_well else _told(fleet, rollout)[0]
                    run.tell(words, told_s / seconds if seconds else None)
        except TimeoutError:
            _out_of_time(step, run, key, last)
        raise AssertionError("a rollout is followed until it ends")


def result_of(rollout: Rollout) -> Mapping[str, Json]:
    """What the report, the marks and a later comparison need."""
    desired = rollout.workload.desired
    ready = min(rollout.new_ready, desired)
    return {
        "ready": ready,
        "desired": desired,
        "version": rollout.image.version if rollout.image.repository else "",
        "image": rollout.image.short if rollout.image.repository else "",
        "template_hash": rollout.new.template_hash if rollout.new is not None else "",
        "digest": digest_of(rollout),
        "message": f"{ready}/{desired} ready" if desired else "scaled to 0",
    }


async def _arrived(ports: Ports, step: Step, run: Run) -> AsyncGenerator[tuple[Fleet, Rollout], None]:
    """Snapshots from the moment on that the controller has taken the change up."""
    key = key_of(step.arguments)
    wanted = dict(run.results.get(str(step.arguments.get("after", "")), {}))
    async with aclosing(fleets(ports, run)) as seen:
        async for fleet in seen:
            rollout = fleet.rollouts.get(key)
            if rollout is None:
                run.tell(f"looking for {key.name}")
            elif not has_arrived(rollout, wanted):
                run.tell("waiting for the controller to take it up")
            else:
                yield fleet, rollout


def _fail_if_failing(run: Run, rollout: Rollout) -> None:
    if not rollout.degree.is_failing or not is_about_new(rollout):
        return
    verdict = rollout.verdict
    proposal, target = proposal_of(run.plan, rollout)
    cause = f": {verdict.cause}" if verdict.cause else ""
    hint = " ".join(w for w in (_sentence(verdict.capacity), target) if w) or "Look at the pods' logs."
    result = dict(result_of(rollout), proposal=proposal, degree=rollout.degree.name)
    raise StepFailed(f"{verdict.title}{cause}", hint, proposal=proposal, result=result)


def _out_of_time(step: Step, run: Run, key: WorkloadKey, last: Rollout | None) -> NoReturn:
    took = short_duration(step.timeout_s)
    if last is None:
        raise StepFailed(f"after {took} its controller has not taken it up", "Is the controller manager up?") from None
    proposal, target = proposal_of(run.plan, last)
    cause = f": {last.verdict.cause}" if last.verdict.cause else ""
    message = f"after {took} {last.new_ready}/{last.workload.desired} ready{cause}"
    hint = " ".join(w for w in (_sentence(last.verdict.capacity), target) if w) or f"Look at the pods of {key.name}."
    raise StepFailed(message, hint, proposal=proposal, result=result_of(last)) from None


def _told(fleet: Fleet, rollout: Rollout) -> tuple[str, float | None]:
    desired = rollout.workload.desired
    ready = min(rollout.new_ready, desired)
    words = f"{ready}/{desired} ready"
    if is_stale(fleet, rollout.key):
        words += ", as last seen: the API server does not answer"
    elif rollout.degree in (Degree.SUSPECT, Degree.PAUSED) and is_about_new(rollout):
        cause = f": {rollout.verdict.cause}" if rollout.verdict.cause else ""
        words += f", {rollout.verdict.title}{cause}"
    return words, ready / desired if desired else None


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""
