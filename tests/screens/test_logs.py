from __future__ import annotations

import time
from pathlib import Path

import pytest

from domain.log_lines import LogLine, LogPhase, LogStream
from screens.log_ring import LogRing, level_spans, short_pod
from screens.logs import LogsScreen
from tests import fleets
from tests.screens.stage import STREAMS, StageApp, log_lines, rows, seen, workload
from widgets.text_view import TextView


def _screen(**changes: object) -> LogsScreen:
    fleet = fleets.likely()
    return LogsScreen("shop-backend, new revision v1.9.0", fleet=fleet, target=workload(fleet), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name, short",
    [
        ("shop-backend-7f9c5d68b4-k2lxv", "k2lxv"),
        ("shop-web-0", "web-0"),
        ("alone", "alone"),
        ("node-agent-x7z2p", "x7z2p"),
    ],
)
def test_a_pod_is_told_from_its_brothers_by_its_end(name: str, short: str) -> None:
    assert short_pod(name) == short


@pytest.mark.parametrize(
    "text, words",
    [
        ("ERROR no", ["bad"]),
        ('{"level":"warn","msg":"x"}', ["warn"]),
        ("Traceback (most recent call last):", ["bad"]),
        ("errors: 0", []),
        ("x" * 300 + " ERROR", []),
    ],
)
def test_the_level_of_a_line_is_lit(text: str, words: list[str]) -> None:
    assert [style for _, _, style in level_spans(text)] == words


def test_the_ring_keeps_the_newest_and_counts_what_it_let_go() -> None:
    ring = LogRing(most_lines=100)
    ring.add(log_lines(90))
    change = ring.add(log_lines(30, begin=90))
    assert (change.gone, len(change.added), len(ring), ring.dropped) == (20, 30, 100, 20)
    ring.add(log_lines(1_000, begin=120))
    assert (len(ring), ring.dropped, ring.received) == (100, 1020, 1120)
    assert ring.plain().splitlines()[-1].endswith("#1119")


def test_the_ring_is_bounded_in_characters_too() -> None:
    ring = LogRing(most_characters=100_000)
    for n in range(20):
        ring.add([LogLine("p", "c", "x" * 10_000, n)])
    assert len(ring) == 10 and ring.dropped == 10


def test_filtered_lines_fall_out_with_the_ring() -> None:
    ring = LogRing(most_lines=10)
    ring.narrow("!INFO")
    assert len(ring.add(log_lines(10)).added) == 4
    change = ring.add(log_lines(5, begin=10))
    assert change.gone == 2 and len(change.added) == 2 and len(ring.all_shown()) == 4


def test_a_programs_own_colours_are_left_out() -> None:
    ring = LogRing()
    assert ring.add([LogLine("p", "c", "␛[1;31mERROR␛[0m down", 0)]).added[0].text == "ERROR down"


async def test_lines_are_followed_with_their_pods_in_front() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.show_streams(STREAMS)
        screen.add_lines(log_lines(100))
        await pilot.pause()
        assert rows(app)[-2] == "q8w4d INFO  GET /health/ready 503 2 ms #99"
        assert "1 live, 1 ended · 100 lines · following" in rows(app)[0]


async def test_one_pod_alone_needs_no_name_in_front() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.add_lines(log_lines(3, pods=("k2lxv",)))
        await pilot.pause()
        assert rows(app)[1].startswith("INFO")
        screen.add_lines(log_lines(1, begin=3, pods=("q8w4d",)))
        await pilot.pause()
        assert [row[:6] for row in rows(app)[1:5]] == ["k2lxv ", "k2lxv ", "k2lxv ", "q8w4d "]


async def test_scrolling_up_holds_it_still_and_the_end_follows_again() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.add_lines(log_lines(100))
        await pilot.press("k", "k")
        before = rows(app)[1:-1]
        screen.add_lines(log_lines(12, begin=100))
        await pilot.pause()
        assert rows(app)[1:-1] == before and "paused, 12 new" in rows(app)[0]
        await pilot.press("G")
        await pilot.pause()
        assert "#111" in rows(app)[-2] and "following" in rows(app)[0]


@pytest.mark.parametrize("typed, count", [("ERROR", 20), ("!INFO", 40), ("-l pod=shop-backend-7f9c5d68b4-k2lxv", 50)])
async def test_a_filter_narrows_what_is_shown(typed: str, count: int) -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.add_lines(log_lines(100))
        await pilot.press("slash", *typed, "enter")
        await pilot.pause()
        assert f"{count} of 100 lines" in rows(app)[0]
        await pilot.press("escape")
        await pilot.pause()
        assert "100 lines" in rows(app)[0] and app.screen is screen
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not screen


async def test_nothing_that_matches_says_how_to_get_back() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(80, 24)) as pilot:
        screen.add_lines(log_lines(5))
        await pilot.press("slash", *"nothing like it", "enter")
        await pilot.pause()
        assert "None of 5 lines match." in seen(app) and "Esc clears" in seen(app)


async def test_times_wrap_and_one_pod_can_be_chosen() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(80, 24)) as pilot:
        screen.add_lines(log_lines(4))
        await pilot.press("t")
        assert rows(app)[1].startswith("08:53:20Z k2lxv INFO")
        await pilot.press("t", "w")
        assert rows(app)[4].endswith("connect: connection r"), "cut at the edge"
        await pilot.press("o")
        await pilot.pause()
        await pilot.press(*"q8w", "enter")
        await pilot.pause()
        assert "only shop-backend-7f9c5d68b4-q8w4d" in screen.heading() and "2 of 4 lines" in rows(app)[0]
        await pilot.press("o")
        assert "4 lines" in rows(app)[0]


async def test_streams_that_are_lost_say_why() -> None:
    lost = LogStream("p-1", "c", LogPhase.LOST, "connection reset")
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.show_streams((*STREAMS, lost))
        await pilot.pause()
        assert "✖ 1 live, 1 lost, 1 ended: connection reset" in rows(app)[0]
        assert "Waiting for the first line." in seen(app)


async def test_an_absent_previous_run_is_said() -> None:
    app = StageApp(screen := _screen(is_previous=True))
    async with app.run_test(size=(80, 24)) as pilot:
        screen.show_streams([LogStream("p-1", "c", LogPhase.REFUSED, "no earlier run")])
        await pilot.pause()
        assert "There is no previous run." in seen(app) and "Previous logs" in rows(app)[0]


async def test_the_other_run_is_asked_of_the_app_and_starts_over() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(80, 24)) as pilot:
        screen.add_lines(log_lines(50))
        await pilot.press("p")
        await pilot.pause()
        assert app.asked == [("previous_logs", screen.target)]
        screen.start_over("shop-backend", is_previous=True)
        await pilot.pause()
        assert "0 lines" in rows(app)[0] and "#49" not in seen(app)


async def test_saving_writes_what_is_shown_and_never_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        screen.add_lines(log_lines(10))
        await pilot.press("ctrl+s")
        (file,) = list(tmp_path.glob("*.log"))  # noqa: ASYNC240
        assert file.read_text().splitlines()[0] == (
            "08:53:20Z shop-backend-7f9c5d68b4-k2lxv/shop-backend INFO  GET /api/cart 200 12 ms #0"
        )
        assert file.stat().st_mode & 0o777 == 0o600 and str(file)[:20] in screen.footer.note
        await pilot.press("colon", *f"save {file.name}", "enter")
        await pilot.pause()
        assert "is there already" in screen.footer.note


async def test_a_second_of_a_burst_costs_less_than_a_second() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(120, 40)) as pilot:
        batches = [log_lines(350, begin=n * 350) for n in range(30)]
        began = time.perf_counter()
        for batch in batches:
            screen.add_lines(batch)
            await pilot.pause()
        # The bound is ten times what is measured: it is there for accidents, not for benchmarks.
        assert time.perf_counter() - began < 10
        assert len(screen.query_one(TextView).lines) == 10_000 and "500 older let go" in rows(app)[0]


async def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    app = StageApp(screen := _screen())
    async with app.run_test(size=(80, 24)) as pilot:
        screen.add_lines([LogLine("p", "c", "x" * 1_000_000, 0)])
        await pilot.pause()
        assert rows(app)[-2].endswith("… +983 kB")
