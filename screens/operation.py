"""An operation under way, or over: each step with its time and its word. It goes on whether anybody looks or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import reactive
from textual.widget import Widget

from actions import View
from domain.fleet import Fleet
from domain.operations import Operation, OperationState, StepState
from domain.scope import Scope
from domain.targets import Target
from domain.verdict import Degree
from screens.asking import ask_to_abort, ask_to_take_up
from screens.operation_lines import STATE_STYLES, as_known, end_lines, head_lines, lasted, state_sign, step_lines
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.header import environment_word
from widgets.notice import Notice
from widgets.text_lines import TextLine
from widgets.text_view import TextView

_TITLES = {
    OperationState.PLANNED: "planned, not begun",
    OperationState.LEFT: "LEFT half done",
    OperationState.SUCCEEDED: "succeeded",
    OperationState.FAILED: "failed",
    OperationState.ABORTED: "aborted",
}


class OperationScreen(ViewScreen):
    """The app assigns `operation` as its journal grows, and `fleet` for the clock and the verdict.

    `is_elsewhere`: another host runs it, and this is what its record in the cluster says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.OPERATION), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.OPERATION

    operation: reactive[Operation | None] = reactive(None, init=False)

    def __init__(self, operation: Operation | None, *, fleet: Fleet | None = None, is_elsewhere: bool = False) -> None:
        key = operation.plan.workload if operation else None
        super().__init__(fleet=fleet, target=Target(workload=key))
        self.is_elsewhere = is_elsewhere
        self.set_reactive(OperationScreen.operation, operation)
        self._text = TextView(empty=("Waiting for the first line of its journal.",), is_wrapped=True, by_words=True)
        self._end = Notice()
        self._shown: tuple[TextLine, ...] = ()
        self._stood_at = -1

    # What it shows

    def body(self) -> Sequence[Widget]:
        return (self._text, self._end)

    def heading(self) -> str:
        if self.operation is None:
            return "Operation"
        plan = self.operation.plan
        name = plan.workload.name if plan.workload is not None else ""
        return f"{plan.action} {name}".strip()

    def state(self) -> tuple[str, str]:
        operation = self.operation
        if operation is None:
            return "", "quiet"
        at, most = operation.position
        word = f"step {at} of {most}" if operation.state is OperationState.RUNNING else _TITLES[operation.state]
        parts = [f"{state_sign(operation.state)} {word}", lasted(operation, self.now)]
        return f" {palette.signs.dot} ".join(part for part in parts if part), STATE_STYLES[operation.state]

    def titles(self) -> Mapping[str, str]:
        """Only what can be asked for as it stands now."""
        state = self.operation.state if self.operation is not None else OperationState.PLANNED
        hidden = {}
        if state.is_over or self.operation is None or self.is_elsewhere:
            hidden["abort"] = ""
        if state is not OperationState.LEFT or self.is_elsewhere:
            hidden["take_up"] = ""
        if self.target.workload is None:
            hidden["logs"] = ""
        return hidden

    @property
    def now(self) -> float:
        """Never before the journal's own newest word: the two clocks may differ."""
        heard = (self.operation.heard_at if self.operation is not None else None) or 0.0
        return max(self.fleet.now if self.fleet is not None else 0.0, heard)

    @property
    def is_production(self) -> bool:
        return super().is_production or (self.operation is not None and self.operation.plan.place.is_production)

    def show_scope(self) -> None:
        """Of the operation, which need not be of what is watched."""
        super().show_scope()
        if self.operation is not None:
            scope = scope_of(self.operation)
            self.title_line.show_tag(environment_word(scope), "production" if scope.is_production else "environment")

    def on_mount(self) -> None:
        self._redraw()

    def watch_operation(self) -> None:
        if self.operation is not None and self.operation.plan.workload is not None:
            self.target = Target(workload=self.operation.plan.workload)
        if self.is_mounted:
            self.show_scope()
            self._redraw()
            self.show_state()

    def fleet_changed(self) -> None:
        self._redraw()

    def on_resize(self) -> None:
        self._stood_at = -1
        self.call_after_refresh(self._redraw)

    def text_to_keep(self) -> str:
        lines = self._shown
        if self.operation is not None:
            lines += tuple(end_lines(self.operation, self.now, is_elsewhere=self.is_elsewhere))
        return "\n".join(line.plain.rstrip() for line in lines)

    def _redraw(self) -> None:
        operation = self.operation
        if operation is None or not self.is_mounted:
            return
        now = self.now
        lines = [*head_lines(operation, now), TextLine("")]
        standing = -1
        for number, progress in enumerate(as_known(operation), 1):
            if progress.state in (StepState.RUNNING, StepState.FAILED, StepState.UNKNOWN):
                standing = len(lines)
            verdict = self._verdict() if progress.state is StepState.RUNNING else None
            lines += step_lines(number, progress, now, verdict)
        self._shown = tuple(lines)
        self._text.set_lines(lines)
        self._end.show(list(end_lines(operation, now, is_elsewhere=self.is_elsewhere)))
        if standing != self._stood_at:
            self._stood_at = standing
            self.call_after_refresh(self._text.reveal, standing)

    def _verdict(self) -> tuple[str, str] | None:
        """Of the workload as it is watched now; None where another place is watched."""
        operation, fleet = self.operation, self.fleet
        if operation is None or fleet is None or operation.plan.workload is None:
            return None
        rollout = fleet.rollouts.get(operation.plan.workload)
        place = operation.plan.place
        is_here = fleet.scope.context == place.context and fleet.scope.server in ("", place.server)
        if rollout is None or not is_here:
            return None
        degree = rollout.verdict.degree
        if degree < Degree.PAUSED:
            return f"{palette.signs.good} no sign of failure", "good"
        return f"{palette.degree_sign(degree)} {rollout.verdict.title}", palette.degree_style(degree)

    # What can be asked for here

    def do_abort(self, _argument: str = "") -> None:
        ask_to_abort(self, self.operation, is_elsewhere=self.is_elsewhere)

    def do_take_up(self, _argument: str = "") -> None:
        ask_to_take_up(self, self.operation, is_elsewhere=self.is_elsewhere)


def scope_of(operation: Operation) -> Scope:
    place = operation.plan.place
    return Scope(place.context, place.namespace, place.environment, place.is_production, server=place.server)
