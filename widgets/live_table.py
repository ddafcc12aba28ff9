"""A table for rows that change all the time: only what is seen is worked out, only the cells that differ are drawn.

Textual's DataTable keeps and measures every cell; 5,000 rows at 200 changes a second are not for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets import palette
from widgets.row_painter import EDGE, RowPainter
from widgets.rows import Column, Line, Place, Row, Widths

Key = TypeVar("Key", bound=Hashable)


class LiveTable(Widget, Generic[Key], can_focus=True):
    """`set_rows` gives it the keys of all rows, in order, and a function that makes one row; the rest is its own work.

    The cursor holds on to a row's key, not to a place: it goes with its row when the order changes, and to the neighbour
    when its row is gone. Until somebody moves it, it stays on the first row.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="table.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="table.up"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("g,home", "first", "First", show=False, id="table.first"),
        Binding("G,end", "last", "Last", show=False, id="table.last"),
        Binding("enter", "choose", "In", show=False, id="table.choose"),
        Binding("right", "open", "Open", show=False, id="table.open"),
        Binding("left", "close", "Close", show=False, id="table.close"),
    ]

    class _About(Message):
        def __init__(self, table: LiveTable[Any], key: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key
            """Of the table's own kind of key."""

        @property
        def control(self) -> LiveTable[Any]:
            return self.table

    class CursorMoved(_About):
        """The cursor is on another row, by a key or because its row went."""

    class RowChosen(_About):
        """Enter, or a second click."""

    class RowOpened(_About):
        """The right arrow."""

    class RowClosed(_About):
        """The left arrow."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        is_selectable: Callable[[Key], bool] | None = None,
        has_titles: bool = True,
    ) -> None:
        super().__init__()
        self._head = 1 if has_titles else 0
        self.leads = False
        """Other panes follow its cursor: it is marked as strongly without the focus."""
        self._widths = Widths(columns)
        self._keys: Sequence[Key] = ()
        self._row: Callable[[Key], Row] = lambda _key: ()
        self._is_selectable = is_selectable or (lambda _key: True)
        self._empty: tuple[str, ...] = ()
        self._is_empty = True
        self._places: tuple[Place, ...] = ()
        self._seen: list[Row] = []
        self._top = 0
        self._at = 0
        self._marked = 0
        self._cursor: Key | None = None
        self._is_placed = False
        self._is_wide = False
        self._sorted_by: int | None = None
        self._is_descending = False
        self._painter: RowPainter | None = None

    # What it is told

    def set_rows(self, keys: Sequence[Key], row: Callable[[Key], Row], *, empty: Sequence[str] = ()) -> None:
        """`keys` may be the same sequence, changed in place. `empty` is said where there is none: what, then what next."""
        was_empty, self._is_empty = self._is_empty, not keys
        self._keys, self._row = keys, row
        is_said_anew, self._empty = tuple(empty) != self._empty, tuple(empty)
        if was_empty != self._is_empty or (self._is_empty and is_said_anew):
            self.refresh()
        self._hold_cursor()
        self._update()

    def set_columns(self, columns: Sequence[Column]) -> None:
        self._widths = Widths(columns)
        self._seen = []
        self._places = ()
        self._update()

    def hide_columns(self, indices: Collection[int]) -> None:
        """These are not shown, whatever the room."""
        if frozenset(indices) != self._widths.hidden:
            self._widths.hidden = frozenset(indices)
            self._update()

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._widths.columns

    @property
    def is_wide(self) -> bool:
        return self._is_wide

    @is_wide.setter
    def is_wide(self, wanted: bool) -> None:
        self._is_wide = wanted
        self._update()

    def mark_sort(self, column: int | None, is_descending: bool) -> None:
        """Show in the titles by which column the rows have been sorted; sorting is its owner's."""
        self._sorted_by, self._is_descending = column, is_descending
        if self._head:
            self.refresh(Region(0, 0, self.size.width, 1))

    # What it knows

    @property
    def cursor(self) -> Key | None:
        """The key of the row under the cursor; None in an empty table."""
        return self._cursor

    @property
    def is_placed(self) -> bool:
        """Somebody has moved the cursor."""
        return self._is_placed

    @property
    def room(self) -> int:
        """How many rows can be seen at once."""
        return max(0, self.size.height - self._head)

    @property
    def shown_columns(self) -> tuple[int, ...]:
        """Indices of the columns that have room."""
        return tuple(place.column for place in self._places)

    @property
    def last_column_room(self) -> int:
        """The width of the column furthest to the right; 0 before anything has been drawn."""
        return self._places[-1].width if self._places else 0

    @property
    def hidden_below(self) -> int:
        return max(0, len(self._keys) - self._top - self.room)

    @property
    def keys(self) -> Sequence[Key]:
        return self._keys

    @property
    def visible_keys(self) -> Sequence[Key]:
        return self._keys[self._top : self._top + self.room]

    def move_to(self, key: Key) -> None:
        """Put the cursor on a row; nothing happens where there is no such row."""
        index = self._find(key)
        if index is not None:
            self._go(index)

    def follow_first(self) -> None:
        """As if nobody had moved the cursor yet."""
        self._is_placed = False
        self._hold_cursor()
        self._update()

    # The cursor

    def _find(self, key: Key) -> int | None:
        keys, count = self._keys, len(self._keys)
        for index in range(max(0, self._at - 2), min(count, self._at + 3)):
            if keys[index] == key:
                return index
        try:
            return keys.index(key)
        except ValueError:
            return None

    def _hold_cursor(self) -> None:
        """Find the cursor's row in the new order, and keep it at the same height on the screen."""
        if not self._keys:
            self._top = self._at = 0
            self._set_cursor(None)
            return
        if not self._is_placed or self._cursor is None:
            self._top = 0
            self._at = self._nearest(0, 1) or 0
        else:
            found = self._find(self._cursor)
            if found is None:
                near = min(self._at, len(self._keys) - 1)
                found = self._nearest(near, 1)
                if found is None:
                    found = self._nearest(near, -1) or 0
            self._top += found - self._at if self._top else 0
            self._at = found
        self._keep_in_view()
        self._set_cursor(self._keys[self._at])

    def _nearest(self, index: int, step: int) -> int | None:
        while 0 <= index < len(self._keys):
            if self._is_selectable(self._keys[index]):
                return index
            index += step
        return None

    def _keep_in_view(self) -> None:
        room = max(1, self.room)
        if self._at < self._top:
            self._top = self._at
        elif self._at >= self._top + room:
            self._top = self._at - room + 1
        self._top = max(0, min(self._top, len(self._keys) - room))

    def _set_cursor(self, key: Key | None) -> None:
        if key == self._cursor:
            return
        self._cursor = key
        if key is not None and self.is_attached:
            self.post_message(self.CursorMoved(self, key))

    def _go(self, index: int, step: int = 1) -> None:
        if not self._keys:
            return
        wanted = max(0, min(index, len(self._keys) - 1))
        found = self._nearest(wanted, step)
        if found is None:
            found = self._nearest(wanted, -step)
        if found is None:
            return
        self._is_placed = True
        before, top = self._at, self._top
        self._at = found
        if found == self._nearest(0, 1):
            self._top = 0
        self._keep_in_view()
        self._set_cursor(self._keys[found])
        self._marked = self._at - self._top
        if top != self._top:
            self._update(scrolled=True)
        else:
            self._refresh_row(before)
            self._refresh_row(found)

    def action_move(self, count: int) -> None:
        self._go(self._at + count, 1 if count > 0 else -1)

    def action_page(self, count: int) -> None:
        self._go(self._at + count * max(1, self.room - 1), 1 if count > 0 else -1)

    def action_first(self) -> None:
        self._go(0)
        self._is_placed = False

    def action_last(self) -> None:
        self._go(len(self._keys) - 1, -1)

    def action_choose(self) -> None:
        if self._cursor is not None:
            self.post_message(self.RowChosen(self, self._cursor))

    def action_open(self) -> None:
        if self._cursor is not None:
            self.post_message(self.RowOpened(self, self._cursor))

    def action_close(self) -> None:
        if self._cursor is not None:
            self.post_message(self.RowClosed(self, self._cursor))

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - self._head
        if event.y < self._head or index >= len(self._keys):
            return
        if index == self._at and self.has_focus:
            self.action_choose()
        else:
            self._go(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-3)

    def _scroll(self, count: int) -> None:
        top = max(0, min(self._top + count, len(self._keys) - self.room))
        if top == self._top:
            return
        self._top = top
        self._at = max(top, min(self._at, top + max(0, self.room - 1)))
        self._go(self._at, 1 if count > 0 else -1)
        self._update(scrolled=True)

    def on_focus(self) -> None:
        self._refresh_row(self._at)

    def on_blur(self) -> None:
        self._refresh_row(self._at)

    def on_resize(self) -> None:
        self._places = ()
        self._widths.forget()
        self._keep_in_view()
        self._update(scrolled=True)

    # What is drawn

    def _update(self, scrolled: bool = False) -> None:
        """Work out the rows that are seen, and have redrawn what is not as it was."""
        width = self.size.width
        if not width or not self.is_attached:
            return
        rows = [self._row(key) for key in self.visible_keys]
        self._widths.learn(rows)
        places = self._widths.places(width, self._is_wide, EDGE)
        before, self._seen = self._seen, rows
        if places != self._places or scrolled:
            self._places = places
            self.refresh()
            return
        marks = self._at - self._top
        if marks != self._marked:
            self._refresh_row(self._top + self._marked)
            self._refresh_row(self._at)
        self._marked = marks
        for y in range(max(len(before), len(rows))):
            old = before[y] if y < len(before) else None
            new = rows[y] if y < len(rows) else None
            if old != new:
                self._refresh_cells(y + self._head, old, new)

    def _refresh_cells(self, y: int, old: Row | None, new: Row | None) -> None:
        if old is None or new is None or isinstance(old, Line) or isinstance(new, Line):
            self.refresh(Region(0, y, self.size.width, 1))
            return
        regions = [Region(p.x, y, p.width, 1) for p in self._places if old[p.column] != new[p.column] and p.width]
        if regions:
            self.refresh(*regions)

    def _refresh_row(self, index: int) -> None:
        self.refresh(Region(0, index - self._top + self._head, self.size.width, 1))

    def notify_style_update(self) -> None:
        self._painter = None
        super().notify_style_update()

    @property
    def painter(self) -> RowPainter:
        if self._painter is None:
            self._painter = RowPainter(self.rich_style)
        return self._painter

    def render_line(self, y: int) -> Strip:
        width, painter = self.size.width, self.painter
        if not self._keys:
            segments = painter.note(self._empty[y], "quiet" if y else "", width) if y < len(self._empty) else []
        elif y < self._head:
            segments = painter.titles(self.columns, self._places, self._sorted_by, self._is_descending)
        elif y < len(self._seen) + self._head:
            number = y - self._head
            is_cursor = self._top + number == self._at
            is_lit = is_cursor and self.has_focus
            mark = palette.signs.cursor if is_cursor and self._is_on_selectable else " "
            sign = (mark, "accent" if is_lit or self.leads else "quiet")
            segments = painter.row(self._seen[number], self.columns, self._places, width, sign, is_lit)
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, painter.style(""))

    @property
    def _is_on_selectable(self) -> bool:
        return self._cursor is not None and self._is_selectable(self._cursor)
