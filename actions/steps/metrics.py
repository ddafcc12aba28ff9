"""Compares the metrics that users feel with what they were before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.ports import Executor, Ports, Run, StepFailed
from actions.steps.following import first_rollout
from actions.steps.making import key_of
from domain.business import is_worse
from domain.errors import OutsideError, QuarterdeckError
from domain.metrics import Series, Unit, shown
from domain.operations import Json, Step
from domain.verdict import VerdictRules

_READ_EVERY_S = 15.0
"""Prometheus scrapes seldom more often."""


class MetricComparisons(Executor):
    """What is worse is given until the time limit to get better. Without a Prometheus, or with too few requests to tell,
    the operation goes on, and its report says so."""

    kind = "metrics"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        if ports.metrics is None:
            return _not_compared("there is no Prometheus")
        key = key_of(step.arguments)
        _, rollout = await first_rollout(ports, run, key)
        before_at = _before_at(step, run, rollout.began_at)
        while True:
            try:
                read = await ports.metrics.read(ports.queries, key, rollout.workload.selector, since_at=before_at)
            except QuarterdeckError as error:
                if not isinstance(error, OutsideError) or run.time_left_s <= _READ_EVERY_S:
                    return _not_compared(error.message)
                run.tell(error.message)
                await run.sleep(_READ_EVERY_S)
                continue
            compared = [_compared(s, before_at, float(step.arguments["factor"])) for s in read if _can_tell(s, before_at)]
            if not compared or not _has_enough(read):
                return _not_compared("too few requests or values to tell")
            worse = [c for c in compared if c["is_worse"]]
            if not worse:
                return {"is_read": True, "compared": compared, "message": _words(compared)}
            if run.time_left_s <= _READ_EVERY_S:
                hint = "Look at the metrics since the rollout: they are worse for users."
                raise StepFailed(_words(worse), hint, result={"is_read": True, "compared": compared})
            run.tell(f"still worse: {_words(worse)}")
            await run.sleep(_READ_EVERY_S)


def _before_at(step: Step, run: Run, began_at: float | None) -> float:
    given = step.arguments["before_at"]
    if given is not None:
        return float(given)
    patched = next((s.began_at for s in run.operation.steps if s.step.kind == "patch" and s.began_at), None)
    return patched or began_at or run.operation.began_at or run.plan.created_at


def _can_tell(series: Series, before_at: float) -> bool:
    if not (series.query.is_business and series.is_scoped and series.points):
        return False
    return series.points[-1][0] > before_at and series.before(before_at) is not None


def _has_enough(read: Sequence[Series]) -> bool:
    """Where a rate of requests is asked for, there must be some."""
    rates = [s.value for s in read if s.query.unit is Unit.PER_SECOND and s.value is not None]
    return not rates or max(rates) >= VerdictRules().business_min_rate_per_s


def _compared(series: Series, before_at: float, factor: float) -> dict[str, Json]:
    before, value = series.before(before_at), series.value
    assert before is not None and value is not None
    return {
        "name": series.query.name,
        "title": series.query.title,
        "before": before,
        "now": value,
        "words": f"{series.query.title} {shown(value, series.query.unit)}, before {shown(before, series.query.unit)}",
        "is_worse": is_worse(series, before, value, factor),
    }


def _words(compared: Sequence[Mapping[str, Json]]) -> str:
    return "; ".join(str(c["words"]) for c in compared)


def _not_compared(why: str) -> Mapping[str, Json]:
    return {"is_read": False, "message": f"not compared: {why}"}
