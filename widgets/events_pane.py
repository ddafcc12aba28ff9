"""What Kubernetes reported, newest first; what is about the selected rollout stands before everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.occurrences import Occurrence
from domain.streams import Source
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested
from widgets.ordered_rows import OrderedRows
from widgets.pane import Chip, nothing_to_show
from widgets.rows import Cell, Column, Row
from widgets.table_pane import TablePane

_NO_LABELS: dict[str, str] = {}
_SHORT_KINDS = {"Deployment": "deploy", "ReplicaSet": "rs", "StatefulSet": "sts", "DaemonSet": "ds", "Pod": "pod"}


class EventsPane(TablePane[str]):
    number = 4
    name_of_pane = "events"
    title = "Events"
    sources = (Source.OCCURRENCES,)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("AGE", 4, 9, is_right=True),
        Column("TYPE", 7, 9, rank=3),
        Column("REASON", 8, 24, rank=1),
        Column("ABOUT", 14, 44, rank=2, cut=palette.Cut.MIDDLE),
        Column("TIMES", 5, 6, rank=4, is_right=True),
        Column("MESSAGE", 16, 400, grows=True),
    )

    def __init__(self) -> None:
        super().__init__()
        self._rows: OrderedRows[Occurrence] = OrderedRows(self._own_order)
        self._ours: frozenset[str] = frozenset()

    @property
    def target(self) -> Target:
        event = self.fleet.occurrences.get(self.table.cursor or "") if self.fleet else None
        if self.fleet is None or event is None:
            return Target(self.selected)
        pod = self.fleet.pods.get(event.about_uid)
        if pod is not None:
            return Target(self.fleet.owner_of(pod), pod_uid=pod.uid)
        workload = self.fleet.workloads.get(event.about_uid)
        return Target(workload.key if workload else self.selected)

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        first = f"{selected.name} first" if selected and self.sorted_by is None else ""
        return self.captioned(f"{len(self._rows):,}", first)

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        since = fleet.now - 600
        warnings = sum(1 for e in fleet.occurrences.values() if e.last_at >= since and e.type == "Warning")
        if not warnings:
            return Chip(f"events {palette.signs.good}", "good")
        return Chip(f"events {palette.signs.warn}{warnings}", "warn")

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        self.post_message(ActionRequested("describe", self.target))

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        ours = _related(fleet, selected)
        if ours != self._ours:
            changed, self._ours = ours ^ self._ours, ours
            moved = frozenset(uid for uid, e in fleet.occurrences.items() if e.about_uid in changed)
        else:
            moved = frozenset()
        self._rows.take(fleet.occurrences, moved)
        events = fleet.occurrences
        self.table.set_rows(self._rows, lambda uid: self._row(fleet, events[uid]), empty=self._nothing(fleet))

    def _nothing(self, fleet: Fleet) -> tuple[str, str]:
        if fleet.occurrences and self.is_narrowed:
            if not self.filter:
                return f"{palette.signs.good} No warnings.", "Ctrl-z shows all events again."
            return f"No event matches /{self.filter.text}", "Esc clears the filter."
        then = "Kubernetes forgets them after an hour; those seen here are kept."
        return nothing_to_show(fleet, self.sources, "No events.", then)

    # Order

    def rearranged(self) -> None:
        keep = self._keep if self.is_narrowed else None
        order = self._own_order if self.sorted_by is None else _ORDERS[self.columns[self.sorted_by].name]
        self._rows.arrange(order, keep, is_descending=self.sorted_by is not None and self.is_descending)

    def _keep(self, event: Occurrence) -> bool:
        if self.is_faults_only and event.type != "Warning":
            return False
        text = f"{event.type} {event.reason} {event.about_kind}/{event.about_name} {event.message}"
        return not self.filter or self.filter.matches(text, _NO_LABELS)

    def _own_order(self, event: Occurrence) -> tuple[bool, float]:
        return (event.about_uid not in self._ours, -event.last_at)

    # Rows

    def _row(self, fleet: Fleet, event: Occurrence) -> Row:
        is_warning = event.type == "Warning"
        style = "warn" if is_warning else ""
        age = short_duration(fleet.now - event.last_at)
        is_ours = event.about_uid in self._ours
        about = f"{_SHORT_KINDS.get(event.about_kind, event.about_kind.lower())}/{event.about_name}"
        return (
            Cell(age, "quiet" if event.is_remembered else ""),
            Cell(event.type, style or "quiet"),
            Cell(event.reason, style),
            Cell(about, "" if is_ours else "quiet"),
            Cell(f"{palette.signs.times}{event.count}" if event.count > 1 else "", ""),
            Cell(event.message, "" if is_ours or is_warning else "quiet"),
        )


_ORDERS: dict[str, Callable[[Occurrence], Any]] = {
    "AGE": lambda e: -e.last_at,
    "TYPE": lambda e: (e.type, -e.last_at),
    "REASON": lambda e: (e.reason, -e.last_at),
    "ABOUT": lambda e: (e.about_name, -e.last_at),
    "TIMES": lambda e: (e.count, -e.last_at),
    "MESSAGE": lambda e: (e.message, -e.last_at),
}


def _related(fleet: Fleet, selected: WorkloadKey | None) -> frozenset[str]:
    """Uids of the rollout's pods, of its revisions and of the workload itself."""
    rollout = fleet.rollouts.get(selected) if selected else None
    if rollout is None:
        return frozenset()
    revisions = (line.revision.uid for line in rollout.history)
    return frozenset((rollout.workload.uid, *rollout.new_pods, *rollout.old_pods, *revisions))
