"""The operations of this host: what needs a person first, then the newest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType
from textual.reactive import reactive
from textual.widget import Widget

from actions import View
from domain.ages import short_duration
from domain.attending import in_order_of_need, needs_person
from domain.filters import Filter, parse_filter
from domain.fleet import Fleet
from domain.operations import Operation, OperationState
from domain.targets import Target
from screens.asking import ask_to_abort, ask_to_take_up
from screens.operation_lines import STATE_STYLES, end_lines, state_sign
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.live_table import LiveTable
from widgets.messages import CommandEntered
from widgets.notice import Notice
from widgets.rows import Cell, Column, Row
from widgets.text_lines import TextLine

_COLUMNS = (
    Column("STATE", least=9, most=11),
    Column("ID", least=4, most=8),
    Column("ACTION", least=7, most=12, rank=4),
    Column("WORKLOAD", least=10, most=32),
    Column("WHERE", least=5, most=16, rank=5),
    Column("WHO", least=6, most=20, rank=6),
    Column("STEP", least=5, most=7, rank=2),
    Column("AGO", least=4, most=6, is_right=True),
    Column("OUTCOME", least=20, most=200, rank=7, grows=True),
)
_WORDS = {OperationState.RUNNING: "under way", OperationState.LEFT: "LEFT", OperationState.PLANNED: "planned"}
_EMPTY = (
    "No operation has been begun from this host yet.",
    "Choose a workload in the watch: Z rolls it back, D deploys, R restarts.",
)


class OperationsScreen(ViewScreen):
    """The app assigns `operations` as their journals grow, and `fleet` for the clock."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.OPERATIONS), ViewScreen.UP]
    AUTO_FOCUS = "LiveTable"
    DEFAULT_CSS = "OperationsScreen LiveTable { height: 1fr; }"
    view = View.OPERATIONS

    operations: reactive[tuple[Operation, ...] | None] = reactive(None, init=False)
    """None: they are being read."""

    def __init__(self, operations: tuple[Operation, ...] | None = None, *, fleet: Fleet | None = None) -> None:
        super().__init__(fleet=fleet)
        self.set_reactive(OperationsScreen.operations, operations)
        self._table: LiveTable[str] = LiveTable(_COLUMNS)
        self._about = Notice()
        self._by_id: dict[str, Operation] = {}
        self._needing: frozenset[str] = frozenset()
        self._filter = Filter()

    @property
    def operation(self) -> Operation | None:
        """The one under the cursor."""
        cursor = self._table.cursor
        return self._by_id.get(cursor) if cursor is not None else None

    # What it shows

    def body(self) -> Sequence[Widget]:
        return (self._table, self._about)

    def heading(self) -> str:
        return "Operations of this host"

    def state(self) -> tuple[str, str]:
        if self.operations is None:
            return f"{palette.signs.busy} reading the journals", "accent"
        parts = [f"/{self._filter.text}"] if self._filter else []
        running = sum(1 for o in self.operations if o.state is OperationState.RUNNING)
        if self._needing:
            count = len(self._needing)
            parts.insert(0, f"{palette.signs.bad} {count} need{'s' if count == 1 else ''} you")
        if running:
            parts.append(f"{palette.signs.busy} {running} under way")
        if not parts:
            parts.append(f"{palette.signs.good} nothing needs you" if self.operations else "")
        style = "bad" if self._needing else "accent" if running or self._filter else "good"
        return f" {palette.signs.dot} ".join(parts), style

    def titles(self) -> Mapping[str, str]:
        """Only what can be asked for of the one under the cursor."""
        state = self.operation.state if self.operation is not None else OperationState.SUCCEEDED
        hidden = {"abort": ""} if state.is_over else {}
        return hidden if state is OperationState.LEFT else {**hidden, "take_up": ""}

    def on_mount(self) -> None:
        self._redraw()

    def watch_operations(self) -> None:
        if self.is_mounted:
            self._redraw()
            self.show_state()

    def fleet_changed(self) -> None:
        self._redraw()

    @property
    def now(self) -> float:
        heard = max((o.heard_at or 0.0 for o in self.operations or ()), default=0.0)
        return max(self.fleet.now if self.fleet is not None else 0.0, heard)

    def _redraw(self) -> None:
        found = self.operations or ()
        self._needing = frozenset(o.plan.id for o in found if needs_person(o, found))
        shown = [o for o in in_order_of_need(found) if self._filter.matches(_searched(o), {})]
        self._by_id = {o.plan.id: o for o in shown}
        now = self.now
        empty: Sequence[str] = ("Reading the journals …",) if self.operations is None else _EMPTY
        if found and not shown:
            empty = (f"None of {len(found)} matches.", "Esc clears the filter.")
        self._table.set_rows(tuple(self._by_id), lambda id_: self._row(self._by_id[id_], now), empty=empty)
        self._aim()

    def _row(self, operation: Operation, now: float) -> Row:
        plan, state = operation.plan, operation.state
        style = STATE_STYLES[state]
        needs = plan.id in self._needing
        if state is OperationState.FAILED and not needs:
            style = "quiet"
        at, most = operation.position
        begun = operation.began_at if operation.began_at is not None else plan.created_at
        outcome = operation.outcome or (plan.summary if not state.is_over else "")
        if state is OperationState.LEFT:
            outcome = "its runner is gone: U takes it up, X stops it"
        place = plan.place.environment or plan.place.namespace
        return (
            Cell(f"{state_sign(state)} {_WORDS.get(state, str(state))}", style),
            Cell(plan.id, "strong" if needs else ""),
            Cell(plan.action),
            Cell(plan.workload.name if plan.workload is not None else "", "strong" if needs else ""),
            Cell(place, "bad" if plan.place.is_production else ""),
            Cell(plan.who),
            Cell(f"{at}/{most}" if not state.is_over or state is OperationState.FAILED else "", "quiet"),
            Cell(short_duration(max(0.0, now - begun))),
            Cell(outcome, style if needs else "quiet" if state.is_over else ""),
        )

    def _aim(self) -> None:
        operation = self.operation
        self.target = Target(workload=operation.plan.workload if operation is not None else None)
        self._about.show(list(_about(operation, self.now)) if operation is not None else ())

    # What can be asked for here

    @on(LiveTable.CursorMoved)
    def _moved(self, message: LiveTable.CursorMoved) -> None:
        message.stop()
        self._aim()
        self.show_state()

    @on(LiveTable.RowChosen)
    def _chosen(self, message: LiveTable.RowChosen) -> None:
        """As if its id had been typed: `:ops 7KQ2`."""
        message.stop()
        self._open(str(message.key))

    def _open(self, operation_id: str) -> None:
        app: Any = self.app
        app.post_message(CommandEntered("ops", operation_id))

    def filter_changed(self, text: str, is_done: bool) -> None:
        self._filter = parse_filter(text)
        self._redraw()

    def clear(self) -> bool:
        if not self._filter:
            return False
        self.filter_changed("", True)
        return True

    def do_filter(self, argument: str = "") -> None:
        if argument:
            self.filter_changed(argument, True)
            self.show_state()
        else:
            self.open_filter(self._filter.text)

    def do_ops(self, argument: str = "") -> None:
        """Its own key, pressed again, opens no second list."""
        if argument:
            self._open(argument)

    def do_abort(self, _argument: str = "") -> None:
        ask_to_abort(self, self.operation)

    def do_take_up(self, _argument: str = "") -> None:
        ask_to_take_up(self, self.operation)


def _about(operation: Operation, now: float) -> Iterator[TextLine]:
    """What has no room in the table."""
    plan = operation.plan
    yield TextLine(f"{plan.summary} {palette.signs.dot} by {plan.who}", "strong", ((" ", ""),))
    yield TextLine(plan.reason or "none given", "quiet", ((" reason ", "quiet"),))
    yield from end_lines(operation, now, is_elsewhere=False)


def _searched(operation: Operation) -> str:
    plan = operation.plan
    name = plan.workload.name if plan.workload is not None else ""
    return " ".join((plan.id, plan.action, name, plan.place.environment, plan.who, str(operation.state), operation.outcome))
