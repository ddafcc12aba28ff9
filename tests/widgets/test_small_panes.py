"""History, events, metrics and health, each on a screen that shows everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.fleet import Fleet
from domain.streams import Source, StreamPhase, StreamState
from domain.targets import Target
from tests import builders as make
from tests import fleets
from tests.widgets.stage import WatchStage, line_with, lines
from widgets.metrics_pane import spark

SIZE = (200, 50)


def _key(fleet: Fleet) -> object:
    return next(iter(fleet.rollouts))


# History


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("✖ v1.9.0", "failing"),
        ("★ v1.8.2      6d", "last known good, 6d"),
        ("○ v1.8.1", "ops"),
        ("✖ v1.8.0", "failed, rolled back, release 1.8.0"),
    ],
)
async def test_history_marks_what_each_version_was(version: str, said: str) -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert said in line_with(app, version)


async def test_two_revisions_are_compared_the_older_one_first() -> None:
    fleet = fleets.likely()
    app = WatchStage(fleet)
    key = _key(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3", "j", "space", "j")
        assert "Enter compares with ◆" in line_with(app, "3 HISTORY")
        await pilot.press("k", "k", "enter")
        await pilot.pause()
        older = Target(key, revision_uid="uid-shop-backend-65df9b7c4f")  # type: ignore[arg-type]
        newer = Target(key, revision_uid="uid-shop-backend-7f9c5d68b4")  # type: ignore[arg-type]
        assert app.asked == [("compare", (older, newer))]


async def test_without_a_mark_the_newest_is_compared_with_the_one_before() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3", "enter")
        await pilot.pause()
        assert [target.revision_uid for target in app.asked[0][1]] == [  # type: ignore[attr-defined]
            "uid-shop-backend-65df9b7c4f",
            "uid-shop-backend-7f9c5d68b4",
        ]


async def test_space_elsewhere_says_where_marks_are_made() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space")
        await pilot.pause()
        line_with(app, "go to History first (3)")


# Events


async def test_repeated_events_are_one_with_a_count_and_the_rollouts_come_first() -> None:
    fleet = fleets.likely()
    other = make.event(make.pod("shop-worker-x-1"), "Unhealthy", "Readiness probe failed", age=1)
    app = WatchStage(replace(fleet, occurrences={**fleet.occurrences, other.uid: other}))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "×6" in line_with(app, "Warning  BackOff")
        shown = "\n".join(lines(app))
        assert shown.index("Back-off restarting") < shown.index("Readiness probe failed")


async def test_boring_events_are_shown_when_wide() -> None:
    app = WatchStage(fleets.rolling())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        assert not any("Pulled" in line for line in lines(app))
        await pilot.press("ctrl+w")
        await pilot.pause()
        line_with(app, "Successfully pulled image")


async def test_many_events_are_put_in_order_once_a_second_at_most() -> None:
    workload = make.workload()
    many = [make.event(make.pod(f"p-{i}"), "BackOff", f"number {i}", age=60) for i in range(600)]
    app = WatchStage(make.fleet(make.rollout(workload), events=many))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        fleet = app.watch_screen.fleet
        assert fleet is not None
        late = make.event(workload, "Failed", "the newest of all", age=0)
        fleet = replace(fleet, occurrences={**fleet.occurrences, late.uid: late})
        app.watch_screen.fleet = fleet
        await pilot.pause()
        assert not any("the newest of all" in line for line in lines(app))
        app.watch_screen.fleet = replace(fleet, now=fleet.now + 1)
        await pilot.pause()
        line_with(app, "the newest of all")


async def test_events_that_may_not_be_listed_cost_one_pane_and_it_says_what_is_missing() -> None:
    app = WatchStage(fleets.forbidden())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        line_with(app, "Not permitted: list events in shop-practice")
        line_with(app, "Ask for the verbs list and watch on the resource events.")
        line_with(app, "CrashLoopBackOff")


# Metrics


@pytest.mark.parametrize(
    ("metric", "parts"),
    [
        ("errors 5xx", ("✔", "0.2 %", "1.0 %")),
        ("p95", ("✔", "184 ms", "+4 ms", "500 ms")),
        ("requests", ("412 /s", "%")),
        ("restarts", ("✖", "4", "+4", "│▅█")),
    ],
)
async def test_every_number_has_its_unit_its_limit_and_its_change(metric: str, parts: tuple[str, ...]) -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        line = line_with(app, f"{metric} ")
        for part in parts:
            assert part in line


async def test_enter_on_a_metric_asks_for_its_chart() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("5", "j", "enter")
        await pilot.pause()
        assert app.asked == [("chart", "p95")]


async def test_a_query_that_counts_other_workloads_too_says_so() -> None:
    fleet = fleets.likely()
    key = _key(fleet)
    app = WatchStage(replace(fleet, metrics={key: (make.series("errors", [0.1, 0.1], is_scoped=False),)}))  # type: ignore[dict-item]
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "unscoped" in line_with(app, "errors 5xx")


async def test_a_query_that_failed_says_why_and_what_next() -> None:
    fleet = fleets.likely()
    key = _key(fleet)
    failed = make.series("errors", [], error="no answer in 5 s", hint="See `quarterdeck doctor`.")
    app = WatchStage(replace(fleet, metrics={key: (failed,)}))  # type: ignore[dict-item]
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "no answer in 5 s  See `quarterdeck doctor`." in line_with(app, "errors 5xx")


@pytest.mark.parametrize("state", [StreamPhase.ABSENT, StreamPhase.FAILED])
async def test_without_prometheus_it_says_what_to_do(state: StreamPhase) -> None:
    fleet = fleets.likely()
    stream = StreamState(Source.METRICS, state, reason="No Prometheus was found.", hint="Set `prometheus.url`.")
    app = WatchStage(replace(fleet, metrics={}, streams=make.streams(stream)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        line_with(app, "No Prometheus was found.")
        line_with(app, "Set `prometheus.url`.")


@pytest.mark.parametrize(
    ("values", "began", "expected"),
    [
        ([0.0, 0.25, 0.5, 1.0], None, "▁▃▅█"),
        ([0.0, 0.25, 0.5, 1.0], 15, "▁▃▅│█"),
        ([0.0, 0.25, 0.5, 1.0], 100, "▁▃▅█"),
        ([2.0], None, "█"),
        ([], None, ""),
    ],
)
def test_a_trend_is_as_high_as_it_is_bad(values: list[float], began: float | None, expected: str) -> None:
    series = make.series("errors", values)
    series = replace(series, query=replace(series.query, limit=1.0))
    assert spark(series, None if began is None else make.NOW - began + 0.5, 24) == expected


def test_a_trend_shows_the_newest_points_where_there_are_too_many() -> None:
    series = make.series("restarts", [*range(40)])
    assert len(spark(series, None, 24)) == 24
    assert spark(series, None, 24)[-1] == "█"


# Health


async def test_every_named_check_stands_on_its_own() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "✖ /health/ready   503   12 ms" in line_with(app, "/health/ready")
        assert "✖ storage: connection refused  ✔ database  ✔ redis" in line_with(app, "storage")


async def test_when_all_checks_are_good_they_fit_on_the_line() -> None:
    app = WatchStage(fleets.healthy())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.watch_screen.panes["health"].redraw()
        await pilot.pause()
        assert "200   12 ms  ✔ database  ✔ redis  ✔ storage" in line_with(app, "/health/ready")


async def test_an_endpoint_that_does_not_answer_says_why_and_an_old_answer_says_how_old() -> None:
    fleet = fleets.healthy()
    key = _key(fleet)
    silent = make.answer("/health/live", None, error="connection refused")
    old = make.answer("/health/ready", at=make.NOW - 90)
    app = WatchStage(replace(fleet, health={key: (silent, old)}))  # type: ignore[dict-item]
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "✖ /health/live   none" in line_with(app, "/health/live")
        line_with(app, "connection refused")
        assert "90s old" in line_with(app, "/health/ready")
