"""What a text view is made of: lines with a fixed lead, how many rows each takes, and pieces cut out of them in colour."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rich.cells import chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style

from widgets.palette import width_of

Span = tuple[int, int, str]
"""Begin, end (characters), and the style's name."""
Styler = Callable[[str], Sequence[Span]]
"""Only ever asked about lines that are on the screen."""


class TextLine(NamedTuple):
    """Sanitised text. `lead` stands before it and does not scroll sideways: (text, style name) pairs."""

    text: str
    style: str = ""
    lead: tuple[tuple[str, str], ...] = ()

    @property
    def lead_width(self) -> int:
        return sum(width_of(text) for text, _ in self.lead)

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.lead) + self.text


def is_single_width(text: str) -> bool:
    """Characters can be counted as cells."""
    return text.isascii() or width_of(text) == len(text)


@lru_cache(maxsize=512)
def _chopped(text: str, width: int, by_words: bool) -> tuple[str, ...]:
    if not by_words:
        return tuple(chop_cells(text, width)) or ("",)
    pieces: list[str] = []
    while width_of(text) > width:
        _, end, _ = sideways(text, 0, width)
        # A space that has no room any more stays at the end of its row.
        space = end if text[end : end + 1] == " " else text.rfind(" ", 0, end)
        cut_at = space + 1 if space > 0 else max(1, end)
        pieces.append(text[:cut_at])
        text = text[cut_at:]
    return (*pieces, text) if text or not pieces else tuple(pieces)


def row_count(text: str, width: int, by_words: bool = False) -> int:
    if len(text) * 2 <= width:
        return 1
    if is_single_width(text) and (not by_words or len(text) <= width):
        return max(1, -(-len(text) // width))
    return 1 if width_of(text) <= width else len(_chopped(text, width, by_words))


def row_bounds(text: str, width: int, row: int, by_words: bool = False) -> tuple[int, int]:
    """Which characters stand on a row of the folded text."""
    if is_single_width(text) and not by_words:
        return row * width, min(len(text), (row + 1) * width)
    pieces = _chopped(text, width, by_words)
    begin = sum(len(piece) for piece in pieces[:row])
    return begin, begin + len(pieces[row]) if row < len(pieces) else begin


def cut(text: str, begin: int, end: int, base: Style, spans: Sequence[Span], styles: dict[str, Style]) -> list[Segment]:
    """`text[begin:end]` in segments; where spans overlap, the later one is on top."""
    seen = [span for span in spans if span[0] < end and span[1] > begin]
    edges = {begin, end}
    for left, right, _ in seen:
        edges.update((max(begin, left), min(end, right)))
    segments: list[Segment] = []
    for left, right in pairwise(sorted(edges)):
        style = base
        for span_left, span_right, name in seen:
            if span_left <= left and span_right >= right:
                style += styles[name]
        segments.append(Segment(text[left:right], style))
    return segments


def sideways(text: str, left: int, width: int) -> tuple[int, int, str]:
    """Which characters are seen when the first `left` cells are scrolled away, and a blank for half of a wide one."""
    if is_single_width(text):
        return min(left, len(text)), min(len(text), left + width), ""
    begin = len(set_cell_size(text, left)) if left else 0
    while begin and width_of(text[:begin]) > left:
        begin -= 1
    gap = " " if left and width_of(text[:begin]) < left else ""
    if gap:
        begin += 1
    end = min(len(text), begin + width)
    while end > begin and width_of(text[begin:end]) > width - len(gap):
        end -= 1
    return begin, end, gap


class Folds:
    """Which line, and which row of it, stands on each row of the view. Lines come in at the end and go at the front."""

    def __init__(self, *, by_words: bool = False) -> None:
        self.lines: list[TextLine] = []
        self.by_words = by_words
        """Prose is folded between words, a log anywhere."""
        self.widest = 0
        self._starts: list[int] = []
        self._end = 0
        self._width = 0
        """Of a row in cells; 0: lines are not folded."""

    @property
    def is_folded(self) -> bool:
        return self._width > 0

    @property
    def count(self) -> int:
        """Rows in all."""
        if not self._width:
            return len(self.lines)
        return self._end - self._starts[0] if self._starts else 0

    def fold(self, width: int) -> None:
        """Fold at `width` cells, or with 0 not at all."""
        if width == self._width:
            return
        self._width = width
        self._starts, self._end = [], 0
        self._measure(self.lines)

    def replace(self, lines: Sequence[TextLine]) -> None:
        self.lines, self._starts, self._end, self.widest = [], [], 0, 0
        self.extend(lines)

    def extend(self, lines: Sequence[TextLine]) -> None:
        self.lines.extend(lines)
        self._measure(lines)

    def drop(self, count: int) -> int:
        """Forget the first lines; how many rows that was."""
        before = self.count
        del self.lines[:count]
        if self._width:
            del self._starts[:count]
        return before - self.count

    def _measure(self, lines: Sequence[TextLine]) -> None:
        width = self._width
        for line in lines:
            self.widest = max(self.widest, len(line.text) if line.text.isascii() else width_of(line.text))
            if width:
                self._starts.append(self._end)
                self._end += row_count(line.text, self.room(line), self.by_words)

    def room(self, line: TextLine) -> int:
        """Cells a row of this line has for its text when folded."""
        return max(1, self._width - line.lead_width) if line.lead else max(1, self._width)

    def at(self, row: int) -> tuple[int, int]:
        """(line, row within it)."""
        if not self._width:
            return row, 0
        wanted = row + self._starts[0]
        index = bisect_right(self._starts, wanted) - 1
        return index, wanted - self._starts[index]

    def bounds(self, line: int, row: int) -> tuple[int, int]:
        """Which characters of a folded line stand on one of its rows."""
        return row_bounds(self.lines[line].text, self.room(self.lines[line]), row, self.by_words)

    def row_of(self, line: int) -> int:
        """The row on which a line begins."""
        return self._starts[line] - self._starts[0] if self._width else line
