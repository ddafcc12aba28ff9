from __future__ import annotations

import time

import pytest
from textual.app import App, ComposeResult

from widgets.text_lines import Folds, TextLine, row_bounds, row_count, sideways
from widgets.text_view import TextView

LEAD = (("k2lxv ", "pod0"),)


class ViewApp(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, view: TextView) -> None:
        super().__init__()
        self.theme = "ansi-dark"
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


def rows(view: TextView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def numbered(count: int, begin: int = 0) -> list[TextLine]:
    return [TextLine(f"line {n}") for n in range(begin, begin + count)]


@pytest.mark.parametrize(
    "text, width, pieces",
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("0123456789", 10, ["0123456789"]),
        ("0123456789a", 10, ["0123456789", "a"]),
        ("日本語日本語", 5, ["日本", "語日", "本語"]),
        ("naïve café", 5, ["naïve", " café"]),
    ],
)
def test_a_long_line_is_folded_by_cells(text: str, width: int, pieces: list[str]) -> None:
    assert row_count(text, width) == len(pieces)
    assert [text[slice(*row_bounds(text, width, row))] for row in range(len(pieces))] == pieces


@pytest.mark.parametrize(
    "text, left, seen", [("abcdef", 2, "cdef"), ("日本語", 2, "本語"), ("日本語", 1, " 本語"), ("ab", 9, "")]
)
def test_sideways_never_shows_half_a_character(text: str, left: int, seen: str) -> None:
    begin, end, gap = sideways(text, left, 10)
    assert gap + text[begin:end] == seen


def test_folds_know_the_line_on_every_row() -> None:
    folds = Folds()
    folds.extend([TextLine("a" * 25), TextLine("b"), TextLine("c" * 11)])
    folds.fold(10)
    assert [folds.at(row) for row in range(folds.count)] == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]
    assert folds.drop(1) == 3
    assert [folds.at(row) for row in range(folds.count)] == [(0, 0), (1, 0), (1, 1)]
    folds.fold(0)
    assert folds.count == 2


async def test_the_lead_stays_where_the_text_goes_sideways() -> None:
    view = TextView()
    async with ViewApp(view).run_test(size=(20, 5)) as pilot:
        view.set_lines([TextLine("0123456789abcdefghijklmnop", "", LEAD)])
        view.focus()
        await pilot.press("right")
        assert rows(view)[0] == "k2lxv 89abcdefghijkl"
        view.is_wrapped = True
        assert rows(view)[:2] == ["k2lxv 0123456789abcd", "      efghijklmnop"]


async def test_following_ends_by_scrolling_up_and_begins_again_at_the_end() -> None:
    view = TextView(follows=True)
    async with ViewApp(view).run_test(size=(20, 5)) as pilot:
        view.focus()
        view.add_lines(numbered(10))
        assert rows(view)[-1] == "line 9"
        await pilot.press("k")
        view.add_lines(numbered(3, 10))
        assert (view.is_following, view.missed, rows(view)[-1]) == (False, 3, "line 8")
        await pilot.press("G")
        assert (view.is_following, view.missed, rows(view)[-1]) == (True, 0, "line 12")


async def test_what_is_read_stays_put_when_lines_go_at_the_front() -> None:
    view = TextView(follows=True)
    async with ViewApp(view).run_test(size=(20, 5)) as pilot:
        view.focus()
        view.add_lines(numbered(100))
        await pilot.press("ctrl+b")
        before = rows(view)
        view.add_lines(numbered(10, 100))
        view.drop_lines(10)
        assert rows(view) == before


async def test_a_search_goes_round_and_marks_where_it_is() -> None:
    view = TextView()
    async with ViewApp(view).run_test(size=(20, 5)):
        view.set_lines(numbered(100))
        assert view.search("line 9") == 11
        assert view.match_place == (1, 11) and "line 9" in rows(view)
        assert view.next_match(1) == (2, 11) and "line 90" in rows(view)
        assert view.next_match(-2) == (11, 11) and "line 99" in rows(view)
        assert view.search("LINE") == 0, "an upper-case letter makes the case count"
        assert view.search("[/") == 0, "a search is text, not a pattern"


async def test_the_place_is_told() -> None:
    view = TextView()
    async with ViewApp(view).run_test(size=(20, 5)) as pilot:
        view.focus()
        view.set_lines(numbered(3))
        assert view.place == "all"
        view.set_lines(numbered(105))
        assert view.place == "top"
        await pilot.press("ctrl+f")
        assert view.place == "4 %"
        await pilot.press("end")
        assert view.place == "end"


async def test_equal_lines_are_not_drawn_again() -> None:
    view = TextView()
    async with ViewApp(view).run_test(size=(20, 5)) as pilot:
        view.set_lines(numbered(3))
        await pilot.pause()
        drawn: list[int] = []
        view.render_line = drawn.append  # type: ignore[method-assign,assignment]
        view.set_lines(numbered(3))
        await pilot.pause()
        assert drawn == []


async def test_only_lines_that_are_seen_are_coloured() -> None:
    asked: list[str] = []

    def styler(text: str) -> list[tuple[int, int, str]]:
        asked.append(text)
        return [(0, 4, "accent")]

    view = TextView(styler=styler)
    async with ViewApp(view).run_test(size=(20, 5)):
        view.set_lines(numbered(1000))
        assert rows(view)[0] == "line 0"
        assert set(asked) <= {f"line {n}" for n in range(5)}


async def test_a_megabyte_on_one_line_is_drawn_at_once() -> None:
    view = TextView(is_wrapped=True)
    async with ViewApp(view).run_test(size=(80, 24)) as pilot:
        began = time.perf_counter()
        view.set_lines([TextLine("x" * 1_000_000), TextLine("é" * 100_000)])
        view.focus()
        await pilot.press("end")
        assert rows(view)[-1] == "é" * 80
        assert time.perf_counter() - began < 5
