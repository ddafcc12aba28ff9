"""What stands beside a verdict: both clocks, the capacity left, the cause in a container's own words, what users feel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.facts import LogLinesRead, MetricsRead, StreamChanged, Ticked
from domain.fold import fold
from domain.metrics import MetricQuery, Series, Unit
from domain.streams import Source, StreamPhase
from domain.verdict import Degree, FindingClass
from domain.workloads import WorkloadKind
from tests.domain.making import (
    BEGAN,
    KEY,
    LONG_AGO,
    T0,
    after,
    container,
    crashed,
    deployment,
    fleet_of,
    new_revision,
    old_pods,
    old_revision,
    only,
    pod,
    progressing,
    settled,
    waiting,
)


def test_both_clocks_are_told() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    verdict = only(fleet.rollouts).verdict
    assert (verdict.since_began_s, verdict.kubernetes_says_at_s) == (18.0, 600.0)


def test_kubernetes_counts_its_deadline_from_the_last_progress() -> None:
    fleet = fleet_of(deployment(conditions=(progressing(at=BEGAN + 15),)), old_revision(), new_revision())
    assert only(fleet.rollouts).verdict.kubernetes_says_at_s == 615.0


@pytest.mark.parametrize("deadline_s", [None, 2**31 - 1])
def test_without_a_deadline_kubernetes_never_says_so(deadline_s: int | None) -> None:
    fleet = fleet_of(deployment(progress_deadline_s=deadline_s), old_revision(), new_revision())
    assert only(fleet.rollouts).verdict.kubernetes_says_at_s is None


def test_a_degree_keeps_the_moment_it_was_reached() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    assert only(after(fleet, 30.0, 60.0).rollouts).verdict.since_began_s == 18.0


@pytest.mark.parametrize(
    ("kind", "hashes"),
    [(WorkloadKind.STATEFUL_SET, {"current_hash": "web-1", "update_hash": "web-2"}), (WorkloadKind.DAEMON_SET, {})],
)
def test_sets_get_the_same_verdicts(kind: WorkloadKind, hashes: dict[str, Any]) -> None:
    owned: dict[str, Any] = {"owner_uid": "d", "owner_kind": kind.value}
    workload = deployment(
        kind=kind, conditions=(), progress_deadline_s=None, revision=0, replicas=3, ready=2, available=2, **hashes
    )
    revisions = [old_revision(kind="ControllerRevision"), new_revision(kind="ControllerRevision")]
    label = "web-2" if kind is WorkloadKind.STATEFUL_SET else "2"
    pods = [replace(p, **owned) for p in (*old_pods(2), pod("a", crashed(), template_hash=label))]
    verdict = only(fleet_of(workload, *revisions, *pods).rollouts).verdict
    assert (verdict.degree, verdict.kubernetes_says_at_s) == (Degree.LIKELY, None)
    assert verdict.capacity == "2/3 left, all old"


def test_one_recovery_ends_likely_and_stays_in_the_record() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    up = pod("a", container(ready=True, restarts=3, last_exit_code=3, last_finished_at=T0, since_at=T0 + 1), ready=True)
    assert only(after(fleet, 2.0, seen=[up]).rollouts).degree is Degree.LIKELY
    verdict = only(after(fleet, 2.0, 12.0, seen=[up]).rollouts).verdict
    assert verdict.degree is Degree.PROGRESSING
    assert [(f.kind, f.reason) for f in verdict.findings] == [(FindingClass.NOISE, "Recovered")]


def test_a_lost_stream_is_no_second_observation() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", waiting("InvalidImageName")), *old_pods())
    fleet = fold(fleet, [Ticked(T0 + 1), StreamChanged(Source.PODS, StreamPhase.STALE, T0 + 1)])
    assert only(after(fleet, 30.0).rollouts).degree is Degree.PROGRESSING


def test_the_last_words_of_a_container_are_the_cause() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), pod("b", crashed()), *old_pods())
    lines = ("starting", "cannot reach database", "bye", "")
    fleet = fold(fleet, [LogLinesRead("b", "web", True, lines, T0)])
    assert only(fleet.rollouts).verdict.cause == 'CrashLoopBackOff ×2: "cannot reach database" (exit 3)'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (3, 0, "old pods still serve 3/3, users unaffected"),
        (2, 1, "1 new and 2 old serve 3/3, users unaffected"),
        (1, 0, "1/3 left, all old"),
        (1, 1, "2/3 left: 1 old, 1 new"),
        (0, 0, "no old pods left: 0/3 serve"),
    ],
)
def test_capacity_says_who_still_serves(old: int, new: int, said: str) -> None:
    news = [pod(f"n{i}") for i in range(new)]
    fleet = fleet_of(deployment(), old_revision(ready=old), new_revision(), *news, pod("a", crashed()), *old_pods(old))
    assert only(fleet.rollouts).verdict.capacity == said


REQUESTS = MetricQuery("requests", "requests", "", Unit.PER_SECOND)
ERRORS = MetricQuery("errors", "errors 5xx", "", Unit.SHARE, is_business=True)


def series(query: MetricQuery, before: float, value: float, *, is_scoped: bool = True) -> Series:
    return Series(query, ((BEGAN - 60, before), (BEGAN - 30, before), (T0, value)), is_scoped=is_scoped)


@pytest.mark.parametrize(
    ("errors", "requests", "degree"),
    [
        (series(ERRORS, 0.01, 0.05), 100.0, Degree.BUSINESS),
        (series(ERRORS, 0.0, 0.05), 100.0, Degree.BUSINESS),
        (series(ERRORS, 0.01, 0.015), 100.0, Degree.PROGRESSING),
        (series(ERRORS, 0.0001, 0.001), 100.0, Degree.PROGRESSING),
        (series(ERRORS, 0.01, 0.05), 0.1, Degree.PROGRESSING),
        (series(ERRORS, 0.01, 0.05, is_scoped=False), 100.0, Degree.PROGRESSING),
    ],
    ids=["worse", "from nothing", "a little worse", "below the floor", "too few requests", "others are counted too"],
)
def test_users_worse_off_than_before(errors: Series, requests: float, degree: Degree) -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a"), *old_pods())
    fleet = fold(fleet, [MetricsRead(KEY, (errors, series(REQUESTS, 100.0, requests)), T0)])
    rollout = only(after(fleet, 4.0).rollouts)
    assert rollout.degree is degree
    if degree is Degree.BUSINESS:
        assert rollout.verdict.title == "worse for users"
        assert rollout.verdict.cause.startswith("errors 5xx: 5 %, before this rollout")


def test_metrics_say_nothing_about_a_rollout_of_long_ago() -> None:
    fleet = fleet_of(settled(), old_revision(), new_revision(created_at=LONG_AGO), pod("a"))
    fleet = fold(fleet, [MetricsRead(KEY, (series(ERRORS, 0.01, 0.9), series(REQUESTS, 9, 9)), T0)])
    assert only(after(fleet, 5.0).rollouts).degree is Degree.HEALTHY
