from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from actions import View, actions_on
from domain.targets import Target
from domain.workloads import WorkloadKey
from tests import builders as make
from tests import fleets
from tests.widgets.stage import CountingStage, WatchStage, line_with, lines
from widgets import PANES
from widgets.pane import Pane

SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 50)
PANE_NAMES = [pane.name_of_pane for pane in PANES]


def _seen(app: WatchStage) -> list[str]:
    return [name for name, pane in app.watch_screen.panes.items() if pane.is_seen]


def _focused(app: WatchStage) -> str:
    return app.watch_screen.pane.name_of_pane


def test_panes_are_numbered_in_order_and_the_registry_knows_each() -> None:
    assert [pane.number for pane in PANES] == list(range(1, len(PANES) + 1))
    keys = {a.name: a.keys for a in actions_on(View.WATCH)}
    for pane in PANES:
        assert keys[f"pane_{pane.name_of_pane}"] == (str(pane.number),)


@pytest.mark.parametrize(
    ("size", "seen"), [(SMALL, ["rollouts", "pods"]), (MEDIUM, PANE_NAMES), (LARGE, PANE_NAMES), ((20, 5), [])]
)
async def test_every_size_shows_what_it_has_room_for(size: tuple[int, int], seen: list[str]) -> None:
    app = WatchStage(fleets.likely(make.production()))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert _seen(app) == seen
        assert "PRODUCTION" in "\n".join(lines(app)[:3])


async def test_a_terminal_that_is_too_small_says_so_and_recovers() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.pause()
        line_with(app, "20x5 is too small.")
        await pilot.press("j", "2", "z", "tab")
        await pilot.resize_terminal(*MEDIUM)
        await pilot.press("0")
        await pilot.pause()
        assert _seen(app) == PANE_NAMES
        line_with(app, "LIKELY FAILING")


async def test_a_storm_of_sizes_leaves_a_whole_screen() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        for size in ((1, 1), (300, 80), (48, 12), (47, 12), (20, 5), (99, 29), (100, 30), SMALL):
            await pilot.resize_terminal(*size)
        await pilot.pause()
        line_with(app, "LIKELY FAILING")
        line_with(app, "2 PODS")


@pytest.mark.parametrize("pane", PANES)
@pytest.mark.parametrize("size", [SMALL, MEDIUM])
async def test_a_number_goes_to_its_pane(pane: type[Pane], size: tuple[int, int]) -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=size) as pilot:
        await pilot.press(str(pane.number))
        await pilot.pause()
        assert _focused(app) == pane.name_of_pane
        line_with(app, f" {pane.number} {pane.title.upper()} ")


async def test_tab_goes_round_all_panes_and_brings_up_what_is_not_seen() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SMALL) as pilot:
        visited = []
        for _ in PANES:
            await pilot.press("tab")
            await pilot.pause()
            visited.append(_focused(app))
            assert _focused(app) in _seen(app)
        assert visited == [*PANE_NAMES[1:], PANE_NAMES[0]]
        await pilot.press("shift+tab")
        assert _focused(app) == PANE_NAMES[-1]


async def test_zoom_shows_one_pane_with_the_others_as_chips_and_q_goes_back() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("2", "z")
        await pilot.pause()
        assert _seen(app) == ["pods"]
        assert "restarts ✖" in lines(app)[1]
        await pilot.press("3")
        await pilot.pause()
        assert _seen(app) == ["history"]
        await pilot.press("q")
        await pilot.pause()
        assert _seen(app) == PANE_NAMES


async def test_zero_shows_all_again_and_the_focus_is_on_something_seen() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=SMALL) as pilot:
        await pilot.press("5", "0")
        await pilot.pause()
        assert _seen(app) == ["rollouts", "pods"]
        assert _focused(app) in _seen(app)


async def test_a_pane_that_is_not_seen_is_not_drawn_and_is_right_when_it_comes() -> None:
    fleet = fleets.healthy()
    app = WatchStage(fleet)
    async with app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        history = app.watch_screen.panes["history"]
        assert len(history.table.keys) == 0
        app.watch_screen.fleet = fleets.likely()
        await pilot.press("3")
        await pilot.pause()
        assert len(history.table.keys) == 4
        line_with(app, "last known good")


async def test_every_pane_follows_the_cursor_in_rollouts() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("j")
        await pilot.pause()
        for title in ("3 HISTORY", "5 METRICS", "6 HEALTH"):
            assert f"{title} shop-worker" in line_with(app, title)


async def test_the_selected_workload_is_held_through_new_snapshots_and_let_go_when_it_is_gone() -> None:
    fleet = fleets.likely()
    app = WatchStage(fleet)
    worker = WorkloadKey(make.NAMESPACE, fleet.workloads["uid-shop-worker"].kind, "shop-worker")
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("j")
        await pilot.pause()
        reordered = dict(sorted(fleet.rollouts.items(), reverse=True))
        app.watch_screen.fleet = replace(fleet, rollouts=reordered)
        await pilot.pause()
        assert app.watch_screen.selected == worker
        del reordered[worker]
        app.watch_screen.fleet = replace(fleet, rollouts=dict(reordered))
        await pilot.pause()
        assert app.watch_screen.selected in reordered
        assert "3 HISTORY shop-w" in line_with(app, "3 HISTORY")


async def test_until_somebody_moves_what_is_worst_is_selected() -> None:
    app = WatchStage(fleets.healthy())
    async with app.run_test(size=MEDIUM) as pilot:
        fleet = fleets.likely()
        web_first = {key: fleet.rollouts[key] for key in sorted(fleet.rollouts, key=lambda k: k.name != "shop-web")}
        app.watch_screen.fleet = replace(fleet, rollouts=web_first)
        await pilot.pause()
        assert app.watch_screen.selected is not None
        assert app.watch_screen.selected.name == "shop-web"


# Keys


@pytest.mark.parametrize(
    ("key", "name"), [("l", "logs"), ("p", "previous_logs"), ("d", "describe"), ("y", "yaml"), ("c", "copy")]
)
async def test_what_the_screen_cannot_do_goes_up_with_its_target(key: str, name: str) -> None:
    fleet = fleets.likely()
    app = WatchStage(fleet)
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("2", "j", key)
        await pilot.pause()
        backend = next(iter(fleet.rollouts))
        assert app.asked == [(name, Target(backend, pod_uid="uid-shop-backend-7f9c5d68b4-q8w4d"))]


async def test_what_is_refused_says_why_and_does_not_go_up() -> None:
    app = WatchStage(fleets.likely(make.scope(is_read_only=True, read_only_reason="set by --readonly")))
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("s")
        await pilot.pause()
        assert app.asked == []
        assert "--readonly" in lines(app)[-1]


async def test_a_key_that_was_rebound_works_and_is_the_one_shown() -> None:
    app = WatchStage(fleets.likely())
    app.set_keymap({"logs": "f9"})
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("l")
        await pilot.press("f9")
        await pilot.pause()
        assert [name for name, _ in app.asked] == ["logs"]
        assert "f9 Logs" in lines(app)[-1]


async def _type(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*text)


async def test_a_word_does_what_its_key_does() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("colon")
        await _type(pilot, "history")
        await pilot.press("enter")
        await pilot.pause()
        assert _focused(app) == "history"
        await pilot.press("colon")
        await _type(pilot, "logs")
        await pilot.press("enter")
        await pilot.pause()
        assert app.asked == [(":logs", "")]
        assert "Logs" in lines(app)[-1]


async def test_a_filter_stays_with_its_pane_and_esc_takes_it_back() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("2", "slash")
        await _type(pilot, "worker")
        await pilot.press("enter")
        await pilot.pause()
        assert "3 of 13 (2 faulty) · /worker" in line_with(app, "2 PODS")
        assert _focused(app) == "pods"
        await pilot.press("4")
        assert "/worker" in line_with(app, "2 PODS")
        await pilot.press("2", "escape")
        await pilot.pause()
        assert "/worker" not in line_with(app, "2 PODS")


async def test_back_on_the_first_view_leaves_nothing_and_says_how_to_leave() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("q", "escape")
        await pilot.pause()
        assert app.is_running
        assert "Ctrl-c" in lines(app)[-1]


async def test_before_anything_is_known_the_screen_stands_and_keys_do_no_harm() -> None:
    app = WatchStage(make.fleet(streams={}, scope=make.production()))
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.press("j", "G", "enter", "space", "2", "enter", "3", "enter", "l", "z", "z", "slash", "x", "escape")
        await pilot.pause()
        assert "loading" in lines(app)[1]
        line_with(app, "Loading")


# What it costs


@pytest.mark.parametrize(("size", "most"), [(SMALL, 6_000), (MEDIUM, 11_000), (LARGE, 15_000)])
async def test_the_first_screen_is_cheap(size: tuple[int, int], most: int) -> None:
    app = CountingStage(fleets.likely(make.production()))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert 0 < app.bytes_sent() <= most


async def test_one_changed_cell_costs_a_few_bytes() -> None:
    fleet = fleets.likely()
    app = CountingStage(fleet)
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.pause()
        app.bytes_sent()
        uid, pod = next((uid, pod) for uid, pod in fleet.pods.items() if pod.name.startswith("shop-worker"))
        app.watch_screen.fleet = replace(fleet, pods={**fleet.pods, uid: replace(pod, restarts=1)})
        await pilot.pause()
        assert 0 < app.bytes_sent() <= 60


async def test_a_second_that_changes_no_text_costs_nothing() -> None:
    fleet = fleets.healthy()
    app = CountingStage(fleet)
    async with app.run_test(size=MEDIUM) as pilot:
        await pilot.pause()
        app.bytes_sent()
        for second in range(1, 5):
            app.watch_screen.fleet = replace(fleet, now=fleet.now + second)
            await pilot.pause()
        assert app.bytes_sent() == 0
