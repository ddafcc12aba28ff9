from __future__ import annotations

import pytest

from domain.fleet import Fleet
from domain.scope import Scope
from domain.streams import Source, StreamPhase, StreamState
from tests import builders as make
from tests import fleets
from tests.widgets.stage import WatchStage, lines
from widgets import palette
from widgets.header import environment_word, live_word


async def _first_lines(fleet: Fleet, size: tuple[int, int]) -> list[str]:
    app = WatchStage(fleet)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return lines(app)[:3]


async def test_it_says_where_we_are_as_whom_and_with_what_rights() -> None:
    scope = make.production(is_read_only=True, is_tls_unverified=True)
    frame, line, _ = await _first_lines(fleets.likely(scope), (120, 40))
    assert frame.startswith("┏━━")
    for word in ("PRODUCTION", "shop-production", "ctx prod-weu", "oncall@jump2", "READ-ONLY", "TLS NOT VERIFIED", "live"):
        assert word in line
    assert "✖ 1 needs you" in line


async def test_on_a_small_screen_chips_stand_in_for_the_panes() -> None:
    _, line, chips = await _first_lines(fleets.likely(make.production()), (80, 24))
    assert "PRODUCTION" in line
    for chip in ("errors ✔", "p95 ✔", "restarts ✖", "health ✖", "✖ 1 needs you"):
        assert chip in chips


async def test_without_production_there_is_no_frame() -> None:
    line, _, _ = await _first_lines(fleets.healthy(), (120, 40))
    assert line.startswith("   PRACTICE")
    assert "✔ nothing needs you" in line


@pytest.mark.parametrize(
    ("scope", "word"),
    [
        (make.scope(), "PRACTICE"),
        (make.scope(environment=""), "NOT PRODUCTION"),
        (make.production(), "PRODUCTION"),
        (make.production(environment=""), "PRODUCTION"),
        (make.production(environment="live-eu"), "PRODUCTION LIVE-EU"),
    ],
)
def test_production_is_always_called_so(scope: Scope, word: str) -> None:
    assert environment_word(scope) == word


def _state(source: Source, phase: StreamPhase, heard: float = 12) -> StreamState:
    return StreamState(source, phase, make.NOW - heard, make.NOW - heard)


@pytest.mark.parametrize(
    ("states", "word", "style"),
    [
        ((), "● live", "good"),
        ((_state(Source.PODS, StreamPhase.LOADING),), "◐ loading", "accent"),
        ((_state(Source.PODS, StreamPhase.STALE),), "✖ pods STALE 12s", "bad"),
        ((_state(Source.API_SERVER, StreamPhase.STALE),), "✖ STALE 12s", "bad"),
        ((_state(Source.OCCURRENCES, StreamPhase.FORBIDDEN),), "! events not permitted", "warn"),
        ((_state(Source.METRICS, StreamPhase.FAILED),), "! metrics failed", "warn"),
        ((_state(Source.METRICS, StreamPhase.ABSENT),), "● live", "good"),
        ((_state(Source.PODS, StreamPhase.FAILED), _state(Source.METRICS, StreamPhase.FAILED)), "✖ pods failed", "bad"),
        (
            (_state(Source.PODS, StreamPhase.STALE, 4), _state(Source.REPLICA_SETS, StreamPhase.STALE, 40)),
            "✖ replicasets STALE 40s",
            "bad",
        ),
    ],
)
def test_the_worst_source_speaks(states: tuple[StreamState, ...], word: str, style: str) -> None:
    cell = live_word(make.fleet(streams=make.streams(*states)))
    assert (cell.text, cell.style) == (word, style)


async def test_a_wide_header_has_the_age_of_every_source_that_is_not_of_now() -> None:
    states = (
        _state(Source.OCCURRENCES, StreamPhase.FORBIDDEN),
        _state(Source.METRICS, StreamPhase.ABSENT),
        _state(Source.HEALTH, StreamPhase.STALE),
    )
    line, _, _ = await _first_lines(make.fleet(streams=make.streams(*states)), (200, 50))
    assert "workloads ●  pods ●  events ! not permitted  usage ●  metrics none  health ✖ 12s old" in line


async def test_what_is_stale_is_never_called_fine() -> None:
    line, _, _ = await _first_lines(fleets.stale(), (120, 40))
    assert "nothing needs you" not in line
    assert "STALE 12s" in line


async def test_in_ascii_nothing_else_is_shown_and_production_is_still_unmistakable() -> None:
    palette.use_ascii()
    try:
        app = WatchStage(fleets.likely(make.production()))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            shown = lines(app)
    finally:
        palette.use_ascii(False)
    assert "\n".join(shown).isascii()
    assert "PRODUCTION" in shown[1]
    assert shown[0].startswith("+--")
    assert "x LIKELY FAILING" in "\n".join(shown)
