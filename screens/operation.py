"""An operation under way, or over: each step with its time and its word. It goes on whether anybody looks or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import reactive
from textual.widget import Widget

from actions import View
from domain.ages import clock, short_duration
from domain.fleet import Fleet
from domain.operations import Operation, OperationState, StepProgress, StepState
from domain.targets import Target
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.text_lines import TextLine
from widgets.text_view import TextView

_STATES = {
    OperationState.PLANNED: ("planned", "quiet"),
    OperationState.RUNNING: ("under way", "accent"),
    OperationState.LEFT: ("left half done: its runner is gone", "bad"),
    OperationState.SUCCEEDED: ("succeeded", "good"),
    OperationState.FAILED: ("failed", "bad"),
    OperationState.ABORTED: ("aborted", "warn"),
}
_STYLES = {
    StepState.DONE: "good",
    StepState.ALREADY: "good",
    StepState.FAILED: "bad",
    StepState.UNKNOWN: "warn",
    StepState.RUNNING: "accent",
}
_BAR_CELLS = 10


class OperationScreen(ViewScreen):
    """The app assigns `operation` as its journal grows, and `fleet` for the clock."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.OPERATION), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.OPERATION

    operation: reactive[Operation | None] = reactive(None, init=False)

    def __init__(self, operation: Operation | None, *, fleet: Fleet | None = None) -> None:
        key = operation.plan.workload if operation else None
        super().__init__(fleet=fleet, target=Target(workload=key))
        self.set_reactive(OperationScreen.operation, operation)
        self._text = TextView(empty=("Waiting for the first line of its journal.",), is_wrapped=True)
        self._shown: tuple[TextLine, ...] = ()

    def body(self) -> Sequence[Widget]:
        return (self._text,)

    def heading(self) -> str:
        return self.operation.plan.summary if self.operation else "Operation"

    def state(self) -> tuple[str, str]:
        if self.operation is None:
            return "", "quiet"
        word, style = _STATES[self.operation.state]
        if self.operation.state is OperationState.RUNNING:
            at, most = self.operation.position
            word = f"step {at} of {most}"
        return word, style

    def on_mount(self) -> None:
        super().on_mount()
        self._redraw()

    def watch_operation(self) -> None:
        if self.is_mounted:
            self._redraw()
            self.show_state()

    def fleet_changed(self) -> None:
        self._redraw()

    def text_to_keep(self) -> str:
        return "\n".join(line.plain for line in self._shown)

    def _redraw(self) -> None:
        if self.operation is None:
            return
        now = self.fleet.now if self.fleet is not None else (self.operation.heard_at or 0.0)
        lines = tuple(_lines(self.operation, now))
        if lines != self._shown:
            self._shown = lines
            self._text.set_lines(lines)


def _lines(operation: Operation, now: float) -> Iterator[TextLine]:
    plan = operation.plan
    began = operation.began_at if operation.began_at is not None else plan.created_at
    until = operation.ended_at if operation.ended_at is not None else now
    expected = f" of about {clock(plan.expected_s)}" if plan.expected_s is not None else ""
    yield TextLine(f"{plan.id} · {plan.who} · {clock(until - began)}{expected}", "quiet")
    yield TextLine(plan.reason or "none given", "", (("reason  ", "quiet"),))
    for warning in plan.warnings:
        yield TextLine(warning, "warn", ((f"{palette.signs.warn} ", "warn"),))
    yield TextLine("")
    for number, progress in enumerate(operation.steps, 1):
        yield from _step_lines(number, progress, now)
    yield TextLine("")
    if operation.outcome:
        is_well = operation.state is OperationState.SUCCEEDED
        sign = palette.signs.good if is_well else palette.signs.bad
        yield TextLine(operation.outcome, "strong", ((f"{sign} ", "good" if is_well else "bad"),))
    if operation.proposal:
        yield TextLine(operation.proposal, "strong", (("next  ", "quiet"),))
    if operation.state is OperationState.LEFT:
        heard = f", last heard of {short_duration(now - operation.heard_at)} ago" if operation.heard_at else ""
        yield TextLine(f"Its runner is gone{heard}. Nothing is done twice when it is taken up:", "warn")
        yield TextLine(f"quarterdeck ops resume {plan.id}", "strong", (("next  ", "quiet"),))
    elif not operation.state.is_over:
        yield TextLine("It goes on without this screen; q goes back, Ctrl-c leaves. From this host, to come back:", "quiet")
        yield TextLine(f"quarterdeck ops attach {plan.id}", "quiet", (("  ", ""),))


def _step_lines(number: int, progress: StepProgress, now: float) -> Iterator[TextLine]:
    signs = palette.signs
    sign = {
        StepState.DONE: signs.good,
        StepState.ALREADY: signs.good,
        StepState.FAILED: signs.bad,
        StepState.UNKNOWN: "?",
        StepState.RUNNING: signs.busy,
    }.get(progress.state, signs.waiting)
    style = _STYLES.get(progress.state, "quiet")
    lead = ((f"{sign} ", style), (f"{number:>2} ", "quiet"))
    took = ""
    if progress.began_at is not None and progress.state is not StepState.UNKNOWN:
        took = f"  {(progress.ended_at if progress.ended_at is not None else now) - progress.began_at:.0f} s"
    note = f" ({progress.state})" if progress.state in (StepState.ALREADY, StepState.SKIPPED, StepState.UNKNOWN) else ""
    yield TextLine(f"{progress.step.words}{note}{took}", "" if style != "quiet" else "quiet", lead)
    if progress.message:
        bar = ""
        if progress.state is StepState.RUNNING and progress.fraction is not None:
            full = round(max(0.0, min(1.0, progress.fraction)) * _BAR_CELLS)
            bar = "▕" + "█" * full + "░" * (_BAR_CELLS - full) + "▏ "
        yield TextLine(palette.shown(bar) + progress.message, "quiet" if style == "good" else style, (("     ", ""),))
    if progress.hint and progress.state in (StepState.FAILED, StepState.UNKNOWN):
        yield TextLine(progress.hint, "warn", (("     ", ""),))
