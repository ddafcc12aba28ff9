"""Whether users are worse off since a rollout began: its configured metrics against themselves before it."""

from __future__ import annotations

from collections.abc import Iterable

from domain.case import Case, Versions
from domain.fleet import SeenRollout
from domain.metrics import Series, Unit
from domain.troubles import Trouble
from domain.verdict import FindingClass

_FLOORS = {Unit.SHARE: 0.005, Unit.SECONDS: 0.05}
"""Below it a value is good whatever it was before: 0.5 % errors, 50 ms."""


def business_troubles(case: Case, versions: Versions, seen: SeenRollout, is_complete: bool) -> Iterable[Trouble]:
    """Only while the rollout is recent, some new pod serves, and there are enough requests to tell."""
    began_at = seen.began_at
    if began_at is None or not case.series or not versions.new_serving:
        return
    ended_at = seen.complete_since_at if is_complete and seen.complete_since_at is not None else case.now
    if case.now - ended_at > case.rules.business_window_s:
        return
    if not any(_rate(s, began_at) >= case.rules.business_min_rate_per_s for s in case.series):
        return
    for series in case.series:
        if not series.query.is_business or not series.is_scoped or not series.points:
            continue
        moment, value = series.points[-1]
        before = series.before(began_at)
        if before is None or moment <= began_at or not is_worse(series, before, value, case.rules.business_factor):
            continue
        message = f"{shown(value, series.query.unit)}, before this rollout {shown(before, series.query.unit)}"
        yield Trouble(FindingClass.BUSINESS, series.query.title, message, needs_s=case.rules.confirm_after_s, since_at=None)


def _rate(series: Series, began_at: float) -> float:
    if series.query.unit is not Unit.PER_SECOND or series.value is None or series.points[-1][0] <= began_at:
        return 0.0
    return series.value


def is_worse(series: Series, before: float, value: float, factor: float) -> bool:
    """`value` against `before`, in the query's own sense of worse."""
    if not series.query.more_is_worse:
        return value * factor < before
    return value > max(before * factor, _FLOORS.get(series.query.unit, 0.0))


def shown(value: float, unit: Unit) -> str:
    """With its unit, three figures at most: "4.2 %", "184 ms", "412 /s"."""
    if unit is Unit.SHARE:
        return f"{value * 100:.3g} %"
    if unit is Unit.SECONDS:
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"
    if unit is Unit.PER_SECOND:
        return f"{value:.3g} /s"
    if unit is Unit.BYTES:
        return f"{value / 2**20:.0f} MiB"
    return f"{value:.3g}"
