"""The versions a workload has had: what ran, who put it there, which one is known to be good. Two of them are compared."""

from __future__ import annotations

from typing import ClassVar

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.rollouts import RevisionLine, RevisionMark
from domain.streams import Source
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested
from widgets.pane import nothing_to_show
from widgets.rows import Cell, Column, Row
from widgets.table_pane import TablePane

_WHO = 3
"""The column that is left out where no revision says who made it."""
_STYLES = {
    RevisionMark.CURRENT: "accent",
    RevisionMark.FAILING: "bad",
    RevisionMark.GOOD: "good",
    RevisionMark.FAILED: "bad",
    RevisionMark.PAST: "",
}


class HistoryPane(TablePane[str]):
    """Space marks a revision; Enter on another one asks for `compare` with a pair of targets, the older one first."""

    number = 3
    name_of_pane = "history"
    title = "History"
    sources = (Source.REPLICA_SETS, Source.CONTROLLER_REVISIONS)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("", 1, 1, is_sortable=False),
        Column("VERSION", 8, 24, is_sortable=False),
        Column("WHEN", 4, 9, rank=2, is_right=True, is_sortable=False),
        Column("WHO", 3, 16, rank=3, is_sortable=False),
        Column("PODS", 4, 7, rank=4, is_right=True, is_sortable=False),
        Column("REV", 3, 5, rank=6, is_right=True, is_sortable=False, is_wide=True),
        Column("HASH", 8, 12, rank=5, is_sortable=False, is_wide=True),
        Column("DIGEST", 8, 16, rank=7, is_sortable=False, is_wide=True),
        Column("NOTE", 8, 200, rank=1, grows=True, is_sortable=False),
    )

    def __init__(self) -> None:
        super().__init__()
        self._marked = ""
        self._of: WorkloadKey | None = None

    @property
    def target(self) -> Target:
        return Target(self.selected, revision_uid=self.table.cursor or "")

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        marked = f"Enter compares with {palette.signs.marked}" if self._marked else ""
        return self.captioned(selected.name if selected else "", marked)

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        if selected != self._of:
            self._of, self._marked = selected, ""
            self.table.follow_first()
        rollout = fleet.rollouts.get(selected) if selected else None
        lines = {line.revision.uid: line for line in rollout.history if self._is_kept(line)} if rollout else {}
        if self._marked not in lines:
            self._marked = ""
        what, then = "Nothing is selected.", "Choose a workload in Rollouts (1)."
        if selected:
            what = f"No version of {selected.name} is kept."
            then = "Kubernetes keeps as many as spec.revisionHistoryLimit says."
        if rollout is not None and rollout.history and self.is_narrowed:
            what, then = "No version matches.", "Esc shows all of them again."
        self.table.hide_columns(() if any(line.revision.changed_by for line in lines.values()) else (_WHO,))
        self.table.set_rows(
            tuple(lines),
            lambda uid: self._row(fleet, lines[uid]),
            empty=nothing_to_show(fleet, self.sources, what, then),
        )

    def _is_kept(self, line: RevisionLine) -> bool:
        if self.is_faults_only and line.mark not in (RevisionMark.FAILING, RevisionMark.FAILED):
            return False
        revision = line.revision
        text = f"{line.image.short} {revision.template_hash} {revision.changed_by} {revision.change_cause} {line.mark}"
        return not self.filter or self.filter.matches(text, {})

    def _row(self, fleet: Fleet, line: RevisionLine) -> Row:
        revision = line.revision
        style = _STYLES[line.mark]
        return (
            Cell(self._sign(line), "accent" if revision.uid == self._marked else style),
            Cell(line.image.version, style if line.mark is not RevisionMark.PAST else ""),
            Cell(short_duration(fleet.now - revision.created_at)),
            Cell(revision.changed_by or "-", "" if revision.changed_by else "quiet"),
            Cell(f"{revision.ready}/{revision.replicas}") if revision.replicas else Cell("-", "quiet"),
            Cell(str(revision.number)),
            Cell(revision.template_hash),
            Cell(_digest(line)),
            _note(line),
        )

    def _sign(self, line: RevisionLine) -> str:
        s = palette.signs
        if line.revision.uid == self._marked:
            return s.marked
        signs = {
            RevisionMark.CURRENT: s.current,
            RevisionMark.FAILING: s.bad,
            RevisionMark.GOOD: s.star,
            RevisionMark.FAILED: s.bad,
        }
        return signs.get(line.mark, s.past)

    # What the person does

    def mark(self) -> None:
        uid = self.table.cursor or ""
        self._marked = "" if uid == self._marked else uid
        self.redraw()

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        rollout = self.fleet.rollouts.get(self.selected) if self.fleet and self.selected else None
        if rollout is None:
            return
        uids = [line.revision.uid for line in rollout.history]
        chosen: str = message.key
        other = self._marked if self._marked and self._marked != chosen else _neighbour(uids, chosen)
        if not other or chosen not in uids:
            return
        newer, older = sorted((chosen, other), key=uids.index)
        pair = (Target(self.selected, revision_uid=older), Target(self.selected, revision_uid=newer))
        self.post_message(ActionRequested("compare", pair))


def _neighbour(uids: list[str], chosen: str) -> str:
    """Without a mark, a version is compared with what the newest one is: the newest with the one before it."""
    if chosen not in uids or len(uids) < 2:
        return ""
    return uids[1] if chosen == uids[0] else uids[0]


def _digest(line: RevisionLine) -> str:
    digest = line.image_id.rpartition("@")[2] or line.image.digest
    return digest.removeprefix("sha256:")[:12] or "-"


def _note(line: RevisionLine) -> Cell:
    parts: list[Cell] = []
    if line.mark:
        parts.append(Cell(str(line.mark), _STYLES[line.mark]))
    if line.good_for_s and line.mark is not RevisionMark.FAILING:
        parts.append(Cell(short_duration(line.good_for_s)))
    if line.note:
        parts.append(Cell(line.note))
    if line.revision.change_cause:
        parts.append(Cell(line.revision.change_cause, "quiet"))
    cells = [parts[0]] if parts else [Cell("")]
    for part in parts[1:]:
        cells.append(part._replace(text=f", {part.text}"))
    return cells[0]._replace(more=tuple(cells[1:]))
