from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from domain.streams import Source, StreamPhase, StreamState
from domain.targets import Target
from tests import builders as make
from tests import fleets
from tests.widgets.stage import WatchStage, line_with, lines
from widgets.pods_pane import PodsPane

SIZE = (200, 50)


def _pane(app: WatchStage) -> PodsPane:
    pane = app.watch_screen.panes["pods"]
    assert isinstance(pane, PodsPane)
    return pane


def _names(app: WatchStage) -> list[str]:
    fleet = app.watch_screen.fleet
    assert fleet is not None
    return [fleet.pods[uid].name for uid in _pane(app).table.keys]


async def _sort_by(pilot: Pilot[None], column: str) -> None:
    await pilot.press("2")
    pane = _pane(pilot.app)  # type: ignore[arg-type]
    for _ in pane.columns:
        if pane.sorted_by is not None and pane.columns[pane.sorted_by].name == column:
            return
        await pilot.press("shift+right")


async def test_faulty_pods_of_the_selected_rollout_come_first_then_its_new_ones() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert _names(app)[:3] == [
            "shop-backend-7f9c5d68b4-k2lxv",
            "shop-backend-7f9c5d68b4-q8w4d",
            "shop-backend-65df9b7c4f-2bt68",
        ]


async def test_a_faulty_pod_of_another_workload_stands_above_what_is_well_and_old() -> None:
    fleet = fleets.rolling()
    lost = make.pod("nightly-job-x1", status="Error")
    fleet = replace(fleet, pods={**fleet.pods, lost.uid: lost})
    app = WatchStage(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        names = _names(app)
        assert names.index(lost.name) == 4
        assert all(name.startswith("shop-backend-7f9c") for name in names[:4])


async def test_choosing_another_workload_brings_its_pods_up() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j")
        await pilot.pause()
        assert all(name.startswith("shop-worker") for name in _names(app)[:3])
        assert all(name.startswith("shop-backend-7f9c") for name in _names(app)[3:5])


async def test_faults_only_says_that_something_is_hidden() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "ctrl+z")
        assert len(_names(app)) == 2
        assert "2 of 13 (2 faulty) · faults only" in line_with(app, "2 PODS")
        await pilot.press("escape")
        assert len(_names(app)) == 13


@pytest.mark.parametrize(
    ("typed", "count"),
    [("worker", 3), ("!backend", 5), ("-l app=shop-web-cf643d50cc", 0), ("crashloop", 2), ("-f wrkr", 3), ("[a-z](", 0)],
)
async def test_the_slash_filters_while_it_is_typed(typed: str, count: int) -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "slash", *(_key(c) for c in typed))
        await pilot.pause()
        assert len(_names(app)) == count
        await pilot.press("escape")
        await pilot.pause()
        assert len(_names(app)) == 13


def _key(character: str) -> str:
    from textual.keys import _character_to_key

    return _character_to_key(character)


@pytest.mark.parametrize(
    ("column", "smallest", "largest"),
    [
        ("NAME", "shop-backend-65df9b7c4f-2bt68", "shop-worker-a98ebc1ddd-7hwxv"),
        ("AGE", "shop-backend-7f9c5d68b4-k2lxv", "shop-worker-a98ebc1ddd-7hwxv"),
        ("RST", "shop-backend-65df9b7c4f-2bt68", "shop-backend-7f9c5d68b4-q8w4d"),
        ("CPU", "shop-backend-7f9c5d68b4-k2lxv", "shop-web-cf643d50cc-5kqzn"),
    ],
)
async def test_any_column_sorts_both_ways(column: str, smallest: str, largest: str) -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SIZE) as pilot:
        await _sort_by(pilot, column)
        assert _names(app)[0] == smallest
        assert f"by {column}, smallest first" in line_with(app, "2 PODS")
        await pilot.press("shift+down")
        assert _names(app)[0] == largest
        await pilot.press("shift+up")
        assert _names(app)[0] == smallest


async def test_usage_is_shown_against_the_limit_and_wide_shows_both() -> None:
    pod = make.pod()
    app = WatchStage(make.fleet(pods=[pod], usages=[make.usage(pod, cpu_m=155, memory_mib=490)]))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "z", "ctrl+w")
        await pilot.pause()
        line = line_with(app, pod.name)
        assert "31%" in line
        assert "!96%" in line
        assert "155m/500m" in line
        assert "490Mi/512Mi" in line


async def test_restarts_say_how_long_ago() -> None:
    app = WatchStage(make.fleet(pods=[make.pod(restarts=3, restarted=130)]))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "3 (2m10s)" in line_with(app, "2bt68")


async def test_namespaces_have_a_column_when_all_of_them_are_watched() -> None:
    fleet = fleets.healthy(make.scope(namespace=""))
    app = WatchStage(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "NAMESPACE" in line_with(app, "STATUS")
        app.watch_screen.fleet = replace(fleet, scope=make.scope())
        await pilot.pause()
        assert "NAMESPACE" not in line_with(app, "STATUS")


async def test_enter_asks_for_the_log_of_the_pod() -> None:
    fleet = fleets.likely()
    app = WatchStage(fleet)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "enter")
        await pilot.pause()
        key = next(iter(fleet.rollouts))
        assert app.asked == [("logs", Target(key, pod_uid="uid-shop-backend-7f9c5d68b4-k2lxv"))]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "No pods in shop-practice."),
        (StreamState(Source.PODS), "Loading pods"),
        (
            StreamState(Source.PODS, StreamPhase.FORBIDDEN, reason="list pods", hint="Ask for list and watch."),
            "Not permitted: list pods",
        ),
        (StreamState(Source.PODS, StreamPhase.FAILED, reason="connection refused"), "pods: connection refused"),
    ],
)
async def test_without_pods_it_says_why_and_what_to_do(state: StreamState | None, said: str) -> None:
    streams = make.streams(state) if state else make.streams()
    app = WatchStage(make.fleet(streams=streams))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        line_with(app, said)


async def test_a_list_that_is_still_coming_says_how_far_it_is() -> None:
    loading = StreamState(Source.PODS, loaded=500, expected=5000)
    app = WatchStage(make.fleet(pods=[make.pod()], streams=make.streams(loading)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "loading 500 of 5,000" in line_with(app, "2 PODS")
        assert "loading" in lines(app)[0]
