"""Two environments side by side: the same workloads in one row, what differs lit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.reactive import reactive
from textual.widget import Widget

from actions import View
from domain.compare import compare
from domain.drift import DriftRow, Side, drift
from domain.fleet import Fleet
from domain.targets import Target
from domain.templates import PodTemplate
from domain.workloads import WorkloadKind
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.header import environment_word, live_word
from widgets.live_table import LiveTable
from widgets.rows import Cell, Column, Row

_Key = tuple[str, WorkloadKind]
_LIT = {"image": "version", "digest": "digest", "missing": "missing"}
"""Differences that are drift, and the word for each. Fewer replicas in one environment than in another are not."""


def drift_word(row: DriftRow) -> str:
    return next((word for name, word in _LIT.items() if name in row.differs), "")


class SideBySideScreen(ViewScreen):
    """`fleet` is the left side, `other` the right one: the app assigns both as they change."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.SIDE_BY_SIDE), ViewScreen.UP]
    AUTO_FOCUS = "LiveTable"
    DEFAULT_CSS = "SideBySideScreen LiveTable { height: 1fr; }"
    view = View.SIDE_BY_SIDE

    other: reactive[Fleet | None] = reactive(None, init=False)

    def __init__(self, left: Fleet | None, right: Fleet | None) -> None:
        super().__init__(fleet=left)
        self.set_reactive(SideBySideScreen.other, right)
        self._rows: dict[_Key, DriftRow] = {}
        self._columns: tuple[str, str] = ("", "")
        self._seen: tuple[object, object] = (None, None)
        self._table: LiveTable[_Key] = LiveTable(_columns("", ""))

    def body(self) -> Sequence[Widget]:
        return (self._table,)

    def heading(self) -> str:
        return "Side by side" if self.is_production else f"Side by side: {_name(self.fleet)} and {_name(self.other)}"

    def state(self) -> tuple[str, str]:
        for side in (self.fleet, self.other):
            word = live_word(side) if side is not None else None
            if side is not None and word is not None and word.style == "bad":
                return f"{_name(side)} {word.text}", "bad"
        drifted = sum(1 for row in self._rows.values() if drift_word(row)) if self.other is not None else 0
        if self.other is None:
            return f"{palette.signs.busy} waiting for the second one", "accent"
        if drifted:
            return f"{palette.signs.warn} {drifted} differ, Enter: in what", "warn"
        return f"{palette.signs.good} no drift", "good"

    def on_mount(self) -> None:
        self._redraw()

    @property
    def is_production(self) -> bool:
        return any(side.scope.is_production for side in (self.fleet, self.other) if side is not None)

    def show_scope(self) -> None:
        super().show_scope()
        if self.is_production:
            self.title_line.show_tag(f"{_name(self.fleet)} + {_name(self.other)}".upper(), "production")

    def fleet_changed(self) -> None:
        self._redraw()

    def watch_other(self) -> None:
        if self.is_mounted:
            self.show_scope()
            self._redraw()
            self.show_state()

    def _redraw(self) -> None:
        if self.fleet is None:
            return
        seen = (self.fleet.rollouts, self.other.rollouts if self.other is not None else None)
        if seen[0] is self._seen[0] and seen[1] is self._seen[1]:
            return
        self._seen = seen
        self.set_class(
            any(side.scope.is_production for side in (self.fleet, self.other) if side is not None), "-production"
        )
        names = (_name(self.fleet), _name(self.other))
        if names != self._columns:
            self._columns = names
            self._table.set_columns(_columns(*names))
        rows = drift(self.fleet, self.other or Fleet(self.fleet.scope))
        self._rows = {(row.name, row.kind): row for row in sorted(rows, key=lambda row: not drift_word(row))}
        self._table.set_rows(tuple(self._rows), self._row, empty=("Neither has a workload here.",))

    def _row(self, key: _Key) -> Row:
        row = self._rows[key]
        word = drift_word(row) if self.other is not None else ""
        if self.other is None:
            middle = Cell("")
        elif word:
            middle = Cell(f"{palette.signs.warn} {word}", "warn")
        else:
            middle = Cell("= but size" if row.differs else "= same", "quiet")
        lit = "warn" if word == "version" else ""
        return Cell(row.name, "strong" if word else ""), *_side(row.left, lit), middle, *_side(row.right, lit)

    @on(LiveTable.RowChosen)
    def _chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        row = self._rows.get(message.key)
        left = self._template(self.fleet, row.left) if row is not None else None
        right = self._template(self.other, row.right) if row is not None else None
        if row is None or row.left is None or row.right is None or left is None or right is None:
            self.say("It is there on one side only.", "warn")
            return
        from screens.compare import CompareScreen

        production = next(
            (side for side in (self.fleet, self.other) if side is not None and side.scope.is_production), None
        )
        self.app.push_screen(
            CompareScreen(
                f"of {row.name}",
                f"{_name(self.fleet)} {row.left.image.version}",
                f"{_name(self.other)} {row.right.image.version}",
                compare(left, right),
                fleet=production or self.fleet,
                target=Target(workload=row.left.key),
            )
        )

    def _template(self, fleet: Fleet | None, side: Side | None) -> PodTemplate | None:
        rollout = fleet.rollouts.get(side.key) if fleet is not None and side is not None else None
        return rollout.workload.template if rollout is not None else None


def _name(fleet: Fleet | None) -> str:
    return environment_word(fleet.scope).lower() if fleet is not None else "…"


def _columns(left: str, right: str) -> tuple[Column, ...]:
    return (
        Column("WORKLOAD", least=10, most=32),
        Column(left.upper(), least=7, most=24),
        Column("PODS", least=6, most=26),
        Column("DRIFT", least=9, most=12),
        Column(right.upper(), least=7, most=24),
        Column("PODS", least=6, most=26),
    )


def _side(side: Side | None, lit: str) -> tuple[Cell, Cell]:
    if side is None:
        return Cell("missing", "warn"), Cell("")
    degree = side.verdict.degree
    state = Cell(
        f"{palette.degree_sign(degree)} {side.ready}/{side.desired}",
        palette.degree_style(degree),
        (Cell(f" {side.verdict.title}", "quiet"),) if degree else (),
    )
    return Cell(side.image.version, lit), state
