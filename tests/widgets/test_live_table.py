from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from tests.widgets.stage import WidgetStage
from widgets.live_table import LiveTable
from widgets.palette import Cut
from widgets.rows import Cell, Column, Line, Row, Widths

COLUMNS = (
    Column("NAME", 8, 20, grows=True, cut=Cut.MIDDLE),
    Column("READY", 5, 5, rank=1, is_right=True),
    Column("AGE", 4, 6, rank=2, is_right=True),
    Column("IP", 8, 15, rank=3, is_wide=True),
)


class Watched(LiveTable[str]):
    """`asked` are the rows that were worked out, `redrawn` the regions, None for everything."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, is_selectable=lambda key: not key.startswith("-"))
        self.asked: list[str] = []
        self.redrawn: list[Region | None] = []
        self.ages: dict[str, str] = {}

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Watched:
        if repaint:
            self.redrawn.extend(regions or [None])
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def fill(self, keys: list[str]) -> None:
        self.asked.clear()
        self.redrawn.clear()
        self.set_rows(keys, self.row, empty=("No rows.", "Make some."))

    def row(self, key: str) -> Row:
        self.asked.append(key)
        if key.startswith("-"):
            return Line((Cell(key, "quiet"),), 2)
        return (Cell(key), Cell("1/1"), Cell(self.ages.get(key, "6d")), Cell("10.0.0.1"))

    def lines(self) -> list[str]:
        return [self.render_line(y).text.rstrip() for y in range(self.size.height)]


KEYS = [f"pod-{i:04}" for i in range(5000)]


@asynccontextmanager
async def shown(width: int = 40, height: int = 11, keys: list[str] = KEYS) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    table = Watched()
    app = WidgetStage(table)
    async with app.run_test(size=(width, height)) as pilot:
        table.fill(keys)
        await pilot.pause()
        yield table, pilot


async def test_only_rows_that_are_seen_are_worked_out() -> None:
    async with shown() as (table, _):
        table.fill(KEYS)
        assert table.asked == KEYS[:10]


async def test_one_changed_cell_redraws_that_cell_and_nothing_else() -> None:
    async with shown() as (table, _):
        age = table.lines()[0].index("AGE") - 1
        table.ages["pod-0003"] = "7d"
        table.fill(KEYS)
        assert table.redrawn == [Region(age, 4, 4, 1)]


async def test_what_is_the_same_is_not_drawn_again_whoever_says_it() -> None:
    async with shown() as (table, _):
        table.ages["pod-4000"] = "7d"
        table.fill(list(KEYS))
        assert table.redrawn == []


async def test_the_cursor_goes_with_its_row_when_the_order_changes() -> None:
    async with shown() as (table, pilot):
        await pilot.press("j", "j", "j")
        assert table.cursor == "pod-0003"
        table.fill(list(reversed(KEYS)))
        assert table.cursor == "pod-0003"
        assert any(line.startswith("▸pod-0003") for line in table.lines())


async def test_the_cursor_goes_to_the_neighbour_when_its_row_is_gone() -> None:
    async with shown() as (table, pilot):
        await pilot.press("j", "j", "j")
        table.fill([key for key in KEYS if key != "pod-0003"])
        assert table.cursor == "pod-0004"
        table.fill(KEYS[:4])
        table.fill(KEYS[:3])
        assert table.cursor == "pod-0002"


async def test_until_it_is_moved_the_cursor_stays_on_the_first_row_whatever_that_is() -> None:
    async with shown() as (table, pilot):
        table.fill(["a-new-one", *KEYS])
        assert table.cursor == "a-new-one"
        await pilot.press("j", "g")
        table.fill(["a-newer-one", "a-new-one", *KEYS])
        assert table.cursor == "a-newer-one"


async def test_rows_that_come_in_above_do_not_move_what_is_being_read() -> None:
    async with shown() as (table, pilot):
        await pilot.press(*["j"] * 30)
        before = table.lines()
        table.fill(["a-new-one", *KEYS])
        assert table.lines() == before


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ("j", "pod-0001"),
        ("down down up", "pod-0001"),
        ("G", "pod-4999"),
        ("end home", "pod-0000"),
        ("ctrl+f", "pod-0009"),
        ("pagedown pagedown ctrl+b", "pod-0009"),
        ("k", "pod-0000"),
    ],
)
async def test_keys_move_the_cursor(keys: str, cursor: str) -> None:
    async with shown() as (table, pilot):
        await pilot.press(*keys.split())
        assert table.cursor == cursor
        assert cursor in table.visible_keys


async def test_a_line_under_a_row_is_passed_over() -> None:
    async with shown(keys=["a", "- why", "- more", "b"]) as (table, pilot):
        await pilot.press("j")
        assert table.cursor == "b"
        await pilot.press("k")
        assert table.cursor == "a"


async def test_the_last_row_is_shown_when_lines_under_it_are_not_selectable() -> None:
    async with shown(height=4, keys=["a", "b", "c", "d", "- why"]) as (table, pilot):
        await pilot.press("G")
        assert table.cursor == "d"


async def test_choosing_says_which_row() -> None:
    heard: list[str] = []

    class Stage(WidgetStage):
        def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
            heard.append(message.key)

    table = Watched()
    async with Stage(table).run_test(size=(40, 11)) as pilot:
        table.fill(KEYS)
        await pilot.press("j", "enter")
        await pilot.click(offset=(3, 4))
        await pilot.click(offset=(3, 4))
        await pilot.pause()
    assert heard == ["pod-0001", "pod-0003"]


async def test_without_rows_it_says_what_and_what_to_do() -> None:
    async with shown(keys=[]) as (table, _):
        assert table.lines()[:2] == [" No rows.", " Make some."]
        assert table.cursor is None


async def test_the_wheel_moves_the_view_and_takes_the_cursor_along() -> None:
    async with shown() as (table, pilot):
        await pilot._post_mouse_events([_wheel()], widget=table)
        assert table.visible_keys[0] == "pod-0003"
        assert table.cursor == "pod-0003"


def _wheel() -> type:
    from textual.events import MouseScrollDown

    return MouseScrollDown


@pytest.mark.parametrize(
    ("width", "titles"),
    [(60, ["NAME", "READY", "AGE"]), (18, ["NAME", "READY"]), (12, ["NAME"]), (3, ["N"])],
)
async def test_where_there_is_no_room_the_least_needed_columns_go(width: int, titles: list[str]) -> None:
    async with shown(width=width) as (table, _):
        assert [title.rstrip("…") for title in table.lines()[0].split()] == [title.rstrip("…") for title in titles]


async def test_wide_shows_more_columns() -> None:
    async with shown() as (table, _):
        table.is_wide = True
        assert table.lines()[0].split() == ["NAME", "READY", "AGE", "IP"]


async def test_a_name_that_is_too_long_keeps_both_ends() -> None:
    async with shown(width=26, keys=["shop-backend-7f9c5d68b4-k2lxv"]) as (table, _):
        name = table.lines()[1][1:].split()[0]
        assert name.startswith("shop-")
        assert name.endswith("-k2lxv")
        assert "…" in name


def _row(age: str) -> Row:
    return (Cell("name"), Cell("1/1"), Cell(age), Cell(""))


def test_a_column_grows_at_once_and_shrinks_late() -> None:
    widths = Widths((COLUMNS[0], COLUMNS[1], Column("AGE", 1, 20), COLUMNS[3]))

    def width() -> int:
        return widths.places(80, False)[2].width

    widths.learn([_row("1y200d10h")])
    assert width() == 9
    widths.learn([_row("6d")])
    assert width() == 9
    for _ in range(200):
        widths.learn([_row("6d")])
    assert width() == 3


def test_a_column_may_grow_in_steps() -> None:
    widths = Widths((Column("RST", 3, 15, step=4),))
    seen = []
    for text in ("0", "2 (9s)", "2 (10s)", "2 (2m10s)"):
        widths.learn([(Cell(text),)])
        seen.append(widths.places(40, False)[0].width)
    assert seen == [3, 7, 7, 11]


async def test_wide_characters_keep_the_columns_straight() -> None:
    async with shown(keys=["ポッド-kaputt", "pod-0001"]) as (table, _):
        from rich.cells import cell_len

        ready = [cell_len(line[: line.index("1/1")]) for line in table.lines()[1:3]]
        assert ready[0] == ready[1]
