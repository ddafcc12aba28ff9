"""Every workload with its rollout, its verdict and why; a workload opens in place to its revisions and their pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from domain.ages import clock, short_duration
from domain.fleet import Fleet
from domain.rollouts import RevisionMark, Rollout
from domain.streams import Source
from domain.targets import Target
from domain.verdict import Degree, Verdict
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested, WorkloadSelected
from widgets.pane import nothing_to_show
from widgets.rows import Cell, Column, Line, Row
from widgets.table_pane import TablePane

_BAR = 10
_NARROW = 100
"""Below this many cells the verdict stands on a line of its own."""
_FULL = 140
"""From here on there is room for how many of the new pods are ready."""
_INDENT = 2


class TreeKey(NamedTuple):
    """A row: "workload", or under one "verdict", "cause", "log", "revision" or "pod"."""

    kind: str
    workload: WorkloadKey
    uid: str = ""
    number: int = 0


class RolloutsPane(TablePane[TreeKey]):
    number = 1
    name_of_pane = "rollouts"
    title = "Rollouts"
    sources = (
        Source.DEPLOYMENTS,
        Source.STATEFUL_SETS,
        Source.DAEMON_SETS,
        Source.REPLICA_SETS,
        Source.CONTROLLER_REVISIONS,
        Source.PODS,
    )
    has_titles = False
    columns: ClassVar[tuple[Column, ...]] = (
        Column("NAME", 12, 36, is_sortable=False),
        Column("VERSION", 7, 33, rank=2, is_sortable=False),
        Column("PROGRESS", _BAR + 2, _BAR + 2, rank=4, is_sortable=False),
        Column("PODS", 7, 26, rank=1, is_sortable=False),
        Column("VERDICT", 17, 200, grows=True, is_sortable=False),
    )

    def __init__(self) -> None:
        super().__init__()
        self._opened: set[tuple[WorkloadKey, str]] = set()
        """(workload, "") and (workload, revision uid)."""
        self.table.leads = True
        self.log_lines = 1
        """How many of a failing container's last lines are shown under its rollout."""

    # What it says

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        troubled = sum(1 for r in fleet.rollouts.values() if r.degree >= Degree.SUSPECT)
        count = f"{len(fleet.rollouts):,}"
        if troubled:
            count += f" ({troubled:,} in trouble)"
        return self.captioned(count)

    @property
    def target(self) -> Target:
        key = self.table.cursor
        if key is None:
            return Target(self.selected)
        if key.kind == "pod":
            return Target(key.workload, pod_uid=key.uid)
        return Target(key.workload, revision_uid=key.uid if key.kind == "revision" else "")

    def lines_at(self, width: int) -> int:
        """How many rows there are, for an arrangement that gives the pane what it needs."""
        return sum(1 for _ in self._rows(self.fleet, width)) if self.fleet else 0

    def is_selectable(self, key: TreeKey) -> bool:
        return key.kind in ("workload", "revision", "pod")

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        width = self.size.width
        rows = dict(self._rows(fleet, width))
        self.want_lines(len(rows))

        def row(key: TreeKey) -> Row:
            found = rows[key]
            return self._workload(fleet, found, width, False) if isinstance(found, Rollout) else found

        self.table.set_rows(tuple(rows), row, empty=self._nothing(fleet))

    def _nothing(self, fleet: Fleet) -> tuple[str, str]:
        if fleet.rollouts and self.is_narrowed:
            if not self.filter:
                return f"{palette.signs.good} No rollout is in trouble.", "Ctrl-z shows all of them again."
            return f"No workload matches /{self.filter.text}", "Esc clears the filter."
        where = fleet.scope.namespace or "any namespace"
        return nothing_to_show(
            fleet,
            self.sources[:3],
            f"No deployments, stateful sets or daemon sets in {where}.",
            "Another namespace: `:ns NAME`, or `:ns all`.",
        )

    # Rows

    def _rows(self, fleet: Fleet, width: int) -> Iterator[tuple[TreeKey, Row | Rollout]]:
        """A healthy workload's row is worked out when it is seen: there can be hundreds."""
        for key, rollout in fleet.rollouts.items():
            if self.is_narrowed and not self._is_kept(rollout):
                continue
            is_open = (key, "") in self._opened
            if not is_open and rollout.degree is Degree.HEALTHY:
                yield TreeKey("workload", key), rollout
                continue
            yield TreeKey("workload", key), self._workload(fleet, rollout, width, is_open)
            if rollout.degree >= Degree.PROGRESSING:
                yield from self._why(fleet, rollout, width)
            if is_open:
                yield from self._tree(fleet, rollout)

    def _is_kept(self, rollout: Rollout) -> bool:
        if self.is_faults_only and rollout.degree < Degree.SUSPECT:
            return False
        workload = rollout.workload
        text = f"{workload.name} {workload.namespace} {rollout.image.short} {rollout.verdict.title}"
        return not self.filter or self.filter.matches(text, workload.selector)

    def _workload(self, fleet: Fleet, rollout: Rollout, width: int, is_open: bool) -> Row:
        name = rollout.workload.name
        if not fleet.scope.namespace:
            name = f"{rollout.workload.namespace}/{name}"
        if is_open:
            name = f"{palette.signs.opened} {name}"
        verdict = rollout.verdict
        return (
            Cell(name, "strong" if rollout.degree >= Degree.PROGRESSING else ""),
            _versions(rollout, 12 if width < _NARROW else 16),
            _bar(rollout),
            _counts(rollout, width),
            Cell(
                *_headline(verdict), more=_aside(fleet, rollout) if self._has_room_for_aside(fleet, rollout, width) else ()
            ),
        )

    def _has_room_for_aside(self, fleet: Fleet, rollout: Rollout, width: int) -> bool:
        """Both clocks stand after the headline, or on a line of their own rather than cut off."""
        if width < _NARROW:
            return False
        room = self.table.last_column_room
        needs = len(_headline(rollout.verdict)[0]) + sum(cell.width for cell in _aside(fleet, rollout))
        return not room or rollout.degree is Degree.HEALTHY or needs <= room

    def _why(self, fleet: Fleet, rollout: Rollout, width: int) -> Iterator[tuple[TreeKey, Row]]:
        key, verdict = rollout.key, rollout.verdict
        cause = [Cell(verdict.cause, "strong")] if verdict.cause else []
        rest = [Cell(verdict.capacity, _capacity_style(rollout))] if verdict.capacity else []
        aside = _aside(fleet, rollout)
        if aside and not self._has_room_for_aside(fleet, rollout, width):
            beside = Cell(aside[0].text.lstrip(), aside[0].style, aside[1:])
            if verdict.degree >= Degree.SUSPECT:
                yield TreeKey("verdict", key), Line((beside._replace(more=()), *beside.more), _INDENT)
            else:
                rest.insert(0, beside)
        if rollout.degree.is_failing and (good := rollout.good_target) is not None:
            rest.append(Cell(f"{palette.signs.star} {good.image.version} is the last known good", "good"))
        together = sum(cell.width + 3 for cell in (*cause, *rest)) + _INDENT <= width
        for number, cells in enumerate([cause + rest] if together else [cause, rest]):
            if cells:
                yield TreeKey("cause", key, number=number), Line(_dotted(cells), _INDENT)
        if rollout.degree.is_failing:
            bar = Cell(f"{palette.signs.began} ", "quiet")
            for number, line in enumerate(_last_words(fleet, rollout, self.log_lines)):
                yield TreeKey("log", key, number=number), Line((bar, Cell(line)), _INDENT)

    def _tree(self, fleet: Fleet, rollout: Rollout) -> Iterator[tuple[TreeKey, Row]]:
        for entry in rollout.history:
            revision = entry.revision
            pods = fleet.pods_by_owner.get(revision.uid) or {}
            if not revision.replicas and not pods:
                continue
            is_new = rollout.new is not None and revision.template_hash == rollout.new.template_hash
            is_open = (rollout.key, revision.uid) in self._opened
            sign = palette.signs.opened if is_open else palette.signs.closed
            cells = (
                Cell(f"{sign} {entry.image.version}", "new" if is_new else ""),
                Cell(f"  {'new' if is_new else 'old'}  {revision.ready}/{revision.replicas} ready", ""),
                Cell(f"  {entry.mark}" if entry.mark else "", _MARK_STYLES.get(entry.mark, "")),
                Cell(f"  {revision.template_hash}  age {short_duration(fleet.now - revision.created_at)}", "quiet"),
            )
            yield TreeKey("revision", rollout.key, revision.uid), Line(cells, _INDENT)
            if not is_open:
                continue
            for pod in sorted(pods.values(), key=lambda p: (not p.is_faulty, p.name)):
                restarts = f"  {pod.restarts} restart{'s' if pod.restarts > 1 else ''}" if pod.restarts else ""
                state = Cell(f"  {pod.ready_count}/{pod.total_count}  {pod.status}", "bad" if pod.is_faulty else "")
                rest = Cell(f"{restarts}  age {short_duration(fleet.now - pod.created_at)}  {pod.node}", "quiet")
                branch = Cell(f"{palette.signs.branch} {pod.name}")
                yield TreeKey("pod", rollout.key, pod.uid), Line((branch, state, rest), _INDENT * 2)

    def on_resize(self) -> None:
        self.redraw()

    # What the person does

    def on_live_table_cursor_moved(self, message: LiveTable.CursorMoved) -> None:
        message.stop()
        if message.key.workload != self.selected:
            self.post_message(WorkloadSelected(message.key.workload))

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        self._toggle(message.key, None)

    def on_live_table_row_opened(self, message: LiveTable.RowOpened) -> None:
        message.stop()
        self._toggle(message.key, True)

    def on_live_table_row_closed(self, message: LiveTable.RowClosed) -> None:
        message.stop()
        key: TreeKey = message.key
        if key.kind == "pod" and self.fleet is not None:
            pod = self.fleet.pods.get(key.uid)
            self.table.move_to(TreeKey("revision", key.workload, pod.owner_uid if pod else ""))
        elif key.kind == "revision" and (key.workload, key.uid) not in self._opened:
            self.table.move_to(TreeKey("workload", key.workload))
        else:
            self._toggle(key, False)

    def _toggle(self, key: TreeKey, is_open: bool | None) -> None:
        if key.kind == "pod":
            if is_open is None:
                self.post_message(ActionRequested("logs", self.target))
            return
        branch = (key.workload, key.uid)
        if is_open is None:
            is_open = branch not in self._opened
        (self._opened.add if is_open else self._opened.discard)(branch)
        if is_open and key.kind == "workload" and self.fleet is not None:
            # The newest revision opens along: it is what one wants to see, one key press further.
            rollout = self.fleet.rollouts.get(key.workload)
            if rollout is not None and rollout.new is not None:
                self._opened.add((key.workload, rollout.new.uid))
        self.redraw()


def _dotted(cells: list[Cell]) -> tuple[Cell, ...]:
    between = Cell(f" {palette.signs.dot} ", "quiet")
    return tuple(part for cell in cells for part in (between, cell._replace(more=()), *cell.more))[1:]


_MARK_STYLES = {
    RevisionMark.GOOD: "good",
    RevisionMark.FAILING: "bad",
    RevisionMark.FAILED: "bad",
    RevisionMark.CURRENT: "accent",
}


def _versions(rollout: Rollout, most: int) -> Cell:
    def short(version: str) -> str:
        return palette.fit(version, min(most, palette.width_of(version)))

    old = rollout.old_image
    if old is None:
        return Cell(short(rollout.image.version))
    return Cell(
        short(old.version),
        "",
        (Cell(f" {palette.signs.arrow} ", "quiet"), Cell(short(rollout.image.version), "new")),
    )


def _bar(rollout: Rollout) -> Cell:
    """Full: new and ready. Shaded: new, not ready yet. Light: still to come."""
    desired = rollout.workload.desired
    if not desired:
        return Cell("")
    updated = min(rollout.workload.updated, desired)
    ready = min(rollout.workload.available if rollout.is_complete else rollout.new_ready, updated)
    full = ready * _BAR // desired
    shaded = max(updated * _BAR // desired - full, 0)
    style = palette.degree_style(rollout.degree)
    s = palette.signs
    done = Cell(s.bar_full * full + s.bar_ready * shaded, style)
    rest = Cell(s.bar_empty * (_BAR - full - shaded) + s.bar_right, "quiet")
    return Cell(s.bar_left, "quiet", (done, rest))


def _counts(rollout: Rollout, width: int) -> Cell:
    workload = rollout.workload
    if rollout.is_complete and not rollout.old_pods:
        return Cell(f"{workload.ready}/{workload.desired}", "" if workload.ready >= workload.desired else "warn")
    if not workload.desired and not rollout.new_pods and not rollout.old_pods:
        return Cell("0 wanted", "quiet")
    text = f"{workload.updated}/{workload.desired} new"
    if width >= _FULL:
        text += f", {rollout.new_ready} ready"
    if rollout.old_pods:
        text += f", {len(rollout.old_pods)} old"
    return Cell(text)


def _headline(verdict: Verdict) -> tuple[str, str]:
    title = verdict.title.upper() if verdict.degree >= Degree.SUSPECT else verdict.title
    return f"{palette.degree_sign(verdict.degree)} {title}", palette.degree_style(verdict.degree)


def _aside(fleet: Fleet, rollout: Rollout) -> tuple[Cell, ...]:
    """What stands after the headline: both clocks of a failure, or how long a rollout may still take."""
    verdict = rollout.verdict
    dot = f" {palette.signs.dot} "
    if verdict.degree >= Degree.SUSPECT:
        since = f" at {clock(verdict.since_began_s)}" if verdict.since_began_s is not None else ""
        says_at = verdict.kubernetes_says_at_s
        says = f"Kubernetes says so at {clock(says_at)}" if says_at is not None else "Kubernetes never says so"
        return (Cell(since, "strong"), Cell(f"{dot}{says}" if since else f"  {says}", ""))
    if verdict.degree is Degree.PROGRESSING:
        cells = []
        if rollout.began_at is not None:
            cells.append(Cell(f"  {clock(fleet.now - rollout.began_at)}", "strong"))
        if rollout.eta_s is not None:
            cells.append(Cell(f"{dot}about {short_duration(rollout.eta_s)} left"))
        return tuple(cells)
    if verdict.degree is Degree.HEALTHY and rollout.finished_at is not None:
        return (Cell(f"  {short_duration(fleet.now - rollout.finished_at)}", "quiet"),)
    return ()


def _capacity_style(rollout: Rollout) -> str:
    workload = rollout.workload
    if rollout.new_ready + rollout.old_ready >= workload.desired:
        return "good"
    return "bad" if rollout.degree.is_failing else ""


def _last_words(fleet: Fleet, rollout: Rollout, most: int) -> tuple[str, ...]:
    """The last log lines of a failing container, where they have been fetched."""
    ours = set(rollout.new_pods)
    tails = [tail for tail in fleet.log_tails.values() if tail.pod_uid in ours]
    if not tails or not most:
        return ()
    newest = max(tails, key=lambda tail: tail.at)
    return tuple(line for line in newest.lines if line.strip())[-most:]
