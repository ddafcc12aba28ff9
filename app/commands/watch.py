"""`quarterdeck watch`: follows one rollout to its verdict, for CI in place of `kubectl rollout status`."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from dataclasses import dataclass, replace

from app.boot import open_scope
from app.commands.observing import Observation, observing
from app.commands.reporting import WatchLine, workload_report
from app.commands.signs import Signs, note, say, signs
from app.commands.workload_name import find_workload, kind_and_name
from app.options import Options
from domain import exit_codes
from domain.ages import HOUR_S, clock, short_duration
from domain.errors import NotFoundError
from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.streams import Source, StreamPhase
from domain.verdict import Degree
from domain.workloads import WorkloadKey


def run(options: Options, arguments: Namespace) -> int:
    kind_and_name(arguments.workload)
    return asyncio.run(_run(options, arguments))


async def _run(options: Options, arguments: Namespace) -> int:
    access, scope, config = open_scope(options)
    if arguments.soak is not None:
        config = replace(config, rules=replace(config.rules, soak_s=arguments.soak))
    ends_at = time.monotonic() + arguments.timeout if arguments.timeout else None
    async with observing(access, scope, config) as observation:
        where = f"namespace {scope.namespace}" if scope.namespace else "any namespace"
        key = find_workload(arguments.workload, observation.fleet.rollouts.keys(), where)
        printer = _Printer(key, arguments.output, signs(config.is_ascii))
        return await _follow(observation, key, printer, ends_at, arguments.timeout)


async def _follow(
    observation: Observation, key: WorkloadKey, printer: _Printer, ends_at: float | None, limit_s: float
) -> int:
    while True:
        fleet = observation.fleet
        rollout = fleet.rollouts.get(key)
        if rollout is None:
            raise NotFoundError(f"{key} has been deleted while it was watched.", "Deploy it again, then watch again.")
        code = _verdict(rollout)
        is_late = ends_at is not None and time.monotonic() >= ends_at
        if code is None and is_late:
            code = exit_codes.TIMED_OUT
        printer.show(fleet, rollout, code)
        if code is exit_codes.TIMED_OUT:
            note(f"quarterdeck: no verdict on {key} within {short_duration(limit_s)}: {rollout.verdict.title}.")
        if code is not None:
            return code
        await observation.next(None if ends_at is None else max(0.0, ends_at - time.monotonic()))


def _verdict(rollout: Rollout) -> int | None:
    """The exit code, or None while nobody can say."""
    if rollout.degree.is_failing:
        return exit_codes.FAILING
    return exit_codes.OK if rollout.degree is Degree.HEALTHY and rollout.is_complete else None


def _age(seconds: float) -> str:
    """A clock while it can be a rollout; of one long over nobody wants the seconds."""
    return clock(seconds) if seconds < HOUR_S else short_duration(seconds)


def _pods(rollout: Rollout) -> str:
    """What serves, or at the end how many old pods are still going."""
    old = len(rollout.old_pods)
    return rollout.verdict.capacity or (f"{old} old left" if old else "")


@dataclass
class _Printer:
    """One line a change; what only gets older is no change."""

    key: WorkloadKey
    output: str
    signs: Signs
    _shown: object = None
    _is_away: bool = False

    def show(self, fleet: Fleet, rollout: Rollout, code: int | None) -> None:
        self._say_whether_it_answers(fleet)
        verdict = rollout.verdict
        state = (verdict.degree, verdict.title, verdict.cause, _pods(rollout), code)
        if state == self._shown:
            return
        self._shown = state
        if self.output == "jsonl":
            self._say_json(fleet, rollout, code)
        else:
            say(self._line(fleet, rollout))

    def _line(self, fleet: Fleet, rollout: Rollout) -> str:
        verdict, dot = rollout.verdict, f" {self.signs.dot} "
        age = _age(fleet.now - rollout.began_at) if rollout.began_at is not None else "-"
        parts = [verdict.title, verdict.cause, _pods(rollout), self._second_clock(rollout)]
        if rollout.eta_s and not rollout.degree.is_failing:
            parts.append(f"about {short_duration(rollout.eta_s)} left")
        said = dot.join(part for part in parts if part)
        return f"{age:>6}  {self.signs.of(rollout.degree)} {self.key} {rollout.image.version}: {said}"

    def _second_clock(self, rollout: Rollout) -> str:
        if not rollout.degree.is_failing:
            return ""
        at_s = rollout.verdict.kubernetes_says_at_s
        target = rollout.good_target
        back = (
            f" {self.signs.dot} last known good: {target.image.short}, revision {target.revision.number}" if target else ""
        )
        return f"Kubernetes would {'never say so' if at_s is None else 'say so at ' + clock(at_s)}{back}"

    def _say_json(self, fleet: Fleet, rollout: Rollout, code: int | None) -> None:
        import msgspec

        say(msgspec.json.encode(WatchLine(fleet.now, code, workload_report(rollout))).decode())

    def _say_whether_it_answers(self, fleet: Fleet) -> None:
        is_away = fleet.stream(Source.API_SERVER).phase is StreamPhase.STALE or fleet.is_stale(Source.PODS)
        if is_away and not self._is_away:
            note("quarterdeck: the API server does not answer; waiting for it.")
        if self._is_away and not is_away:
            note("quarterdeck: the API server answers again.")
        self._is_away = is_away
