"""The last lines before something is changed: why, and yes or no. Keys are taken only once the question can be read."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets import palette
from widgets.line_edit import LineEdit

READABLE_AFTER_S = 0.3
"""A question counts as read no sooner than this after the terminal has taken it."""
LEAST_WIDTH = 40
LEAST_HEIGHT = 10
"""On a smaller terminal nobody can have read what is asked."""
_LABEL = "Reason (recorded)"
_CHOSEN = Style(reverse=True, bold=True)


class ConfirmForm(Widget, can_focus=True):
    """In production Cancel has the focus until the workload's name has been typed; elsewhere Go has it. Enter does what has
    the focus, Esc always leaves.

    Every key is its own. Until it is armed all keys but Esc are dropped: what was typed ahead on a slow line must not
    answer a question that nobody has read.
    """

    DEFAULT_CSS = "ConfirmForm { dock: bottom; }"

    class Answered(Message):
        """`reason` None: it was left."""

        def __init__(self, reason: str | None) -> None:
            super().__init__()
            self.reason = reason

    class Paged(Message):
        """The text above is to be moved by so many pages, or by so many lines."""

        def __init__(self, pages: int = 0, lines: int = 0) -> None:
            super().__init__()
            self.pages = pages
            self.lines = lines

    def __init__(self, name: str, *, is_production: bool, go: str = "Go", asks_reason: bool = True) -> None:
        """`go` is what the button that does it is called: "Roll back"."""
        super().__init__()
        self._wanted = name
        self._is_production = is_production
        self._go = go
        self._asks_reason = asks_reason
        self._rows = ("frame", "reason", "answer", "hint") if asks_reason else ("frame", "answer", "hint")
        self.styles.height = len(self._rows)
        self._reason = LineEdit()
        self._typed = LineEdit()
        self._is_on_reason = False
        self._is_cancel_chosen = False
        self._armed_at: float | None = None
        self._offers = 0
        self._is_waiting = True
        self._why_not = f"Checking {palette.signs.ellipsis}"
        self._is_refused = False
        self._trouble = ""
        self.needs_reason = False

    # What it is told

    def offer(self, reason: str, *, needs_reason: bool) -> None:
        """It has been checked and can be done; `reason` is what is suggested. What was said to an offer before this one
        does not count: it is to be armed again."""
        self._typed.set("")
        self._is_cancel_chosen = self._is_refused = self._is_waiting = False
        if not self._reason.text:
            self._reason.set(reason)
        self.needs_reason, self._why_not = needs_reason, ""
        self._arm_once_read()

    def refuse(self, why: str) -> None:
        """It cannot be done: there is only leaving."""
        self._why_not, self._is_refused, self._is_on_reason, self._is_waiting = why, True, False, False
        self._arm_once_read()

    def arm(self) -> None:
        """What stands on the screen has been painted: from now on keys count."""
        self._armed_at = Message().time
        self.refresh()

    def _arm_once_read(self) -> None:
        self._armed_at = None
        self._offers += 1
        self.refresh()
        self.call_after_refresh(self._painted, self._offers)

    def _painted(self, offer: int) -> None:
        """Drawn; the terminal, at the other end of a slow line, may not have it yet."""
        if getattr(self.app, "has_terminal_taken_all", True):
            self.set_timer(READABLE_AFTER_S, lambda: self.arm() if offer == self._offers else None)
        else:
            self.set_timer(0.02, lambda: self._painted(offer))

    # What it knows

    @property
    def is_armed(self) -> bool:
        return self._armed_at is not None

    @property
    def reason(self) -> str:
        return self._reason.text.strip()

    @property
    def can_go(self) -> bool:
        """Enter would do it."""
        return self.is_armed and not self._hindrance and self._is_named and not self._is_cancel_chosen

    @property
    def _is_named(self) -> bool:
        return not self._is_production or self._typed.text == self._wanted

    @property
    def _hindrance(self) -> str:
        """Why it cannot be done now, whatever is typed."""
        if self._why_not:
            return self._why_not
        room = self.app.size
        if room.width < LEAST_WIDTH or room.height < LEAST_HEIGHT:
            return "make the terminal larger: this cannot be read."
        if self.needs_reason and not self.reason:
            return "a reason is needed: Tab, then say why."
        return ""

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return True

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self._leave()
        elif event.key in _PAGES:
            self.post_message(self.Paged(pages=_PAGES[event.key]))
        elif event.key in _LINES:
            self.post_message(self.Paged(lines=_LINES[event.key]))
        elif self._counts(event):
            self._take(event)
            self.refresh()

    def _counts(self, event: events.Event) -> bool:
        """Not where it was pressed before the question had been painted, even if it arrives only now."""
        return self._armed_at is not None and event.time >= self._armed_at

    def _take(self, event: events.Key) -> None:
        self._trouble = ""
        if event.key == "enter":
            self._enter()
        elif event.key in ("tab", "shift+tab"):
            self._is_on_reason = self._asks_reason and not self._is_refused and not self._is_on_reason
        elif self._is_on_reason:
            self._reason.take(event)
        elif event.key in ("left", "right"):
            self._is_cancel_chosen = event.key == "left"
        elif self._is_production and not self._is_refused and self._typed.take(event):
            self._is_cancel_chosen = False

    def _on_paste(self, event: events.Paste) -> None:
        """Into the reason only: the name is to be typed."""
        event.stop()
        event.prevent_default()
        if self._is_on_reason and self._counts(event):
            self._reason.insert(event.text.strip("\r\n"))
            self.refresh()

    def _enter(self) -> None:
        if self._is_on_reason:
            self._is_on_reason = False
        elif self.can_go:
            self.post_message(self.Answered(self.reason))
        elif self._is_refused or self._is_cancel_chosen or self._why_not:
            self._leave()
        elif self._hindrance:
            self._trouble = self._hindrance
        elif self._typed.text:
            self._trouble = f"That is not {self._wanted}. Esc leaves."
        else:
            self._leave()

    def _leave(self) -> None:
        self.post_message(self.Answered(None))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        row = self._rows[event.y] if event.y < len(self._rows) else ""
        if row == "reason" and not self._is_refused and self.is_armed:
            self._is_on_reason = True
        elif row == "answer":
            cancel, go = self._buttons()
            begin = self.size.width - sum(palette.width_of(text) + 1 for text in (cancel, go))
            if begin <= event.x < begin + palette.width_of(cancel):
                self._leave()
            elif event.x > begin + palette.width_of(cancel) and self._counts(event):
                self._is_on_reason = self._is_cancel_chosen = False
                self._enter() if self.can_go else self._say_what_is_missing()
        self.refresh()

    def _say_what_is_missing(self) -> None:
        self._trouble = self._hindrance or f"Type {self._wanted} first."

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y == 0:
            frame = base + (Style(color="red") if self._is_production else palette.STYLES["quiet"])
            return Strip([Segment(palette.signs.line * width, frame)])
        rows = {"reason": self._reason_row, "answer": self._answer_row, "hint": self._hint_row}
        row = rows[self._rows[y]] if y < len(self._rows) else None
        return Strip(row(width, base) if row else []).adjust_cell_length(width, base)

    def _reason_row(self, width: int, base: Style) -> list[Segment]:
        if self._is_refused or self._is_waiting:
            return []
        label = f" {_LABEL} " if width >= 60 else " Reason "
        is_here = self._is_on_reason
        style = base + palette.STYLES["focus" if is_here else "quiet"]
        field = self._reason.segments(width - len(label) - 1, base, has_cursor=is_here)
        if not self._reason.text and not is_here:
            word = "none yet: Tab, then say why" if self.needs_reason else "none"
            field = [Segment(word, base + palette.STYLES["warn" if self.needs_reason else "quiet"])]
        return [Segment(label, style), *field]

    def _answer_row(self, width: int, base: Style) -> list[Segment]:
        cancel, go = self._buttons()
        is_go, is_answering = self.can_go, not self._is_on_reason
        quiet = base + palette.STYLES["quiet"]
        buttons = [
            Segment(cancel, base + _CHOSEN if is_answering and not is_go else quiet),
            Segment(" ", base),
            Segment(go, base + palette.STYLES["good"] + _CHOSEN if is_answering and is_go else quiet),
            Segment(" ", base),
        ]
        room = max(0, width - sum(palette.width_of(s.text) for s in buttons))
        return [*Strip(self._name_part(room, base)).adjust_cell_length(room, base), *buttons]

    def _name_part(self, room: int, base: Style) -> list[Segment]:
        if self._is_refused or self._is_waiting or not self._is_production:
            return []
        needed = palette.width_of(self._wanted)
        label = next(
            (w for w in (f" Type {self._wanted} to go: ", " Its name: ") if palette.width_of(w) + needed < room), " "
        )
        sign = f" {palette.signs.good}" if self._is_named else ""
        style = base + palette.STYLES["good" if self._is_named else "strong"]
        field_room = max(1, room - palette.width_of(label) - len(sign) - 1)
        field = self._typed.segments(min(field_room, needed + 2), style, has_cursor=not self._is_on_reason)
        return [Segment(palette.shown(label), base), *field, Segment(sign, style)]

    def _buttons(self) -> tuple[str, str]:
        return "[ Cancel ]", f"[ {self._go} ]"

    def _hint_row(self, width: int, base: Style) -> list[Segment]:
        text, style = self._hint()
        sign = {"bad": f"{palette.signs.bad} ", "warn": f"{palette.signs.warn} "}.get(style, "")
        return [Segment(palette.fit(f" {sign}{text}", width), base + palette.STYLES[style])]

    def _hint(self) -> tuple[str, str]:
        dot = f" {palette.signs.dot} "
        if self._is_refused:
            return f"{self._why_not} Enter or Esc leaves.", "bad"
        if self._trouble:
            return self._trouble, "warn"
        if self._why_not:
            return f"{self._why_not} Esc leaves.", "quiet"
        if self._is_on_reason:
            return dot.join(("Enter: done with the reason", "Esc leaves")), "quiet"
        parts = ["Enter or Esc leaves"]
        if self.can_go:
            parts = [f"Enter: {self._go.lower()}", "Esc leaves"]
        elif self.is_armed and self._hindrance:
            return f"{self._go}: {self._hindrance} Esc leaves.", "warn"
        elif not self.is_armed:
            parts = ["a moment", "Esc leaves"]
        if self._asks_reason:
            parts.append("Tab: the reason")
        return dot.join(parts), "quiet"


_PAGES = {"pagedown": 1, "ctrl+f": 1, "pageup": -1, "ctrl+b": -1}
_LINES = {"down": 1, "up": -1}
