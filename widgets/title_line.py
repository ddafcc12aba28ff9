"""The top line of a view: which environment this is, what is shown, and how it is doing."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from widgets import palette


class TitleLine(Widget, can_focus=False):
    """Repaints only when something differs. The right part gives way last: it says whether what is shown can be trusted."""

    DEFAULT_CSS = "TitleLine { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._tag = ("", "")
        self._title = ""
        self._right = ("", "")

    def show_tag(self, text: str, style: str) -> None:
        self._change("_tag", (f" {text} " if text else "", style))

    def show_title(self, title: str) -> None:
        self._change("_title", title)

    def show_right(self, text: str, style: str = "quiet") -> None:
        self._change("_right", (text, style))

    def _change(self, name: str, value: object) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        tag, tag_style = self._tag
        right, right_style = self._right
        right = palette.fit(right, min(palette.width_of(right), max(0, width - palette.width_of(tag) - 10)))
        segments = [Segment(palette.shown(tag), base + palette.STYLES[tag_style])]
        room = width - palette.width_of(tag) - palette.width_of(right) - 2
        segments.append(Segment(palette.fit(f" {self._title}", max(0, room)), base + palette.STYLES["title"]))
        segments.append(Segment(f" {right}", base + palette.STYLES[right_style]))
        return Strip(segments).adjust_cell_length(width, base)
