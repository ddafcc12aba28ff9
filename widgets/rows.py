"""What a table is made of: columns, cells, and the arithmetic that fits the one into the width of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from widgets.palette import Cut, width_of


class Cell(NamedTuple):
    """Plain text in a style of `palette.STYLES`; `more` goes on in the same cell in other styles."""

    text: str
    style: str = ""
    more: tuple[Cell, ...] = ()

    @property
    def width(self) -> int:
        own = width_of(self.text)
        return own + sum(c.width for c in self.more) if self.more else own


class Line(NamedTuple):
    """A row that pays no heed to the columns: a cause under its rollout, a heading, a hint. `indent` in cells."""

    cells: tuple[Cell, ...]
    indent: int = 0


Row = tuple[Cell, ...] | Line
"""One cell a column, in the order of the columns, whether the column is shown or not."""


class Column(NamedTuple):
    """`least` and `most` are cells; the content decides. Where there is no room, the column of the highest `rank` goes."""

    name: str
    least: int = 1
    most: int = 40
    rank: int = 0
    grows: bool = False
    """Its least is what it gets when room is short; else what it needs, and as the last column all that is left."""
    step: int = 1
    """Beyond its least it grows by so many cells at a time: a restart's age must not move its neighbours each second."""
    is_right: bool = False
    cut: Cut = Cut.END
    """Of a pod's name both ends tell: which workload, and which of its pods."""
    is_wide: bool = False
    """Shown on request only (Ctrl-w)."""
    is_sortable: bool = True


class Place(NamedTuple):
    """Where a column (by its number) stands: its first cell and its width."""

    column: int
    x: int
    width: int


_EXTRA = 8
"""Columns of this rank and above are shown only where nothing is shortened for them, or where wide was asked for."""
_SOME = 24
_SLACK = 4
"""A column that needs this much less than it has …"""
_PATIENCE = 90
"""… for so many drawings in a row becomes narrower."""


class Widths:
    """The widths of columns: they grow at once and shrink late, so that the eye finds things where they were."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.forget()
        self.hidden: frozenset[int] = frozenset()
        """Columns that are not shown now, whatever the room."""

    def forget(self) -> None:
        """Another screen: what was needed there does not count here."""
        self._needs = [max(c.least, width_of(c.name)) for c in self.columns]
        self._idle = [0] * len(self.columns)

    def learn(self, rows: Sequence[Row]) -> None:
        """Take the needs of the rows that are seen into account."""
        tables = [row for row in rows if not isinstance(row, Line)]
        if not tables:
            return
        for index, column in enumerate(self.columns):
            need = max(column.least, width_of(column.name), *(row[index].width for row in tables))
            need = min(column.least - (column.least - need) // column.step * column.step, column.most)
            has = self._needs[index]
            if need > has:
                self._needs[index] = need
                self._idle[index] = 0
            elif need > has - _SLACK:
                self._idle[index] = 0
            else:
                self._idle[index] += 1
                if self._idle[index] >= _PATIENCE:
                    self._needs[index] = need
                    self._idle[index] = 0

    def places(self, width: int, is_wide: bool, start: int = 1) -> tuple[Place, ...]:
        """The columns that fit into `width` cells, `start` of them kept free on the left."""
        chosen = [i for i, c in enumerate(self.columns) if i not in self.hidden and (is_wide or not c.is_wide)]
        while not is_wide and self._least(chosen, 1, is_easy=True) > width - start:
            goes = max(chosen, key=lambda i: self.columns[i].rank)
            if self.columns[goes].rank < _EXTRA:
                break
            chosen.remove(goes)
        gap = 2 if self._least(chosen, 2, is_easy=True) <= width - start else 1
        while len(chosen) > 1 and self._least(chosen, gap) > width - start:
            goes = max(chosen, key=lambda i: (self.columns[i].rank, i))
            if self.columns[goes].rank == 0:
                break
            chosen.remove(goes)
        spare = max(0, width - start - self._least(chosen, gap))
        places: list[Place] = []
        x = start
        for i in chosen:
            has = self._width(i)
            if self.columns[i].grows:
                has = has + spare if i == chosen[-1] else min(self._needs[i], has + spare)
            has = max(0, min(has, width - x))
            places.append(Place(i, x, has))
            x += has + (1 if has == 1 else gap)
        return tuple(places)

    def _width(self, index: int) -> int:
        column = self.columns[index]
        return column.least if column.grows else self._needs[index]

    def _least(self, chosen: Sequence[int], gap: int, is_easy: bool = False) -> int:
        """What these columns need at least; `is_easy` grants growing ones their need (the last: some of a long text)."""
        least = sum(self._width(i) for i in chosen) + gap * (len(chosen) - 1)
        if not is_easy:
            return least
        needs = {
            i: self._needs[i] if i != chosen[-1] else min(self._needs[i], _SOME) for i in chosen if self.columns[i].grows
        }
        return least + sum(max(0, need - self._width(i)) for i, need in needs.items())
