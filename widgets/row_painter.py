"""Turns a table's rows into segments: cells in their columns, the cursor's sign, and the row under the cursor lit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style

from widgets import palette
from widgets.rows import Cell, Column, Line, Place, Row

EDGE = 1
"""The cell on the left that the cursor's sign stands in."""
_KEPT_WHEN_LIT = ("bad", "warn")
"""Colours that warn; the others would only make the cursor's row hard to read."""


class RowPainter:
    """`base` is the style of the widget that is painted: another one, another painter."""

    def __init__(self, base: Style) -> None:
        self._base = base
        self._styles: dict[tuple[str, bool], Style] = {}

    def style(self, name: str, is_lit: bool = False) -> Style:
        style = self._styles.get((name, is_lit))
        if style is None:
            if is_lit:
                style = self.style(name if name in _KEPT_WHEN_LIT else "") + Style(reverse=True)
            else:
                style = self._base + palette.STYLES[name]
            self._styles[name, is_lit] = style
        return style

    def titles(
        self, columns: Sequence[Column], places: Iterable[Place], sorted_by: int | None, is_descending: bool
    ) -> list[Segment]:
        quiet = self.style("column")
        segments = [Segment(" " * EDGE, quiet)]
        end = EDGE
        for place in places:
            name = columns[place.column].name
            if place.column == sorted_by:
                name += palette.signs.descending if is_descending else palette.signs.ascending
            text = palette.fit(name, place.width, to_right=columns[place.column].is_right)
            segments.append(Segment(" " * (place.x - end) + text, quiet))
            end = place.x + place.width
        return segments

    def note(self, text: str, style: str, width: int) -> list[Segment]:
        """What is said in a table without rows."""
        return [Segment(" " + palette.fit(text, max(0, width - 2)), self.style(style))]

    def row(
        self, row: Row, columns: Sequence[Column], places: Iterable[Place], width: int, sign: tuple[str, str], is_lit: bool
    ) -> list[Segment]:
        """`sign` is the text and style of what stands on the left edge."""
        segments = [Segment(sign[0], self.style(sign[1]))]
        if isinstance(row, Line):
            segments.append(Segment(" " * row.indent, self.style("")))
            segments += self._run(row.cells, width - EDGE - row.indent, is_lit)
            return segments
        end = EDGE
        for place in places:
            if place.x > end:
                segments.append(Segment(" " * (place.x - end), self.style("", is_lit)))
            segments += self._cell(row[place.column], columns[place.column], place.width, is_lit)
            end = place.x + place.width
        if is_lit and end < width:
            segments.append(Segment(" " * (width - end), self.style("", is_lit)))
        return segments

    def _cell(self, cell: Cell, column: Column, width: int, is_lit: bool) -> list[Segment]:
        if not cell.more:
            text = palette.fit(cell.text, width, column.cut, column.is_right)
            return [Segment(text, self.style(cell.style, is_lit))]
        segments = self._run((Cell(cell.text, cell.style), *cell.more), width, is_lit)
        room = width - sum(palette.width_of(segment.text) for segment in segments)
        segments.append(Segment(" " * room, self.style("", is_lit)))
        return segments

    def _run(self, cells: Iterable[Cell], room: int, is_lit: bool) -> list[Segment]:
        """One after the other, until the room is used up."""
        segments = []
        for cell in cells:
            text = palette.fit(cell.text, max(0, min(room, palette.width_of(palette.shown(cell.text)))))
            room -= palette.width_of(text)
            if text:
                segments.append(Segment(text, self.style(cell.style, is_lit)))
        return segments
