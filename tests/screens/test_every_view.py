from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.scenes import SCENES
from tests.screens.stage import HOSTILE, SIZES, StageApp, rows, seen
from widgets import palette

ROOT = Path(__file__).parents[2]
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_DRAWN_AT_REST = ("describe_pod", "describe_workload", "compare", "yaml_in_production", "choose")


async def _still(pilot: Pilot[Any]) -> None:
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_a_view_looks_as_it_did(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(SCENES[name](""), terminal_size=size, run_before=_still)


@pytest.mark.parametrize("evil", HOSTILE, ids=["escapes", "controls", "markup", "wide"])
@pytest.mark.parametrize("name", SCENES)
async def test_text_from_outside_is_only_ever_text(name: str, evil: str) -> None:
    app = SCENES[name](evil)
    async with app.run_test(size=(120, 40)) as pilot:
        await _still(pilot)
        strips = app.screen._compositor.render_strips()
        for strip in strips:
            assert strip.cell_length == 120
            assert not _INVISIBLE.search(strip.text)
            for segment in strip:
                assert segment.style is None or (not segment.style.link and "@click" not in segment.style.meta)
                assert max(_runs_of_combining(segment.text), default=0) <= 4
        if "[/red]" in evil and name in _DRAWN_AT_REST:
            assert "[@click=app.quit]x[/]" in seen(app).replace("\n", "") or "[@click" in seen(app)


def _runs_of_combining(text: str) -> Iterator[int]:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        yield run


@pytest.mark.parametrize("name", SCENES)
async def test_a_terminal_that_knows_only_ascii_gets_only_ascii(name: str) -> None:
    palette.use_ascii()
    try:
        app = SCENES[name]("")
        async with app.run_test(size=(80, 24)) as pilot:
            await _still(pilot)
            assert not [row for row in rows(app) if not row.isascii()]
    finally:
        palette.use_ascii(False)


@pytest.mark.parametrize("size", [(20, 5), (40, 8), (1, 1)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
async def test_a_tiny_terminal_breaks_nothing(name: str, size: tuple[int, int]) -> None:
    app = SCENES[name]("")
    async with app.run_test(size=size) as pilot:
        await _still(pilot)
        await pilot.press("G", "g", "ctrl+f", "right")
        await pilot.resize_terminal(80, 24)
        await _still(pilot)
        assert isinstance(app, StageApp) and app.is_running


def test_the_first_screen_imports_no_view_that_is_not_open() -> None:
    code = "import sys, screens.watch; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    views = {"logs", "text", "help", "compare", "chart", "choose", "side_by_side", "describe", "commands", "saving"}
    views |= {"confirm", "operation", "operations", "asking", "flight_check"}
    assert not {*(f"screens.{view}" for view in views), "plotext", "textual_plotext"} & set(ran.stdout.split())
