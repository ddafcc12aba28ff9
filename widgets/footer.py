"""The bottom line: which keys do something here, what each is called, and why one of them cannot be used now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from widgets import palette
from widgets.messages import ActionRequested

NOTE_S = 6.0
_GAP = 2


@dataclass(frozen=True, slots=True)
class FooterKey:
    """One entry. `reason` says why it cannot be used now, "" where it can; the highest `rank` gives way first."""

    name: str
    key: str
    title: str
    reason: str = ""
    rank: int = 50

    @property
    def width(self) -> int:
        return palette.width_of(self.key) + 1 + palette.width_of(self.title)


def fitting(keys: Sequence[FooterKey], width: int) -> tuple[FooterKey, ...]:
    """Those that have room, in their own order."""
    kept = list(keys)
    while kept and sum(k.width + _GAP for k in kept) - _GAP + 2 > width:
        kept.remove(max(reversed(kept), key=lambda k: k.rank))
    return tuple(kept)


class ActionFooter(Widget, can_focus=False):
    """`show` what can be pressed; `say` one sentence in its place for some seconds. A click asks for an action."""

    DEFAULT_CSS = """
    ActionFooter { height: 1; dock: bottom; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[FooterKey, ...] = ()
        self._note = ""
        self._note_style = "quiet"
        self._note_timer: Timer | None = None

    @property
    def note(self) -> str:
        return self._note

    def show(self, keys: Sequence[FooterKey]) -> None:
        """Repaints only when something differs from what stands there."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def say(self, note: str, style_name: str = "quiet", *, for_s: float = NOTE_S) -> None:
        """One sentence; `style_name` is "good", "warn", "bad" or "quiet"."""
        if self._note_timer is not None:
            self._note_timer.stop()
        self._note, self._note_style = note, style_name
        self._note_timer = self.set_timer(for_s, self._forget) if note else None
        self.refresh()

    def refuse(self, name: str, reason: str) -> None:
        title = next((k.title for k in self._keys if k.name == name), "")
        self.say(f"{title}: {reason}" if title else reason, "warn")

    def _forget(self) -> None:
        self._note = ""
        self._note_timer = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        segments = self._note_segments() if self._note else self._key_segments(width)
        return Strip(segments).crop_extend(0, width, base)

    def _note_segments(self) -> list[Segment]:
        base = self.rich_style
        marks = {"good": palette.signs.good + " ", "warn": palette.signs.warn + " ", "bad": palette.signs.bad + " "}
        return [
            Segment(
                f" {marks.get(self._note_style, '')}{palette.shown(self._note)}", base + palette.STYLES[self._note_style]
            )
        ]

    def _key_segments(self, width: int) -> list[Segment]:
        base = self.rich_style
        quiet, accent = base + palette.STYLES["quiet"], base + palette.STYLES["accent"]
        segments = [Segment(" ", base)]
        shown = fitting(self._keys, width)
        for k in shown:
            segments.append(Segment(k.key, quiet if k.reason else accent))
            segments.append(Segment(f" {k.title}", quiet if k.reason else base))
            segments.append(Segment(" " * _GAP, base))
        room = width - 1 - sum(k.width + _GAP for k in shown)
        disabled = next((k for k in shown if k.reason), None)
        if disabled is not None and room > 24:
            why = f"{disabled.title}: {disabled.reason}"
            segments.append(Segment(palette.fit(why, min(room - 1, palette.width_of(why))), quiet))
        return segments

    def on_click(self, event: events.Click) -> None:
        at = 1
        for k in fitting(self._keys, self.size.width):
            if at <= event.x < at + k.width:
                self.post_message(ActionRequested(k.name))
                return
            at += k.width + _GAP
