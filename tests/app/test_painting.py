"""Only what differs is sent, and what stands on the terminal afterwards is what Textual would have drawn whole."""

from __future__ import annotations

import random

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from app.painting import PaintedScreen

WIDTH, HEIGHT = 30, 6
STYLES = [
    None,
    Style(),
    *map(
        Style.parse,
        ("red", "bold green", "on blue", "reverse", "dim", "default on default", "underline", "color(196) on color(17)"),
    ),
]
TEXTS = ["ab", "   ", "x", "日本", "é", "e\u0301", "│─", "✔ ok", "9", "            ", "🚀"]


def _strip(chance: random.Random, width: int) -> Strip:
    segments: list[Segment] = []
    used = 0
    while used < width:
        segment = Segment(chance.choice(TEXTS), chance.choice(STYLES))
        if used + segment.cell_length > width:
            segment = Segment(" " * (width - used), segment.style)
        segments.append(segment)
        used += segment.cell_length
    return Strip(segments, width)


def _shown(screen: pyte.Screen) -> list[object]:
    rows: list[object] = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            cell = screen.buffer[y][x]
            is_blank = cell.data in (" ", "")
            look = (cell.bg, cell.reverse, cell.underscore) + (
                () if is_blank and not cell.reverse else (cell.fg, cell.bold)
            )
            rows.append((y, x, cell.data, look))
    return rows


class Terminals:
    """One is sent what differs, the other everything."""

    def __init__(self) -> None:
        self.ours = pyte.Screen(WIDTH, HEIGHT)
        self.whole = pyte.Screen(WIDTH, HEIGHT)
        self._our_stream = pyte.Stream(self.ours)
        self._whole_stream = pyte.Stream(self.whole)
        self._console = Console(color_system="256", force_terminal=True)
        self.painted = PaintedScreen()
        for stream in (self._our_stream, self._whole_stream):
            stream.feed("\x1b[?7l")  # as Textual does: no wrapping at the edge

    def send(self, update: LayoutUpdate | ChopsUpdate) -> str:
        sent = self.painted.changes(update, (WIDTH, HEIGHT), ColorSystem.EIGHT_BIT)
        assert sent is not None
        self._our_stream.feed(sent)
        self._whole_stream.feed(update.render_segments(self._console).replace("\n", ""))
        return sent


@pytest.mark.parametrize("seed", range(40))
def test_what_stands_on_the_terminal_is_the_same(seed: int) -> None:
    chance = random.Random(seed)
    terminals = Terminals()
    terminals.send(LayoutUpdate([[_strip(chance, WIDTH)] for _ in range(HEIGHT)], Region(0, 0, WIDTH, HEIGHT)))
    for _ in range(30):
        if chance.random() < 0.3:
            update: LayoutUpdate | ChopsUpdate = LayoutUpdate(
                [[_strip(chance, 12), _strip(chance, WIDTH - 12)] for _ in range(HEIGHT)], Region(0, 0, WIDTH, HEIGHT)
            )
        else:
            y = chance.randrange(HEIGHT)
            chops: list[dict[int, Strip | None]] = [{0: None, 12: None} for _ in range(HEIGHT)]
            left = chance.choice((0, 12))
            end = 12 if left == 0 else WIDTH
            chops[y][left] = _strip(chance, end - left)
            update = ChopsUpdate(chops, [(y, left, end)], [[12, WIDTH] for _ in range(HEIGHT)])
        terminals.send(update)
        assert _shown(terminals.ours) == _shown(terminals.whole)


def _layout(*lines: str) -> LayoutUpdate:
    padded = [*lines, *[""] * (HEIGHT - len(lines))]
    return LayoutUpdate([[Strip([Segment(line.ljust(WIDTH))], WIDTH)] for line in padded], Region(0, 0, WIDTH, HEIGHT))


def test_a_repaint_of_the_same_sends_nothing() -> None:
    terminals = Terminals()
    terminals.send(_layout("pods 3", "ready"))
    assert terminals.send(_layout("pods 3", "ready")) == ""


def test_one_changed_digit_costs_a_dozen_bytes() -> None:
    terminals = Terminals()
    terminals.send(_layout("pods 3", "ready"))
    assert terminals.send(_layout("pods 4", "ready")) == "\x1b[1;6H4"


def test_after_something_else_wrote_there_everything_is_sent_again() -> None:
    terminals = Terminals()
    first = terminals.send(_layout("pods 3"))
    terminals.painted.forget()
    assert terminals.send(_layout("pods 3")) == first
