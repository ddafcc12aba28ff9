"""The question before something is changed: the flight check, and under it why, and yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from domain.ages import short_duration
from domain.scope import Scope
from screens.flight_check import check_lines, narrow_lines, wide_left_lines, wide_right_lines
from widgets import palette
from widgets.confirm_form import ConfirmForm
from widgets.header import environment_word
from widgets.text_lines import TextLine
from widgets.text_view import TextView
from widgets.title_line import TitleLine

if TYPE_CHECKING:
    from actions.prepare import Check, Prepared

_WIDE = 110
"""Cells from which what will happen stands beside the checks."""
_PREPARING = "Checking: the image, rights, locks, configuration, room, a dry run"


class ConfirmScreen(Screen[str | None]):
    """Ends with the reason when the person has said go, else with None. The app pushes what it has found out.

    `show` and `show_refusal` may come again: what was typed for the plan before does not count for the next one.
    """

    CSS = """
    ConfirmScreen { layout: vertical; overflow: hidden; }
    ConfirmScreen.-production { border: heavy ansi_red; }
    ConfirmScreen.-production.-ascii { border: ascii ansi_red; }
    ConfirmScreen Horizontal { height: 1fr; }
    ConfirmScreen #checks { width: 3fr; height: 1fr; }
    ConfirmScreen #steps { width: 2fr; height: 1fr; display: none; margin-left: 2; }
    ConfirmScreen.-wide.-shown #steps { display: block; }
    """
    AUTO_FOCUS = "ConfirmForm"

    def __init__(self, title: str, name: str, scope: Scope) -> None:
        """`title` in capitals as a headline: "ROLL BACK shop-backend"; `name` is what is typed in production."""
        super().__init__()
        self._scope = scope
        self._prepared: Prepared | None = None
        self._refusal: tuple[str, str, tuple[Check, ...]] | None = None
        self._title_line = TitleLine()
        self._text = _Still(_PREPARING)
        self._text.id = "checks"
        self._steps = _Still("")
        self._steps.id = "steps"
        verb = title.removesuffix(name).strip().capitalize()
        self.form = ConfirmForm(name, is_production=scope.is_production, go=verb or "Go")
        self._title_line.show_title(title)
        self._title_line.show_right(f"{palette.signs.busy} checking", "accent")

    def compose(self) -> ComposeResult:
        yield self._title_line
        with Horizontal():
            yield self._text
            yield self._steps
        yield self.form

    def on_mount(self) -> None:
        scope = self._scope
        self.set_class(palette.is_ascii(), "-ascii")
        self.set_class(scope.is_production, "-production")
        self._title_line.show_tag(environment_word(scope), "production" if scope.is_production else "environment")

    # What the app tells it

    def show_progress(self, words: str) -> None:
        """What is being found out: "checking the registry"."""
        self._text.say_empty((f"{words} {palette.signs.ellipsis}", "Nothing has been touched. Esc leaves."))

    def show(self, prepared: Prepared) -> None:
        """Checked, and nothing refuses."""
        self._prepared, self._refusal = prepared, None
        self._redraw()
        self._text.action_first()
        if any(check.kind == "bad" for check in prepared.checks):
            self.form.refuse("Refused by what is marked above.")
        else:
            self.form.offer(prepared.suggested_reason, needs_reason=prepared.needs_reason)

    def show_refusal(self, message: str, hint: str = "", checks: Sequence[Check] = ()) -> None:
        """It cannot be done: why, and what to do about it."""
        self._prepared, self._refusal = None, (message, hint, tuple(checks))
        self._redraw()
        self._text.action_first()
        self.form.refuse("Refused; nothing was done.")

    # What it shows

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= _WIDE, "-wide")
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        self.set_class(self._prepared is not None, "-shown")
        room = self.size.width
        if self._prepared is not None and self.has_class("-wide"):
            left = (room - 2) * 3 // 5
            self._text.set_lines(list(wide_left_lines(self._prepared, left)))
            self._steps.set_lines(list(wide_right_lines(self._prepared, room - left - 2)))
        elif self._prepared is not None:
            self._text.set_lines(list(narrow_lines(self._prepared, room)))
        elif self._refusal is not None:
            message, hint, checks = self._refusal
            lines = [TextLine(message, "bad", ((f" {palette.signs.bad} ", "bad"),))]
            lines += [TextLine(hint, "", ((f"   {palette.signs.arrow} ", "quiet"),))] if hint else []
            self._text.set_lines([*lines, TextLine(""), *check_lines(checks, room)])
        self._say_right()

    def _say_right(self) -> None:
        if self._prepared is None and self._refusal is None:
            return
        expected = self._prepared.expected_s if self._prepared is not None else None
        parts = [f"about {short_duration(expected)}" if expected is not None else ""]
        parts.append("PgDn: more below" if self._text.place not in ("all", "end") else "")
        said = f" {palette.signs.dot} ".join(part for part in parts if part)
        refused = f"{palette.signs.bad} refused"
        self._title_line.show_right(refused if self._refusal else said, "bad" if self._refusal else "accent")

    @on(TextView.Moved)
    def _moved(self, message: TextView.Moved) -> None:
        message.stop()
        self._say_right()

    @on(ConfirmForm.Paged)
    def _paged(self, message: ConfirmForm.Paged) -> None:
        message.stop()
        for text in (self._text, self._steps):
            if message.pages:
                text.action_page(message.pages)
            if message.lines:
                text.action_move(message.lines)

    @on(ConfirmForm.Answered)
    def _answered(self, message: ConfirmForm.Answered) -> None:
        message.stop()
        self.dismiss(message.reason)


class _Still(TextView, can_focus=False):
    """The form keeps the focus, so that no key is ever meant for two things."""

    def __init__(self, waiting: str) -> None:
        empty = (f"{waiting} {palette.signs.ellipsis}", "Nothing has been touched. Esc leaves.") if waiting else ()
        super().__init__(empty=empty, is_wrapped=True, by_words=True)
