"""A pane that is a table: what filtering, sorting, faults-only and wide mean is the same in all of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult

from domain.filters import Filter, parse_filter
from widgets import palette
from widgets.live_table import LiveTable
from widgets.pane import Pane
from widgets.rows import Column

Key = TypeVar("Key", bound=Hashable)


class TablePane(Pane, Generic[Key]):
    """Subclasses give `columns` and fill `table` in `show`; `rearranged` is called when order or filter are others."""

    columns: ClassVar[tuple[Column, ...]]
    has_titles: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.table: LiveTable[Key] = LiveTable(self.columns, is_selectable=self.is_selectable, has_titles=self.has_titles)
        self.filter = Filter()
        self.is_faults_only = False
        self.sorted_by: int | None = None
        """A column's index; None is the pane's own order."""
        self.is_descending = False

    def compose(self) -> ComposeResult:
        yield self.table

    def is_selectable(self, key: Key) -> bool:
        return True

    def rearranged(self) -> None:
        """Work the order out anew; the rows are drawn right after."""

    # What the person asks for

    def narrow(self, text: str) -> None:
        self.filter = parse_filter(text)
        self._rearrange()

    def toggle_faults(self) -> None:
        self.is_faults_only = not self.is_faults_only
        self._rearrange()

    def toggle_wide(self) -> None:
        self.table.is_wide = not self.table.is_wide
        self.redraw()

    def sort_by_next(self, step: int) -> None:
        """The next column's order; beyond the last one comes the pane's own order again."""
        choices: list[int | None] = [None, *(i for i in self.table.shown_columns if self.columns[i].is_sortable)]
        at = choices.index(self.sorted_by) if self.sorted_by in choices else 0
        self.sorted_by = choices[(at + step) % len(choices)]
        self.is_descending = False
        self._rearrange()

    def sort_descending(self, is_descending: bool) -> None:
        if self.sorted_by is not None and self.is_descending != is_descending:
            self.is_descending = is_descending
            self._rearrange()

    def _rearrange(self) -> None:
        self.table.mark_sort(self.sorted_by, self.is_descending)
        self.rearranged()
        self.redraw()

    @property
    def is_narrowed(self) -> bool:
        return bool(self.filter) or self.is_faults_only

    def narrowing(self) -> str:
        """What is left out, in the words it was asked for: it must never be forgotten that something is hidden."""
        parts = []
        if self.is_faults_only:
            parts.append("faults only")
        if self.filter:
            parts.append(f"/{self.filter.text}")
        if self.sorted_by is not None:
            order = "largest first" if self.is_descending else "smallest first"
            parts.append(f"by {self.columns[self.sorted_by].name}, {order}")
        return f" {palette.signs.dot} ".join(parts)

    def widening(self) -> str:
        below = self.table.hidden_below
        return f"{below:,} more below" if below else ""

    def captioned(self, *parts: str) -> str:
        return f" {palette.signs.dot} ".join(part for part in (*parts, self.narrowing()) if part)
