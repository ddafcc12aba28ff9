"""A long text of which only the lines that are seen are ever drawn: logs, descriptions, YAML, help.

Textual's RichLog keeps rendered strips of everything and Log cannot take lines away at the front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets import palette
from widgets.text_lines import Folds, Span, Styler, TextLine, cut, sideways

STYLES: dict[str, Style] = {
    **palette.STYLES,
    "found": Style(color="black", bgcolor="yellow"),
    "found_here": Style(color="black", bgcolor="cyan", bold=True),
    "pod0": Style(color="cyan"),
    "pod1": Style(color="magenta"),
    "pod2": Style(color="blue"),
    "pod3": Style(color="bright_cyan"),
    "pod4": Style(color="bright_magenta"),
    "pod5": Style(color="bright_blue"),
}
POD_STYLES = tuple(name for name in STYLES if name.startswith("pod"))
_SIDE_STEP = 8
_MOST_MATCHES = 10_000


class TextView(Widget, can_focus=True):
    """`set_lines` or `add_lines`; `is_following` keeps the end in view until somebody scrolls up."""

    DEFAULT_CSS = "TextView { height: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="text.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="text.up"),
        Binding("ctrl+f,pagedown,space", "page(1)", "Page down", show=False, id="text.page_down"),
        Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False, id="text.page_up"),
        Binding("g,home", "first", "Beginning", show=False, id="text.first"),
        Binding("G,end", "last", "End", show=False, id="text.last"),
        Binding("left", f"side({-_SIDE_STEP})", "Left", show=False, id="text.left"),
        Binding("right", f"side({_SIDE_STEP})", "Right", show=False, id="text.right"),
    ]

    class Moved(Message):
        """Scrolled, or following began or ended."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, TextView.Moved)

    def __init__(
        self,
        *,
        empty: Sequence[str] = (),
        styler: Styler | None = None,
        is_wrapped: bool = False,
        by_words: bool = False,
        follows: bool = False,
    ) -> None:
        super().__init__()
        self._folds = Folds(by_words=by_words)
        self._empty = tuple(empty)
        self._styler = styler
        self._is_wrapped = is_wrapped
        self._follows = follows
        self._is_following = follows
        self._top = 0
        self._left = 0
        self._missed = 0
        self._pattern: re.Pattern[str] | None = None
        self._found: list[tuple[int, int, int]] = []
        self._found_at = -1

    # What it is told

    def set_lines(self, lines: Sequence[TextLine]) -> None:
        """Other lines; the place stays as far as it can, and nothing is drawn where nothing differs."""
        if len(lines) == len(self._folds.lines) and all(a == b for a, b in zip(lines, self._folds.lines, strict=True)):
            return
        self._folds.replace(lines)
        self._missed = 0
        self._search_again()
        self._settle()
        self.refresh()

    def add_lines(self, lines: Sequence[TextLine]) -> None:
        if not lines:
            return
        rows, was_full = self._folds.count, self._folds.count - self._top >= self.size.height
        self._folds.extend(lines)
        if self._is_following:
            self._settle()
            self.refresh()
            return
        self._missed += len(lines)
        if rows == 0 or not was_full:
            self.refresh()

    def drop_lines(self, count: int) -> None:
        """Forget lines at the beginning; what is seen stays where it is."""
        if count <= 0:
            return
        rows = self._folds.drop(count)
        if self._found:
            self._found = [(line - count, begin, end) for line, begin, end in self._found if line >= count]
            self._found_at = -1
        top = self._top
        self._top = max(0, top - rows)
        if self._is_following or rows > top:
            self.refresh()

    def say_empty(self, lines: Sequence[str]) -> None:
        """What stands there while there are no lines: what, then what next."""
        if tuple(lines) != self._empty:
            self._empty = tuple(lines)
            if not self._folds.lines:
                self.refresh()

    @property
    def is_wrapped(self) -> bool:
        return self._is_wrapped

    @is_wrapped.setter
    def is_wrapped(self, wanted: bool) -> None:
        if wanted == self._is_wrapped:
            return
        line = self._folds.at(self._top)[0] if self._folds.count else 0
        self._is_wrapped = wanted
        self._left = 0
        self._fold()
        self._top = self._folds.row_of(line) if self._folds.count else 0
        self._settle()
        self.refresh()

    # What it knows

    @property
    def lines(self) -> Sequence[TextLine]:
        return self._folds.lines

    @property
    def is_following(self) -> bool:
        return self._is_following

    @is_following.setter
    def is_following(self, wanted: bool) -> None:
        if wanted == self._is_following:
            return
        self._is_following = wanted
        self._missed = 0
        if wanted:
            self._settle()
            self.refresh()
        self.post_message(self.Moved())

    @property
    def missed(self) -> int:
        """Lines that came in since it stopped following."""
        return self._missed

    @property
    def place(self) -> str:
        """Where in the text this is: "all", "top", "end" or a percentage."""
        if self._folds.count <= self.size.height:
            return "all"
        if self._top == 0:
            return "top"
        return "end" if self._top >= self._last_top else f"{100 * self._top // self._last_top} %"

    # Searching

    def search(self, text: str) -> int:
        """Mark every match, go to the first one from here, say how many. Upper-case letters make the case count."""
        flags = 0 if text != text.lower() else re.IGNORECASE
        self._pattern = re.compile(re.escape(text), flags) if text else None
        self._search_again()
        top_line = self._folds.at(self._top)[0] if self._folds.count else 0
        after = [i for i, (line, _, _) in enumerate(self._found) if line >= top_line]
        self._found_at = after[0] if after else (0 if self._found else -1)
        self._show_match()
        self.refresh()
        return len(self._found)

    def next_match(self, step: int) -> tuple[int, int]:
        """Go on to another match, around the end; (which one, of how many), counted from 1."""
        if self._found:
            self._found_at = (self._found_at + step) % len(self._found)
            self._show_match()
            self.refresh()
        return self._found_at + 1, len(self._found)

    @property
    def match_place(self) -> tuple[int, int]:
        return self._found_at + 1, len(self._found)

    def _search_again(self) -> None:
        self._found = []
        if self._pattern is None:
            self._found_at = -1
            return
        for index, line in enumerate(self._folds.lines):
            self._found += [(index, m.start(), m.end()) for m in self._pattern.finditer(line.text)]
            if len(self._found) >= _MOST_MATCHES:
                break
        self._found_at = min(self._found_at, len(self._found) - 1)

    def _show_match(self) -> None:
        if self._found_at < 0:
            return
        index, begin, end = self._found[self._found_at]
        line = self._folds.lines[index]
        row, height = self._folds.row_of(index), max(1, self.size.height)
        if self._folds.is_folded:
            row += begin // self._folds.room(line)
        else:
            room = max(1, self.size.width - line.lead_width)
            if not self._left <= begin or end > self._left + room:
                self._left = max(0, end - room + _SIDE_STEP) if end > room else 0
        if not self._top <= row < self._top + height:
            self._go_to(row - height // 3)

    # Moving

    def reveal(self, line: int) -> None:
        """Bring a line into sight, with what stands below it where there is room."""
        if not 0 <= line < len(self._folds.lines):
            return
        row, height = self._folds.row_of(line), max(1, self.size.height)
        if not self._top <= row < self._top + height - 2:
            self._go_to(row - height * 2 // 3)

    @property
    def _last_top(self) -> int:
        return max(0, self._folds.count - max(1, self.size.height))

    def _settle(self) -> None:
        """After the text, the size or the folding changed."""
        self._top = self._last_top if self._is_following else max(0, min(self._top, self._last_top))

    def _go_to(self, top: int) -> None:
        top = max(0, min(top, self._last_top))
        following = self._follows and top >= self._last_top and (top > self._top or self._is_following)
        if top != self._top:
            self._top = top
            self.refresh()
        if following != self._is_following:
            self.is_following = following
        self.post_message(self.Moved())

    def action_move(self, count: int) -> None:
        self._go_to(self._top + count)

    def action_page(self, count: int) -> None:
        self._go_to(self._top + count * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._go_to(0)

    def action_last(self) -> None:
        self._go_to(self._last_top)
        if self._follows:
            self.is_following = True

    def action_side(self, cells: int) -> None:
        most = max(0, self._folds.widest - self.size.width // 2)
        left = 0 if self._folds.is_folded else max(0, min(self._left + cells, most))
        if left != self._left:
            self._left = left
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go_to(self._top + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go_to(self._top - 3)

    def on_resize(self) -> None:
        self._fold()
        self._settle()
        self.refresh()

    def _fold(self) -> None:
        self._folds.fold(max(1, self.size.width) if self._is_wrapped else 0)

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        row = self._top + y
        if not self._folds.lines:
            return self._empty_line(y, width, base)
        if row >= self._folds.count:
            return Strip.blank(width, base)
        index, part = self._folds.at(row)
        line = self._folds.lines[index]
        segments = self._lead(line, part, base)
        room = max(1, width - line.lead_width)
        text, gap = line.text, ""
        if self._folds.is_folded:
            begin, end = self._folds.bounds(index, part)
        else:
            begin, end, gap = sideways(text, self._left, room)
        if gap:
            segments.append(Segment(gap, base))
        segments += cut(text, begin, end, base + STYLES[line.style], self._spans(index, text), STYLES)
        if palette.is_ascii():
            segments = [Segment(palette.shown(s.text), s.style) for s in segments]
        return Strip(segments).adjust_cell_length(width, base)

    def _lead(self, line: TextLine, part: int, base: Style) -> list[Segment]:
        if part:
            return [Segment(" " * line.lead_width, base)]
        return [Segment(text, base + STYLES[name]) for text, name in line.lead]

    def _spans(self, index: int, text: str) -> Sequence[Span]:
        spans: list[Span] = list(self._styler(text)) if self._styler else []
        if self._pattern is not None:
            here = self._found[self._found_at] if self._found_at >= 0 else None
            for match in self._pattern.finditer(text):
                is_here = here == (index, match.start(), match.end())
                spans.append((match.start(), match.end(), "found_here" if is_here else "found"))
        return spans

    def _empty_line(self, y: int, width: int, base: Style) -> Strip:
        at = y - max(0, self.size.height // 3)
        if not 0 <= at < len(self._empty):
            return Strip.blank(width, base)
        text = palette.shown(self._empty[at])
        pad = " " * max(1, (width - palette.width_of(text)) // 2)
        return Strip([Segment(pad + text, base + STYLES["quiet" if at else "strong"])]).adjust_cell_length(width, base)
