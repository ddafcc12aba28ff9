"""Time series beside a rollout: what is asked, what came back, what it was before and how much may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    SHARE = "share"
    """0..1, shown as percent."""
    SECONDS = "seconds"
    PER_SECOND = "per second"
    COUNT = "count"
    CORES = "cores"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """`promql` holds `$selector` where the workload's label matchers go, and `$since` for the rollout's age ("300s")."""

    name: str
    title: str
    promql: str
    unit: Unit
    limit: float | None = None
    """At or above it the series is bad. None: shown, never judged."""
    more_is_worse: bool = True
    is_business: bool = False
    """Worse by the configured factor after a rollout began makes the verdict BUSINESS."""


@dataclass(frozen=True, slots=True)
class Series:
    """One query's answer for one workload; `points` are (epoch seconds, value), oldest first, NaN and Inf left out."""

    query: MetricQuery
    points: tuple[tuple[float, float], ...] = ()
    at: float = 0.0
    is_scoped: bool = True
    """False: no label of the workload is in the query, so other workloads are counted too. The pane says so."""
    error: str = ""
    hint: str = ""

    @property
    def value(self) -> float | None:
        return self.points[-1][1] if self.points else None

    def before(self, moment: float) -> float | None:
        """The mean of the points before `moment` (the rollout's beginning); None where there is none."""
        earlier = [v for t, v in self.points if t < moment]
        return sum(earlier) / len(earlier) if earlier else None

    @property
    def is_over(self) -> bool:
        value, limit = self.value, self.query.limit
        if value is None or limit is None:
            return False
        return value > limit if self.query.more_is_worse else value < limit
