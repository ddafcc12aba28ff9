"""The last lines before something is changed: why, and yes or no. Keys are taken only once the question can be read."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from domain.sanitise import sanitise
from widgets import palette

_LONGEST = 300
_CURSOR = Style(reverse=True)


class ConfirmForm(Widget, can_focus=True):
    """In production Enter leaves until the workload's name has been typed; elsewhere Enter goes. Esc always leaves.

    Every key is its own. Until `arm` is called all keys but Esc are dropped: what was typed ahead on a slow line must not
    answer a question that nobody has read.
    """

    DEFAULT_CSS = "ConfirmForm { height: 3; dock: bottom; }"

    class Answered(Message):
        """`reason` None: it was left."""

        def __init__(self, reason: str | None) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, name: str, *, is_production: bool) -> None:
        super().__init__()
        self._name_wanted = name
        self._is_production = is_production
        self._texts = {"reason": "", "name": ""}
        self._at = "name" if is_production else "go"
        self._is_armed = False
        self._why_not = "checking …"
        self._trouble = ""
        self.needs_reason = False

    def offer(self, reason: str, *, needs_reason: bool) -> None:
        """It has been checked and can be done; `reason` is what is suggested."""
        self._texts["reason"] = self._texts["reason"] or reason
        self.needs_reason, self._why_not = needs_reason, ""
        self.refresh()

    def refuse(self, why: str) -> None:
        self._why_not = why
        self.refresh()

    def arm(self) -> None:
        """What stands on the screen has been painted: from now on keys count."""
        self._is_armed = True
        self.refresh()

    @property
    def can_go(self) -> bool:
        named = not self._is_production or self._texts["name"] == self._name_wanted
        return self._is_armed and not self._why_not and named and not self._reason_missing

    @property
    def _reason_missing(self) -> bool:
        return self.needs_reason and not self._texts["reason"].strip()

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return True

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self.post_message(self.Answered(None))
        elif not self._is_armed:
            return
        elif event.key == "enter":
            self._enter()
        elif event.key in ("tab", "shift+tab", "down", "up"):
            self._at = "reason" if self._at != "reason" else ("name" if self._is_production else "go")
        elif event.key in ("backspace", "ctrl+h"):
            self._edit(self._text[:-1])
        elif event.key == "ctrl+u":
            self._edit("")
        elif event.is_printable and event.character is not None:
            self._edit(self._text + event.character)
        self.refresh()

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self._is_armed and self._at == "reason":
            self._edit(self._text + event.text)

    @property
    def _text(self) -> str:
        return self._texts.get(self._at, "")

    def _edit(self, text: str) -> None:
        self._trouble = ""
        if self._at in self._texts:
            self._texts[self._at] = sanitise(text, _LONGEST)
            self.refresh()

    def _enter(self) -> None:
        if self.can_go:
            self.post_message(self.Answered(self._texts["reason"].strip()))
        elif self._why_not:
            self.post_message(self.Answered(None))
        elif self._reason_missing:
            self._at, self._trouble = "reason", "A reason is needed: it is recorded, and others see it."
        elif self._texts["name"]:
            self._trouble = f"That is not {self._name_wanted}."
        else:
            self.post_message(self.Answered(None))

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        rows = (self._reason_row, self._name_row, self._buttons_row)
        return Strip(rows[y](base)).adjust_cell_length(width, base) if y < len(rows) else Strip.blank(width, base)

    def _field(self, label: str, name: str, base: Style) -> list[Segment]:
        is_here = self._at == name
        style = base + palette.STYLES["focus" if is_here else "quiet"]
        segments = [Segment(palette.shown(f" {label} "), style), Segment(palette.shown(self._texts[name]), base)]
        if is_here:
            segments.append(Segment(" ", base + _CURSOR))
        return segments

    def _reason_row(self, base: Style) -> list[Segment]:
        return self._field("Reason (recorded):", "reason", base)

    def _name_row(self, base: Style) -> list[Segment]:
        if self._trouble:
            return [Segment(f" {palette.signs.warn} {palette.shown(self._trouble)}", base + palette.STYLES["warn"])]
        if not self._is_production:
            return [Segment(" Tab: edit the reason", base + palette.STYLES["quiet"])]
        return self._field(f"Type {self._name_wanted} to go:", "name", base)

    def _buttons_row(self, base: Style) -> list[Segment]:
        go = self.can_go
        chosen, other = base + Style(reverse=True, bold=True), base + palette.STYLES["quiet"]
        segments = [
            Segment(" "),
            Segment("[ Cancel ]", other if go else chosen),
            Segment("  "),
            Segment("[ Go ]", chosen if go else other),
        ]
        says = "Enter goes, Esc leaves" if go else "Esc leaves"
        if self._why_not:
            says = f"{self._why_not}   Esc leaves"
        style = "bad" if self._why_not and self._why_not != "checking …" else "quiet"
        return [*segments, Segment(f"   {palette.shown(says)}", base + palette.STYLES[style])]
