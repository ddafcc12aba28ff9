"""The one line to type in: `:` commands with completion and history, and the `/` filter. Keys typed here never act."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from domain.sanitise import sanitise
from widgets import palette
from widgets.messages import CommandEntered, FilterChanged, LineClosed

MOST_HISTORY = 100
_LONGEST = 512
_CURSOR = Style(reverse=True)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that may be typed after the colon; `takes` names the candidates for what follows it, "" for none."""

    word: str
    help: str
    takes: str = ""


class CommandLine(Widget, can_focus=True):
    """Hidden until `open_command` or `open_filter`. Posts CommandEntered, FilterChanged and LineClosed."""

    DEFAULT_CSS = """
    CommandLine { height: 1; dock: bottom; display: none; }
    CommandLine.-open { display: block; }
    """

    def __init__(self, words: Sequence[Word] = (), *, history: list[str] | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self.candidates: Mapping[str, Sequence[str]] = {}
        """By the name in `Word.takes`: what can be completed after such a word."""
        self._words = {w.word: w for w in words}
        self._history = [] if history is None else history
        self._prefix = ":"
        self._text = ""
        self._at = 0
        self._recalled = 0
        self._kept = ""
        self._trouble = ""
        self._mended = ""
        self._focused_before: Widget | None = None

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def text(self) -> str:
        return self._text

    def open_command(self, text: str = "") -> None:
        self._open(":", text)

    def open_filter(self, text: str = "") -> None:
        self._open("/", text)

    def close(self) -> None:
        if not self.is_open:
            return
        self.remove_class("-open")
        before = self._focused_before
        if before is not None and before.is_attached and before.focusable:
            before.focus(scroll_visible=False)
        else:
            self.blur()
        self.post_message(LineClosed())

    def _open(self, prefix: str, text: str) -> None:
        if not self.is_open:
            self._focused_before = self.screen.focused
        self._prefix, self._recalled, self._kept = prefix, len(self._history), ""
        self._set(text)
        self.add_class("-open")
        self.focus(scroll_visible=False)

    def _set(self, text: str, at: int | None = None) -> None:
        self._text = text[:_LONGEST]
        self._at = len(self._text) if at is None else max(0, min(at, len(self._text)))
        self._trouble = self._mended = ""
        self.refresh()

    # What can be completed

    def completions(self) -> tuple[str, ...]:
        """Whole texts that begin with what stands left of the cursor; the first one is shown as a ghost."""
        if self._prefix != ":" or self._at != len(self._text) or not self._text:
            return ()
        head, space, tail = self._text.partition(" ")
        if not space:
            return tuple(w for w in self._words if w.startswith(head) and w != head)
        word = self._words.get(head)
        names = self.candidates.get(word.takes, ()) if word is not None and word.takes else ()
        return tuple(f"{head} {name}" for name in names if name.startswith(tail) and name != tail)

    def _complete(self) -> None:
        found = self.completions()
        if self._mended:
            self._type_over(self._mended)
        elif found:
            self._type_over(found[0])
        elif (word := self._words.get(self._text)) is not None and word.takes:
            self._type_over(self._text + " ")

    def _type_over(self, text: str) -> None:
        self._set(text)
        self._say_changed()

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key, so that not even an ancestor's priority binding acts while a person is typing."""
        return True

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        edit = _EDITS.get(event.key)
        if edit is not None:
            edit(self)
        elif event.is_printable and event.character is not None:
            self._insert(event.character)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._insert(event.text.strip("\r\n"))

    def _insert(self, text: str) -> None:
        text = sanitise(text, _LONGEST)
        self._set(self._text[: self._at] + text + self._text[self._at :], self._at + len(text))
        self._say_changed()

    def _cut(self, begin: int, end: int) -> None:
        begin = max(0, begin)
        self._set(self._text[:begin] + self._text[end:], begin)
        self._say_changed()

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._text)))
        self.refresh()

    def _right(self) -> None:
        if self._at == len(self._text):
            self._complete()
        else:
            self._go(self._at + 1)

    def _backspace(self) -> None:
        if self._text:
            self._cut(self._at - 1, self._at)
        else:
            self._leave()

    def _word_left(self) -> int:
        return self._text[: self._at].rstrip().rfind(" ") + 1

    def _recall(self, step: int) -> None:
        if self._prefix != ":":
            return
        if self._recalled == len(self._history):
            self._kept = self._text
        self._recalled = max(0, min(self._recalled + step, len(self._history)))
        self._set(self._kept if self._recalled == len(self._history) else self._history[self._recalled])

    def _say_changed(self) -> None:
        if self._prefix == "/":
            self.post_message(FilterChanged(self._text))

    def _leave(self) -> None:
        if self._prefix == "/":
            self.post_message(FilterChanged("", is_done=True))
        self.close()

    def _enter(self) -> None:
        if self._prefix == "/":
            self.post_message(FilterChanged(self._text, is_done=True))
            self.close()
            return
        word, _, argument = self._text.strip().partition(" ")
        if not word:
            self.close()
        elif word in self._words:
            self._remember()
            self.close()
            self.post_message(CommandEntered(word, argument.strip()))
        else:
            self._say_unknown(word, argument)

    def _remember(self) -> None:
        text = self._text.strip()
        if text in self._history:
            self._history.remove(text)
        self._history.append(text)
        del self._history[:-MOST_HISTORY]

    def _say_unknown(self, word: str, argument: str) -> None:
        near = difflib.get_close_matches(word.lower(), self._words, n=1, cutoff=0.5)
        self._trouble = f"No command “{word}”."
        if near:
            self._mended = f"{near[0]} {argument}".strip()
            self._trouble += f" Did you mean “{near[0]}”? Tab takes it."
        self.refresh()

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        quiet = base + palette.STYLES["quiet"]
        found = self.completions()
        ghost = found[0][len(self._text) :] if found else ""
        # One cell stands free at the end for the cursor.
        before, under, after = self._text[: self._at], self._text[self._at : self._at + 1], self._text[self._at + 1 :]
        if not under:
            under, ghost = ghost[:1] or " ", ghost[1:]
        typed = [
            Segment(self._prefix, base + palette.STYLES["accent"]),
            Segment(before, base),
            Segment(under, base + _CURSOR),
            Segment(after, base),
            Segment(ghost, quiet),
        ]
        cursor_end = 1 + palette.width_of(before) + palette.width_of(under)
        left = max(0, cursor_end - width)
        length = sum(palette.width_of(s.text) for s in typed)
        hint, hint_style = self._hint(found)
        room = width - length - 2
        if hint and room >= 8:
            typed.append(
                Segment("  " + palette.fit(hint, min(room, palette.width_of(hint))), base + palette.STYLES[hint_style])
            )
        return Strip(typed).crop_extend(left, left + width, base)

    def _hint(self, found: tuple[str, ...]) -> tuple[str, str]:
        if self._trouble:
            return self._trouble, "warn"
        if self._prefix == "/":
            return ("", "") if self._text else ("text  !not  -l label=value  -f fuzzy   Enter keeps, Esc clears", "quiet")
        word = self._words.get(self._text.partition(" ")[0])
        if word is not None and len(found) <= 1:
            return word.help, "quiet"
        if not self._text:
            return "a command; Tab completes, Up recalls, Esc leaves", "quiet"
        return "  ".join(text.rpartition(" ")[2] for text in found), "quiet"


_EDITS: dict[str, Callable[[CommandLine], None]] = {
    "escape": CommandLine._leave,
    "ctrl+c": CommandLine._leave,
    "enter": CommandLine._enter,
    "tab": CommandLine._complete,
    "right": CommandLine._right,
    "left": lambda line: line._go(line._at - 1),
    "home": lambda line: line._go(0),
    "ctrl+a": lambda line: line._go(0),
    "end": lambda line: line._go(len(line._text)),
    "ctrl+e": lambda line: line._go(len(line._text)),
    "up": lambda line: line._recall(-1),
    "down": lambda line: line._recall(1),
    "backspace": CommandLine._backspace,
    "ctrl+h": CommandLine._backspace,
    "delete": lambda line: line._cut(line._at, line._at + 1),
    "ctrl+w": lambda line: line._cut(line._word_left(), line._at),
    "ctrl+u": lambda line: line._cut(0, line._at),
    "ctrl+k": lambda line: line._cut(line._at, len(line._text)),
}
