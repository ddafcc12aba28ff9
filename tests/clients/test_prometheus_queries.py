"""What is sent to Prometheus for a workload, and how its values are written for people."""

from __future__ import annotations

import re

import pytest

from domain.metrics import (
    DEFAULT_LABELS,
    DEFAULT_QUERIES,
    MetricQuery,
    Series,
    Unit,
    change_shown,
    filled_in,
    narrowed,
    pod_names,
    shown,
    window_around,
    with_limits,
)
from domain.workloads import WorkloadKey, WorkloadKind

DEPLOYMENT, STATEFUL_SET, DAEMON_SET = WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET
SHOP = WorkloadKey("shop", DEPLOYMENT, "shop")


@pytest.mark.parametrize(
    ("kind", "name", "own", "others"),
    [
        (DEPLOYMENT, "shop", "shop-7f9c4d-k2lxv", ["shop-web-7f9c4d-k2lxv", "shop-0", "myshop-7f9c4d-k2lxv"]),
        (STATEFUL_SET, "db", "db-10", ["db-replica-0", "db-k2lxv"]),
        (DAEMON_SET, "agent", "agent-k2lxv", ["agent-x-k2lxv", "agent-10"]),
        (DEPLOYMENT, "a.b", "a.b-7f9c4d-k2lxv", ["axb-7f9c4d-k2lxv"]),
        (DEPLOYMENT, "x" * 60, "x" * 58 + "k2lxv", ["y" * 58 + "k2lxv"]),
    ],
)
def test_only_a_workloads_own_pods_are_counted(kind: WorkloadKind, name: str, own: str, others: list[str]) -> None:
    expression = pod_names(WorkloadKey("shop", kind, name))
    assert re.fullmatch(expression, own)
    assert not any(re.fullmatch(expression, other) for other in others)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (DEFAULT_LABELS, 'namespace="shop",pod=~"shop-[a-z0-9]{1,10}-[a-z0-9]{5}"'),
        ({"app": "$workload", "env": "alpha"}, 'app="shop",env="alpha"'),
        ({"job": "~${namespace}/.*$"}, 'job=~"shop/.*$"'),
        ({"a": 'x"\\\n'}, 'a="x\\"\\\\\\n"'),
        ({}, ""),
    ],
)
def test_labels_become_matchers(labels: dict[str, str], expected: str) -> None:
    assert narrowed(labels, SHOP) == expected


@pytest.mark.parametrize(("labels", "words"), [({"pod-name": "x"}, "pod-name"), ({"pod": "$pod"}, r"\$pod is not known")])
def test_labels_that_cannot_be_are_named(labels: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        narrowed(labels, SHOP)


def test_placeholders_are_filled_in_and_other_dollars_stay() -> None:
    query = MetricQuery("x", "x", 'increase(up{job=~"a$",$selector}[$since])', Unit.COUNT)
    assert filled_in(query, 'pod="p"', 90.4) == 'increase(up{job=~"a$",pod="p"}[90s])'
    assert filled_in(query, "", None) == 'increase(up{job=~"a$",}[3600s])'


@pytest.mark.parametrize("query", DEFAULT_QUERIES, ids=lambda q: q.name)
def test_the_procedures_queries_are_scoped_and_have_no_placeholder_left(query: MetricQuery) -> None:
    assert query.is_scoped
    assert "$" not in filled_in(query, 'pod="p"', 60)


def test_limits_are_replaced_by_name() -> None:
    limits = {q.name: q.limit for q in with_limits(DEFAULT_QUERIES, {"p95": 0.8, "restarts": None})}
    assert limits == {"errors": 0.01, "p95": 0.8, "requests": None, "restarts": None}


@pytest.mark.parametrize("age_s", [None, -5, 0, 60, 1799, 3600, 4 * 3600, 86400, 30 * 86400])
def test_the_window_is_bounded_and_ends_now(age_s: float | None) -> None:
    now = 1_800_000_000.4
    window = window_around(now, None if age_s is None else now - age_s)
    points = (window.end - window.start) / window.step_s
    assert now - 1 < window.end <= now
    assert points == int(points)
    assert 60 <= points <= 121
    if age_s and age_s < 4 * 3600:
        assert window.start < now - age_s, "something from before the rollout is in it"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.002, Unit.SHARE, "0.2 %"),
        (0.0002, Unit.SHARE, "0.02 %"),
        (0.1234, Unit.SHARE, "12 %"),
        (1, Unit.SHARE, "100 %"),
        (0, Unit.SHARE, "0.0 %"),
        (0.184, Unit.SECONDS, "184 ms"),
        (0.0012, Unit.SECONDS, "1.2 ms"),
        (0.99996, Unit.SECONDS, "1.00 s"),
        (12.4, Unit.SECONDS, "12 s"),
        (412.3, Unit.PER_SECOND, "412 /s"),
        (0.42, Unit.PER_SECOND, "0.4 /s"),
        (12_345, Unit.PER_SECOND, "12k /s"),
        (4, Unit.COUNT, "4"),
        (0.25, Unit.CORES, "0.25 cores"),
        (96 * 2**20, Unit.BYTES, "96 MiB"),
        (None, Unit.COUNT, "-"),
        (float("nan"), Unit.COUNT, "-"),
    ],
)
def test_values_are_written_with_their_unit(value: float | None, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("unit", "before", "now", "text"),
    [
        (Unit.SECONDS, 0.178, 0.184, "+6.0 ms"),
        (Unit.SHARE, 0.002, 0.002, "+0.0 pt"),
        (Unit.SHARE, 0.0, 0.05, "+5.0 pt"),
        (Unit.PER_SECOND, 416.0, 412.0, "-1 %"),
        (Unit.PER_SECOND, 0.0, 5.0, "+5 /s"),
        (Unit.COUNT, 0, 4, "+4"),
    ],
)
def test_changes_are_counted_from_the_rollouts_beginning(unit: Unit, before: float, now: float, text: str) -> None:
    series = Series(MetricQuery("x", "x", "up", unit), ((10.0, before), (20.0, before), (30.0, now)))
    assert change_shown(series, 25.0) == text


@pytest.mark.parametrize("since_at", [None, 5.0, 40.0], ids=["not known when", "nothing before", "nothing since"])
def test_an_unknown_change_is_not_invented(since_at: float | None) -> None:
    series = Series(MetricQuery("x", "x", "up", Unit.COUNT), ((10.0, 1.0), (30.0, 2.0)))
    assert change_shown(series, since_at) == ""
