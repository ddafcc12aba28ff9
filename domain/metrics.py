"""Time series beside a rollout: what is asked, what came back, what it was before and how much may be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from string import Template

from domain.workloads import WorkloadKey, WorkloadKind


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
    """`promql` holds `$selector` where the workload's label matchers go, and `$since` for the rollout's age ("300s").

    `$selector` may come out empty, so it stands last in its braces: `up{job="shop",$selector}`. A query without it is not
    scoped: it counts every workload that Prometheus knows, and says so.
    """

    name: str
    title: str
    promql: str
    unit: Unit
    limit: float | None = None
    """Beyond it the series is bad. None: shown, never judged."""
    more_is_worse: bool = True
    is_business: bool = False
    """Worse by the configured factor after a rollout began makes the verdict BUSINESS."""

    @property
    def is_scoped(self) -> bool:
        return "$selector" in self.promql or "${selector}" in self.promql


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

    def change_since(self, moment: float | None) -> float | None:
        """Now less the mean before `moment`, in the query's unit; None where either is unknown."""
        if moment is None or self.value is None or self.points[-1][0] < moment:
            return None
        before = self.before(moment)
        return None if before is None else self.value - before

    @property
    def is_over(self) -> bool:
        value, limit = self.value, self.query.limit
        if value is None or limit is None:
            return False
        return value > limit if self.query.more_is_worse else value < limit


_KEPT = "namespace, pod, container, uid"

# SOP row 10.1. `or vector(0)`: a service that never failed has no 5xx series at all, which is a share of nought and not
# an unknown one. Restarts are counted per container from its own value when the rollout began, and from nought for the
# pods that are newer: increase() would miss the first restart of a pod that crashed before its first scrape.
DEFAULT_QUERIES: tuple[MetricQuery, ...] = (
    MetricQuery(
        "errors",
        "errors 5xx",
        '(sum(rate(http_requests_total{status=~"5..",$selector}[5m])) or vector(0))'
        " / sum(rate(http_requests_total{$selector}[5m]))",
        Unit.SHARE,
        limit=0.01,
        is_business=True,
    ),
    MetricQuery(
        "p95",
        "p95",
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{$selector}[5m])))",
        Unit.SECONDS,
        limit=0.5,
        is_business=True,
    ),
    MetricQuery(
        "requests",
        "requests",
        "sum(rate(http_requests_total{$selector}[5m]))",
        Unit.PER_SECOND,
        more_is_worse=False,
    ),
    MetricQuery(
        "restarts",
        "restarts",
        f"sum(sum by ({_KEPT}) (kube_pod_container_status_restarts_total{{$selector}})"
        f" - (sum by ({_KEPT}) (kube_pod_container_status_restarts_total{{$selector}} offset $since)"
        f" or sum by ({_KEPT}) (kube_pod_container_status_restarts_total{{$selector}}) * 0))",
        Unit.COUNT,
        limit=0.0,
    ),
)

DEFAULT_LABELS: Mapping[str, str] = {"namespace": "$namespace", "pod": "~$pods"}
"""What scopes a query to a workload: label -> value, `~` before it for a regular expression. `$namespace`, `$workload` and
`$pods` (the names its pods can have) are filled in. These are the labels that kube-prometheus and the Prometheus charts
give to what they scrape in a cluster."""

SINCE_UNKNOWN_S = 3600.0
"""`$since` where nobody knows when the rollout began."""


def narrowed(labels: Mapping[str, str], workload: WorkloadKey) -> str:
    """`labels` as PromQL matchers for `workload`: `namespace="shop",pod=~"shop-web-…"`; "" for no labels.

    Raises ValueError (the sentence to show) for a `$name` that does not exist or a label that cannot be one.
    """
    known = {"namespace": workload.namespace, "workload": workload.name, "pods": pod_names(workload)}
    known_in_regex = {"namespace": _literal(workload.namespace), "workload": _literal(workload.name), "pods": known["pods"]}
    matchers = []
    for label, wanted in labels.items():
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label):
            raise ValueError(f'"{label}" cannot be a Prometheus label')
        is_regex = wanted.startswith("~")
        text = _filled(wanted.removeprefix("~"), known_in_regex if is_regex else known)
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        matchers.append(f'{label}{"=~" if is_regex else "="}"{quoted}"')
    return ",".join(matchers)


_LONGEST_POD_PREFIX = 58  # k8s.io/apiserver/pkg/storage/names/generate.go: 63 less the five random characters


def pod_names(workload: WorkloadKey) -> str:
    """A regular expression for the names of a workload's pods, so that `shop` does not count `shop-web` in."""
    name = _literal(workload.name)
    if workload.kind is WorkloadKind.STATEFUL_SET:
        return f"{name}-[0-9]+"
    if len(workload.name) + len("-0123456789-") > _LONGEST_POD_PREFIX:
        return f"{_literal(workload.name[:_LONGEST_POD_PREFIX])}.*"
    if workload.kind is WorkloadKind.DAEMON_SET:
        return f"{name}-[a-z0-9]{{5}}"
    return f"{name}-[a-z0-9]{{1,10}}-[a-z0-9]{{5}}"


def filled_in(query: MetricQuery, selector: str, since_s: float | None) -> str:
    """The query's PromQL, ready to be sent. Raises ValueError (the sentence to show) for an unknown `$name`."""
    age_s = SINCE_UNKNOWN_S if since_s is None else max(1.0, since_s)
    return _filled(query.promql, {"selector": selector, "since": f"{round(age_s)}s"})


class _Placeholders(Template):
    # "$" alone ends many a regular expression: only `$name` and `${name}` are ours.
    idpattern = r"(?a:[a-z]+)"


def _filled(text: str, known: Mapping[str, str]) -> str:
    for match in _Placeholders.pattern.finditer(text):
        name = match["named"] or match["braced"]
        if name is not None and name not in known:
            raise ValueError(f"${name} is not known here; there are {', '.join(f'${k}' for k in sorted(known))}")
    return _Placeholders(text).safe_substitute(known)


def _literal(name: str) -> str:
    return name.replace(".", "[.]")


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is asked for. Seconds since the epoch; `step_s` apart."""

    start: float
    end: float
    step_s: int


_SHORTEST_S = 1800.0
_LONGEST_S = 6 * 3600.0
_FINEST_STEP_S = 15
_POINTS = 120


def window_around(now: float, since_at: float | None) -> Window:
    """Half an hour, or more where the rollout began earlier, so that what was before it is in too; six hours at most."""
    span = _SHORTEST_S if since_at is None else min(_LONGEST_S, max(_SHORTEST_S, (now - since_at) * 1.5))
    step = _FINEST_STEP_S * math.ceil(span / _POINTS / _FINEST_STEP_S)
    end = math.floor(now)
    return Window(end - step * math.ceil(span / step), float(end), step)


def with_limits(queries: Sequence[MetricQuery], limits: Mapping[str, float | None]) -> tuple[MetricQuery, ...]:
    """The queries with the limits of those named replaced."""
    return tuple(replace(q, limit=limits[q.name]) if q.name in limits else q for q in queries)


def shown(value: float | None, unit: Unit) -> str:
    """A value with its unit, as short as its size allows: 0.2 %, 184 ms, 412 /s, 4, 0.25 cores, 96 MiB; "-" for none."""
    if value is None or not math.isfinite(value):
        return "-"
    if unit is Unit.SHARE:
        return f"{_short(value * 100)} %"
    if unit is Unit.SECONDS:
        return _seconds(value)
    if unit is Unit.PER_SECOND:
        return f"{_thousands(value)} /s"
    if unit is Unit.CORES:
        return f"{value:.2f} cores" if abs(value) < 10 else f"{value:.1f} cores"
    if unit is Unit.BYTES:
        return _bytes(value)
    return _thousands(value)


def change_shown(series: Series, since_at: float | None) -> str:
    """What changed since the rollout began: "+6 ms", "-1 %" of the requests, "+0.3 pt" of a share; "" where unknown."""
    change = series.change_since(since_at)
    if change is None:
        return ""
    sign = "-" if change < 0 else "+"
    if series.query.unit is Unit.SHARE:
        return f"{sign}{_short(abs(change) * 100)} pt"
    if series.query.unit is Unit.PER_SECOND:
        before = (series.value or 0.0) - change
        return f"{sign}{abs(change) / before * 100:.0f} %" if before > 0 else f"{sign}{shown(abs(change), Unit.PER_SECOND)}"
    return sign + shown(abs(change), series.query.unit)


def _short(value: float) -> str:
    size = abs(value)
    if 0 < size < 0.05:
        return f"{value:.2g}" if size >= 0.001 else "0.0"
    return f"{value:.1f}" if size < 9.95 else f"{value:.0f}"


def _seconds(value: float) -> str:
    size = abs(value)
    if 0 < size < 0.00995:
        return f"{value * 1000:.1f} ms"
    if size < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if size < 9.995 else f"{value:.0f} s"


def _thousands(value: float) -> str:
    size = abs(value)
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= factor:
            scale = 1e3 if letter == "k" else factor
            return f"{_short(value / scale)}{letter}"
    return f"{value:.0f}" if value == round(value) or size >= 99.5 else _short(value)


def _bytes(value: float) -> str:
    for factor, letter in ((2**40, "Ti"), (2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki")):
        if abs(value) >= factor:
            return f"{_short(value / factor)} {letter}B"
    return f"{value:.0f} B"
