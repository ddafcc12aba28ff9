"""What Kubernetes reported, newest first and repetitions as one; the selected rollout's stand before everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from domain.ages import short_duration
from domain.fleet import EMPTY, Fleet
from domain.happenings import Happening, happenings
from domain.rollouts import Rollout
from domain.streams import Source
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested
from widgets.palette import Cut
from widgets.pane import Chip, nothing_to_show
from widgets.rows import Cell, Column, Row
from widgets.table_pane import TablePane

_NO_LABELS: dict[str, str] = {}
_SHORT_KINDS = {"Deployment": "deploy", "ReplicaSet": "rs", "StatefulSet": "sts", "DaemonSet": "ds", "Pod": "pod"}
_AT_ONCE = 500
"""More events than this are put in order once a second, not at each one that comes."""
_RECENT_S = 600.0


class EventsPane(TablePane[str]):
    """Wide shows the boring ones too (Scheduled, Pulled, Created, Started)."""

    number = 4
    name_of_pane = "events"
    title = "Events"
    sources = (Source.OCCURRENCES,)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("AGE", 5, 9, is_right=True),
        Column("TYPE", 7, 9, rank=3),
        Column("REASON", 8, 24, rank=1),
        Column("ABOUT", 14, 46, rank=2, cut=Cut.MIDDLE),
        Column("TIMES", 5, 6, rank=4, is_right=True),
        Column("MESSAGE", 16, 400, grows=True),
    )

    def __init__(self) -> None:
        super().__init__()
        self._made_from: tuple[object, Rollout | None, bool] = (EMPTY, None, False)
        self._made_at = 0.0
        self._found: tuple[Happening, ...] = ()
        self._rows: dict[str, Happening] = {}

    @property
    def target(self) -> Target:
        happening = self._rows.get(self.table.cursor or "")
        if self.fleet is None or happening is None:
            return Target(self.selected)
        uid = happening.last.about_uid
        pod = self.fleet.pods.get(uid)
        if pod is not None:
            return Target(self.fleet.owner_of(pod), pod_uid=pod.uid)
        workload = self.fleet.workloads.get(uid)
        return Target(workload.key if workload else self.selected)

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        first = f"{selected.name} first" if selected and self.sorted_by is None and self._rows else ""
        return self.captioned(f"{len(self._rows):,}", first)

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        since = fleet.now - _RECENT_S
        warnings = sum(1 for e in fleet.occurrences.values() if e.last_at >= since and e.type == "Warning")
        if not warnings:
            return Chip(f"events {palette.signs.good}", "good")
        return Chip(f"events {palette.signs.warn}{warnings:,}", "warn")

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        self.post_message(ActionRequested("describe", self.target))

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        self._gather(fleet, selected)
        rows = self._rows
        self.table.set_rows(tuple(rows), lambda uid: _row(fleet, rows[uid]), empty=self._nothing(fleet))

    def _gather(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        rollout = fleet.rollouts.get(selected) if selected else None
        made_from = (fleet.occurrences, rollout, self.table.is_wide)
        before = self._made_from
        if all(now is then for now, then in zip(made_from, before, strict=True)):
            return
        is_selection = (rollout.key if rollout else None) != (before[1].key if before[1] else None)
        is_many = len(fleet.occurrences) > _AT_ONCE
        if is_many and not is_selection and made_from[2] == before[2] and fleet.now < self._made_at + 1:
            return
        self._made_from, self._made_at = made_from, fleet.now
        self._found = happenings(fleet, selected, with_boring=self.table.is_wide)
        self.rearranged()

    def _nothing(self, fleet: Fleet) -> tuple[str, str]:
        if self._found and self.is_narrowed:
            if not self.filter:
                return f"{palette.signs.good} No warnings.", "Ctrl-z shows all events again."
            return f"No event matches /{self.filter.text}", "Esc clears the filter."
        then = "Kubernetes forgets them after an hour; those seen here are kept."
        if fleet.occurrences:
            then = "Only ordinary ones (pulled, created, started): Ctrl-w shows them."
        return nothing_to_show(fleet, self.sources, "No events.", then)

    def rearranged(self) -> None:
        kept = [h for h in self._found if not self.is_narrowed or self._keep(h)]
        if self.sorted_by is not None:
            kept.sort(key=_ORDERS[self.columns[self.sorted_by].name], reverse=self.is_descending)
        self._rows = {h.last.uid: h for h in kept}

    def _keep(self, happening: Happening) -> bool:
        event = happening.last
        if self.is_faults_only and event.type != "Warning":
            return False
        text = f"{event.type} {event.reason} {event.about_kind}/{event.about_name} {event.message}"
        return not self.filter or self.filter.matches(text, _NO_LABELS)


def _row(fleet: Fleet, happening: Happening) -> Row:
    event = happening.last
    is_warning = event.type == "Warning"
    style = "warn" if is_warning else ""
    about = f"{_SHORT_KINDS.get(event.about_kind, event.about_kind.lower())}/{event.about_name}"
    if happening.objects > 1:
        about += f" +{happening.objects - 1}"
    return (
        Cell(short_duration(fleet.now - event.last_at), "quiet" if event.is_remembered else ""),
        Cell(event.type, style or "quiet"),
        Cell(event.reason, style),
        Cell(about, "" if happening.is_of_rollout else "quiet"),
        Cell(f"{palette.signs.times}{happening.count}" if happening.count > 1 else ""),
        Cell(event.message, "" if happening.is_of_rollout or is_warning else "quiet"),
    )


_ORDERS: dict[str, Callable[[Happening], Any]] = {
    "AGE": lambda h: -h.last.last_at,
    "TYPE": lambda h: (h.last.type, -h.last.last_at),
    "REASON": lambda h: (h.last.reason, -h.last.last_at),
    "ABOUT": lambda h: (h.last.about_name, -h.last.last_at),
    "TIMES": lambda h: (h.count, -h.last.last_at),
    "MESSAGE": lambda h: (h.last.message, -h.last.last_at),
}
