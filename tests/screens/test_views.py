from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual_plotext import PlotextPlot

from actions import ACTIONS, View, actions_on
from domain.compare import compare
from domain.metrics import Series
from domain.targets import Target
from screens.chart import ChartScreen, time_ticks
from screens.choose import Choice, ChooseScreen
from screens.compare import CompareScreen, compare_screen
from screens.help import HelpScreen
from screens.side_by_side import SideBySideScreen
from screens.text import TextScreen
from tests import builders as make
from tests import fleets
from tests.screens.stage import StageApp, key_of, newest_pod, rows, seen, template, workload
from widgets.command_line import CommandLine

# Every view


async def test_a_key_typed_in_the_command_line_does_nothing_else() -> None:
    app = StageApp(screen := TextScreen("pod/x", "text"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"qlyw")
        assert app.screen is screen and app.asked == [] and screen.command_line.text == "qlyw"
        assert "Help" not in rows(app)[-1]
        await pilot.press("escape")
        await pilot.pause()
        assert "Help" in rows(app)[-1] and app.screen is screen


async def test_a_word_for_another_view_goes_up_to_the_app() -> None:
    app = StageApp(TextScreen("pod/x", "text"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"ns shop", "enter")
        await pilot.pause()
    assert app.commands == [("ns", "shop")]


async def test_arguments_are_completed_from_what_the_app_knows() -> None:
    app = StageApp(screen := TextScreen("pod/x", "text"))
    async with app.run_test(size=(80, 24)) as pilot:
        screen.candidates = {"namespace": ("shop", "shop-alpha")}
        await pilot.press("colon", *"ns shop-", "tab", "enter")
        await pilot.pause()
    assert app.commands == [("ns", "shop-alpha")]


async def test_what_cannot_be_done_says_why() -> None:
    app = StageApp(screen := TextScreen("pod/x", "text", fleet=fleets.likely()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await pilot.pause()
        assert app.asked == [] and "Logs: Nothing is selected" in screen.footer.note


async def test_q_goes_back_and_ctrl_c_asks_the_app_to_quit() -> None:
    app = StageApp(screen := TextScreen("pod/x", "text"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.asked == [("quit", screen.target)]
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is not screen


async def test_production_is_a_word_and_a_frame_everywhere() -> None:
    fleet = fleets.in_production()
    app = StageApp(TextScreen("pod/x", "text", fleet=fleet))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert " PRODUCTION " in rows(app)[1] and rows(app)[0][:2] == "┏━" and rows(app)[-1][:2] == "┗━"


async def test_a_silent_cluster_is_said_on_every_view() -> None:
    app = StageApp(TextScreen("pod/x", "text", fleet=fleets.stale()))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "STALE" in rows(app)[0]


async def test_a_users_own_key_is_bound_and_shown() -> None:
    fleet = fleets.likely()
    app = StageApp(TextScreen("pod/x", "text", fleet=fleet, target=newest_pod(fleet)))
    app.set_keymap({"logs": "ctrl+l"})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Ctrl-l Logs" in rows(app)[-1]
        await pilot.press("l", "ctrl+l")
        await pilot.pause()
        assert [name for name, _ in app.asked] == ["logs"]


# Help


@pytest.mark.parametrize("view", View)
async def test_help_names_every_key_and_word_of_a_view(view: View) -> None:
    app = StageApp(screen := HelpScreen(view))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = "\n".join(line.plain for line in screen.query_one("TextView").lines)  # type: ignore[attr-defined]
        assert all(a.help in text and (not a.words or f":{a.words[0]}" in text) for a in actions_on(view))
        assert "j k Down Up" in text


async def test_help_is_opened_filtered_and_left() -> None:
    app = StageApp(screen := TextScreen("pod/x", "text"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Help for text" in rows(app)[0]
        await pilot.press("slash", *"search", "enter")
        await pilot.pause()
        assert ":search" in seen(app) and ":yaml" not in seen(app)
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen is screen


# Choosing

CHOICES = [Choice("prod-weu", "PRODUCTION", "bad"), Choice("alpha-weu"), *(Choice(f"team-{n}") for n in range(40))]


async def _chosen(keys: list[str], current: str = "") -> tuple[Any, str]:
    app = StageApp(ChooseScreen("Watch which context?", CHOICES, current=current))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        return (app.answers or ["still open"])[0], seen(app)


@pytest.mark.parametrize(
    "keys, chosen",
    [
        (["enter"], "prod-weu"),
        (["down", "enter"], "alpha-weu"),
        ([*"alp", "enter"], "alpha-weu"),
        ([*"team-3", "enter"], "team-3"),
        (["end", "enter"], "team-39"),
        (["escape"], None),
        ([*"zzz", "escape", "escape"], None),
        ([*"zzz", "backspace", "backspace", "backspace", "enter"], "prod-weu"),
        ([*"zzz", "enter"], "still open"),
        (["q", "l", "ctrl+u", "enter"], "prod-weu"),
    ],
)
async def test_one_is_picked_from_a_list(keys: list[str], chosen: object) -> None:
    assert (await _chosen(keys))[0] == chosen


async def test_the_list_begins_at_what_is_current() -> None:
    assert (await _chosen(["enter"], current="team-20"))[0] == "team-20"


async def test_a_list_without_a_match_says_what_next() -> None:
    assert "Nothing matches: Backspace" in (await _chosen([*"zzz"]))[1]


# Comparing

OLD, NEW = template("v1.8.2", FEATURE_X="on", DB_PASSWORD="hunter2"), template("v1.9.0", DB_PASSWORD="hunter3", LOG="debug")


async def test_two_revisions_are_compared_and_secrets_stay_hidden() -> None:
    app = StageApp(CompareScreen("of shop-backend", "v1.8.2", "v1.9.0", compare(OLD, NEW)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = seen(app)
        for said in ("− old  v1.8.2", "+ new  v1.9.0", "shop-backend:v1.8.2", "removed  on", "added  debug", "512Mi"):
            assert said in text
        assert "hunter" not in text


async def test_equal_templates_say_where_else_to_look() -> None:
    app = StageApp(CompareScreen("of shop-backend", "a", "b", ()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "The pod templates are the same." in seen(app)


def test_one_revision_is_compared_with_the_one_before() -> None:
    fleet = fleets.likely()
    history = fleet.rollouts[key_of(fleet)].history
    pair = tuple(Target(workload=key_of(fleet), revision_uid=history[n].revision.uid) for n in (2, 0))
    assert "v1.8.1" in compare_screen(fleet, (pair[0], pair[1]))._old
    assert "v1.8.2" in compare_screen(fleet, workload(fleet))._old
    assert "v1.8.1" in compare_screen(fleet, Target(workload=key_of(fleet), revision_uid=history[1].revision.uid))._old


@pytest.mark.parametrize("target", [Target(), (Target(), Target())])
def test_what_is_gone_cannot_be_compared(target: Any) -> None:
    with pytest.raises(LookupError, match="is gone"):
        compare_screen(fleets.likely(), target)


# The chart


def test_the_time_axis_has_round_moments() -> None:
    ticks, labels = time_ticks(make.NOW, make.NOW + 3600, 8, False)
    assert labels == ["09:00Z", "09:10Z", "09:20Z", "09:30Z", "09:40Z", "09:50Z"]
    assert all(tick % 600 == 0 for tick in ticks)


def test_the_hosts_own_time_stands_before_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert time_ticks(make.NOW, make.NOW + 3600, 4, True)[1] == [
            "11:00/09:00Z",
            "11:15/09:15Z",
            "11:30/09:30Z",
            "11:45/09:45Z",
        ]
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_metric_is_drawn_with_its_limit_and_the_next_one_is_a_key_away() -> None:
    fleet = fleets.likely()
    app = StageApp(screen := ChartScreen("errors", fleet=fleet, target=workload(fleet)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "errors 5xx of shop-backend" in rows(app)[0] and "✔ now 0.2 %" in rows(app)[0]
        assert "limit 1.0 %" in rows(app)[1] and "rollout began 18s ago" in rows(app)[1]
        await pilot.press("tab", "tab", "tab")
        await pilot.pause()
        assert "restarts of shop-backend" in rows(app)[0] and "✖ now 4" in rows(app)[0]
        await pilot.press("colon", *"chart p95", "enter")
        await pilot.pause()
        assert "p95 of shop-backend" in rows(app)[0]
        assert screen.query_one(PlotextPlot).display


@pytest.mark.parametrize(
    "series, says",
    [
        ((), "Waiting for the first answer."),
        ((make.series("errors", []),), "found no samples"),
        ((make.series("errors", [], error="Prometheus answered 503.", hint="Is it up?"),), "Is it up?"),
    ],
)
async def test_a_metric_without_points_says_why(series: tuple[Series, ...], says: str) -> None:
    fleet = fleets.likely()
    app = StageApp(ChartScreen("errors", fleet=replace(fleet, metrics={key_of(fleet): series}), target=workload(fleet)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert says in seen(app)


# Side by side


async def test_two_environments_stand_in_one_row_and_drift_comes_first() -> None:
    alpha = fleets.likely(make.scope(environment="alpha", namespace="shop-alpha"))
    app = StageApp(SideBySideScreen(alpha, fleets.healthy(make.production())))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "ALPHA + PRODUCTION" in rows(app)[1] and "! 1 differ" in rows(app)[1], "and the frame is production's"
        assert (
            "shop-backend" in rows(app)[3]
            and "! version" in rows(app)[3]
            and "v1.8.2" in rows(app)[3]
            and "= same" in rows(app)[4]
        )
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, CompareScreen)


async def test_the_second_environment_is_waited_for() -> None:
    app = StageApp(screen := SideBySideScreen(fleets.likely(), None))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "waiting for the second one" in rows(app)[0] and "differ" not in seen(app)
        screen.other = fleets.likely()
        await pilot.pause()
        assert "no drift" in rows(app)[0]


# The palette


async def test_the_palette_finds_an_action_by_a_word_of_its_help() -> None:
    from screens.commands import RegistryCommands

    fleet = fleets.likely()
    app = StageApp(screen := TextScreen("pod/x", "text", fleet=fleet, target=newest_pod(fleet)))
    async with app.run_test(size=(80, 24)):
        provider = RegistryCommands(screen)
        hits = [hit async for hit in provider.search("secrets")]
        assert [str(hit.text) for hit in hits][:1] == ["YAML (y)  :yaml"]
        hits[0].command()
        discovered = [hit async for hit in provider.discover()]
        assert len(discovered) == len(actions_on(View.TEXT)) - 2
    assert app.asked == [("yaml", newest_pod(fleet))]


def test_every_word_can_be_completed() -> None:
    from screens.registry_keys import command_words

    line = CommandLine(command_words())
    assert {word for a in ACTIONS for word in a.words} == set(line._words)
