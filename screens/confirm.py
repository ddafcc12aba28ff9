"""The flight check: what would be changed, what speaks for and against it, what will happen; then the question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from domain.ages import clock
from domain.compare import Difference
from domain.scope import Scope
from widgets import palette
from widgets.confirm_form import ConfirmForm
from widgets.text_lines import TextLine
from widgets.text_view import TextView
from widgets.title_line import TitleLine

if TYPE_CHECKING:
    from actions.prepare import Check, Prepared

_STYLES = {"good": "good", "warn": "warn", "bad": "bad", "unknown": "warn"}


class ConfirmScreen(Screen[str | None]):
    """Ends with the reason when the person has said go, else with None. The app pushes what it has found out."""

    CSS = """
    ConfirmScreen { layout: vertical; overflow: hidden; }
    ConfirmScreen.-production { border: heavy ansi_red; }
    ConfirmScreen.-production.-ascii { border: ascii ansi_red; }
    """
    AUTO_FOCUS = "ConfirmForm"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,ctrl+f", "page(1)", show=False, priority=True),
        Binding("pageup,ctrl+b", "page(-1)", show=False, priority=True),
    ]

    def __init__(self, title: str, name: str, scope: Scope) -> None:
        """`title` in capitals as a headline: "ROLL BACK shop-backend"; `name` is what is typed in production."""
        super().__init__()
        self._scope = scope
        self._title_line = TitleLine()
        self._text = TextView(empty=("Checking: the registry, rights, locks, configuration, capacity …",), is_wrapped=True)
        self.form = ConfirmForm(name, is_production=scope.is_production)
        self._title_line.show_title(title)

    def compose(self) -> ComposeResult:
        yield self._title_line
        yield self._text
        yield self.form

    def on_mount(self) -> None:
        scope = self._scope
        self.set_class(palette.is_ascii(), "-ascii")
        self.set_class(scope.is_production, "-production")
        style = "production" if scope.is_production else "environment"
        self._title_line.show_tag(scope.environment.upper(), style)

    def show(self, prepared: Prepared) -> None:
        """Checked, and nothing refuses."""
        self._text.set_lines(list(_lines(prepared)))
        expected = f"about {clock(prepared.expected_s)}" if prepared.expected_s is not None else ""
        self._title_line.show_right(expected)
        self.form.offer(prepared.suggested_reason, needs_reason=prepared.needs_reason)

    def show_refusal(self, message: str, hint: str, checks: Sequence[Check] = ()) -> None:
        lines = [TextLine(message, "bad"), TextLine(hint, "quiet"), TextLine("")]
        lines += [line for check in checks for line in _check_lines(check)]
        self._text.set_lines(lines)
        self.form.refuse("refused, nothing was done.")

    def action_page(self, step: int) -> None:
        self._text.action_page(step)

    @on(ConfirmForm.Answered)
    def _answered(self, message: ConfirmForm.Answered) -> None:
        message.stop()
        self.dismiss(message.reason)


def _lines(prepared: Prepared) -> Iterator[TextLine]:
    yield TextLine(prepared.summary, "strong")
    for side, word in ((prepared.old, "from"), (prepared.new, "to")):
        if side is not None:
            yield TextLine(f"{side.version}  {side.hash}  {side.note}".rstrip(), "", ((f"{word:<5}", "quiet"),))
    for check in prepared.checks:
        yield from _check_lines(check)
    if prepared.differences:
        yield TextLine("")
        yield TextLine("What differs", "strong")
        for difference in prepared.differences:
            yield from _difference_lines(difference)
    yield TextLine("")
    yield TextLine("What will happen", "strong")
    for number, step in enumerate(prepared.plan.steps, 1):
        yield TextLine(step.words, "", ((f"{number:>3} ", "quiet"),))
        if step.undo:
            yield TextLine(f"undo: {step.undo}", "quiet", (("    ", ""),))


def _check_lines(check: Check) -> Iterator[TextLine]:
    signs = palette.signs
    sign = {"good": signs.good, "warn": signs.warn, "bad": signs.bad}.get(check.kind, "?")
    yield TextLine(check.words, "" if check.kind == "good" else _STYLES[check.kind], ((f"{sign} ", _STYLES[check.kind]),))
    for line in check.detail:
        yield TextLine(line, "quiet", (("  ", ""),))
    if check.hint and check.kind != "good":
        yield TextLine(check.hint, "quiet", (("  ", ""),))


def _difference_lines(difference: Difference) -> Iterator[TextLine]:
    yield TextLine(f"{difference.kind} {difference.where}", "accent")
    if difference.old is not None:
        yield TextLine(difference.old, "", (("  - ", "bad"),))
    if difference.new is not None:
        yield TextLine(difference.new, "", (("  + ", "good"),))
