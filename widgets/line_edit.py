"""A line of text that is being typed, and where in it the cursor stands: what the keys of a shell's line do to it."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events

from domain.sanitise import sanitise
from widgets import palette

_CURSOR = Style(reverse=True)


class LineEdit:
    """Only ever holds one line that is safe to show. `longest` is in characters."""

    def __init__(self, text: str = "", *, longest: int = 300) -> None:
        self._longest = longest
        self.text = sanitise(text, longest)
        self.at = len(self.text)

    def set(self, text: str) -> None:
        self.text = sanitise(text, self._longest)
        self.at = len(self.text)

    def insert(self, text: str) -> None:
        text = sanitise(text, self._longest)[: max(0, self._longest - len(self.text))]
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def take(self, event: events.Key) -> bool:
        """Whether the key was one that edits or moves."""
        edit = _EDITS.get(event.key)
        if edit is not None:
            edit(self)
        elif event.is_printable and event.character is not None:
            self.insert(event.character)
        else:
            return False
        return True

    def cut(self, begin: int, end: int) -> None:
        begin = max(0, begin)
        self.text = self.text[:begin] + self.text[end:]
        self.at = begin

    def go(self, at: int) -> None:
        self.at = max(0, min(at, len(self.text)))

    @property
    def word_left(self) -> int:
        return self.text[: self.at].rstrip().rfind(" ") + 1

    def segments(self, width: int, style: Style, *, has_cursor: bool) -> list[Segment]:
        """In exactly `width` cells; with the cursor in sight, or without one from the beginning on."""
        if width <= 0:
            return []
        if not has_cursor:
            return [Segment(palette.fit(self.text, width), style)]
        before, under, after = self.text[: self.at], self.text[self.at : self.at + 1] or " ", self.text[self.at + 1 :]
        while palette.width_of(before) + palette.width_of(under) > width and before:
            before = before[max(1, (palette.width_of(before) + palette.width_of(under) - width) // 2) :]
        room = width - palette.width_of(before) - palette.width_of(under)
        return [
            Segment(palette.shown(before), style),
            Segment(palette.shown(under), style + _CURSOR),
            Segment(palette.fit(after, max(0, room)), style),
        ]


_EDITS: dict[str, Callable[[LineEdit], None]] = {
    "left": lambda line: line.go(line.at - 1),
    "right": lambda line: line.go(line.at + 1),
    "home": lambda line: line.go(0),
    "ctrl+a": lambda line: line.go(0),
    "end": lambda line: line.go(len(line.text)),
    "ctrl+e": lambda line: line.go(len(line.text)),
    "backspace": lambda line: line.cut(line.at - 1, line.at),
    "ctrl+h": lambda line: line.cut(line.at - 1, line.at),
    "delete": lambda line: line.cut(line.at, line.at + 1),
    "ctrl+w": lambda line: line.cut(line.word_left, line.at),
    "ctrl+u": lambda line: line.cut(0, line.at),
    "ctrl+k": lambda line: line.cut(line.at, len(line.text)),
}
