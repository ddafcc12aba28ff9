"""Every pod of the namespace: what is faulty or belongs to the selected rollout comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from domain.ages import short_duration
from domain.fleet import EMPTY, Fleet
from domain.pods import Pod, PodUsage
from domain.rollouts import Rollout
from domain.streams import Source
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import amounts, palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested
from widgets.ordered_rows import OrderedRows
from widgets.pane import Chip, nothing_to_show
from widgets.rows import Cell, Column, Row
from widgets.table_pane import TablePane

_NONE = Cell("-", "quiet")
_FINISHED = frozenset({"Succeeded", "Completed"})


class PodsPane(TablePane[str]):
    number = 2
    name_of_pane = "pods"
    title = "Pods"
    sources = (Source.PODS,)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("NAMESPACE", 8, 24, rank=5),
        Column("NAME", 16, 64, grows=True, cut=palette.Cut.MIDDLE),
        Column("REV", 3, 3, rank=2),
        Column("READY", 5, 7, rank=3, is_right=True),
        Column("STATUS", 9, 34),
        Column("RST", 3, 15, rank=1, step=4, is_right=True),
        Column("AGE", 5, 9, rank=1, is_right=True),
        Column("CPU", 4, 7, rank=6, is_right=True),
        Column("MEM", 4, 8, rank=6, is_right=True),
        Column("NODE", 6, 28, rank=8, cut=palette.Cut.START),
        Column("IP", 9, 40, rank=9, is_wide=True),
        Column("CPU/LIMIT", 9, 14, rank=10, is_right=True, is_wide=True),
        Column("MEM/LIMIT", 9, 16, rank=10, is_right=True, is_wide=True),
    )

    def __init__(self) -> None:
        super().__init__()
        self._rows: OrderedRows[Pod] = OrderedRows(self._own_order)
        self._usage: Mapping[str, PodUsage] = EMPTY
        self._rollout: Rollout | None = None
        self._new: frozenset[str] = frozenset()
        self._old: frozenset[str] = frozenset()
        self._faulty: set[str] = set()
        self._has_namespaces: bool | None = None

    @property
    def target(self) -> Target:
        pod = self.fleet.pods.get(self.table.cursor or "") if self.fleet else None
        if self.fleet is None or pod is None:
            return Target(self.selected)
        return Target(self.fleet.owner_of(pod), pod_uid=pod.uid)

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        count = f"{len(fleet.pods):,}"
        if self.is_narrowed:
            count = f"{len(self._rows):,} of {count}"
        if self._faulty:
            count += f" ({len(self._faulty):,} faulty)"
        return self.captioned(count)

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        faulty = sum(pod.is_faulty for pod in fleet.pods.values())
        if faulty:
            return Chip(f"pods {palette.signs.bad}{faulty:,}", "bad")
        return Chip(f"pods {palette.signs.good}", "good")

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        self.post_message(ActionRequested("logs", self.target))

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        self._show_namespaces(not fleet.scope.namespace)
        moved = self._follow_rollout(fleet.rollouts.get(selected) if selected else None)
        if fleet.usage is not self._usage:
            self._usage = fleet.usage
            if self.sorted_by is not None and self.columns[self.sorted_by].name in ("CPU", "MEM"):
                self.rearranged()
        changes = self._rows.take(fleet.pods, moved)
        self._faulty.difference_update(changes.gone)
        for uid in changes.changed:
            (self._faulty.add if fleet.pods[uid].is_faulty else self._faulty.discard)(uid)
        self.table.set_rows(self._rows, lambda uid: self._row(fleet, fleet.pods[uid]), empty=self._nothing(fleet))

    def _nothing(self, fleet: Fleet) -> tuple[str, str]:
        if fleet.pods and self.is_narrowed:
            if not self.filter:
                return f"{palette.signs.good} No pod is in trouble.", "Ctrl-z shows all of them again."
            return f"No pod matches /{self.filter.text}", "Esc clears the filter."
        where = fleet.scope.namespace or "any namespace"
        return nothing_to_show(fleet, self.sources, f"No pods in {where}.", "Another namespace: `:ns NAME`, or `:ns all`.")

    def _show_namespaces(self, wanted: bool) -> None:
        if wanted != self._has_namespaces:
            self._has_namespaces = wanted
            self.table.hide_columns(() if wanted else (0,))

    # Order

    def _follow_rollout(self, rollout: Rollout | None) -> frozenset[str]:
        """The uids of pods that come to stand elsewhere because another rollout is selected, or has other pods."""
        if rollout is self._rollout:
            return frozenset()
        self._rollout = rollout
        new = frozenset(rollout.new_pods if rollout else ())
        old = frozenset(rollout.old_pods if rollout else ())
        moved = (new ^ self._new) | (old ^ self._old)
        self._new, self._old = new, old
        return moved

    def rearranged(self) -> None:
        keep = self._keep if self.is_narrowed else None
        order = self._own_order if self.sorted_by is None else self._order_by(self.columns[self.sorted_by].name)
        self._rows.arrange(order, keep, is_descending=self.sorted_by is not None and self.is_descending)

    def _keep(self, pod: Pod) -> bool:
        if self.is_faults_only and not pod.is_faulty:
            return False
        text = f"{pod.name} {pod.namespace} {pod.status} {pod.node} {pod.ip}"
        return not self.filter or self.filter.matches(text, pod.labels)

    def _own_order(self, pod: Pod) -> tuple[int, str, str]:
        is_ours = pod.uid in self._new or pod.uid in self._old
        if pod.is_faulty:
            rank = 0 if is_ours else 2
        elif pod.uid in self._new:
            rank = 1
        else:
            rank = 3 if is_ours else 4
        return (rank, pod.namespace, pod.name)

    def _order_by(self, column: str) -> Callable[[Pod], Any]:
        usage = self._usage

        def used(pod: Pod) -> PodUsage | None:
            return usage.get(f"{pod.namespace}/{pod.name}")

        orders: dict[str, Callable[[Pod], Any]] = {
            "NAMESPACE": lambda p: p.namespace,
            "REV": lambda p: p.uid not in self._new,
            "READY": lambda p: p.ready_count / p.total_count if p.total_count else 0.0,
            "STATUS": lambda p: p.status,
            "RST": lambda p: p.restarts,
            "AGE": lambda p: -p.created_at,
            "NODE": lambda p: p.node,
            "IP": lambda p: p.ip,
            "CPU": lambda p: u.cpu_m if (u := used(p)) else -1,
            "MEM": lambda p: u.memory_bytes if (u := used(p)) else -1,
        }
        orders["CPU/LIMIT"], orders["MEM/LIMIT"] = orders["CPU"], orders["MEM"]
        order = orders.get(column)
        return (lambda p: (order(p), p.name)) if order else (lambda p: p.name)

    # Rows

    def _row(self, fleet: Fleet, pod: Pod) -> Row:
        usage = fleet.usage_of(pod)
        cpu, cpu_of = _cpu(pod, usage)
        mem, mem_of = _memory(pod, usage)
        return (
            Cell(pod.namespace),
            Cell(pod.name, "bad" if pod.is_faulty else ""),
            self._revision(fleet, pod),
            Cell(f"{pod.ready_count}/{pod.total_count}", "" if pod.ready or pod.status in _FINISHED else "warn"),
            _status(pod),
            _restarts(pod, fleet.now),
            Cell(short_duration(fleet.now - pod.created_at)),
            cpu,
            mem,
            Cell(pod.node or "-", "" if pod.node else "quiet"),
            Cell(pod.ip or "-", "" if pod.ip else "quiet"),
            cpu_of,
            mem_of,
        )

    def _revision(self, fleet: Fleet, pod: Pod) -> Cell:
        if pod.uid in self._new:
            return Cell("new", "new") if self._old else _NONE
        if pod.uid in self._old:
            return Cell("old")
        key = fleet.owner_of(pod)
        rollout = fleet.rollouts.get(key) if key else None
        if rollout is None or rollout.new is None or not rollout.old_pods:
            return _NONE
        return Cell("new", "new") if rollout.new.template_hash == pod.template_hash else Cell("old")


def _status(pod: Pod) -> Cell:
    if pod.is_faulty:
        return Cell(pod.status, "bad")
    if pod.status in _FINISHED:
        return Cell(pod.status, "quiet")
    if pod.status == "Running":
        return Cell(pod.status, "good" if pod.ready else "warn")
    return Cell(pod.status, "accent")


def _restarts(pod: Pod, now: float) -> Cell:
    if not pod.restarts:
        return Cell("0", "quiet")
    if pod.last_restart_at is None:
        return Cell(str(pod.restarts), "warn")
    ago = now - pod.last_restart_at
    return Cell(f"{pod.restarts} ({short_duration(ago)})", "warn" if ago < 3600 else "")


def _cpu(pod: Pod, usage: PodUsage | None) -> tuple[Cell, Cell]:
    if usage is None:
        return _NONE, _NONE
    used = amounts.cpu(usage.cpu_m)
    if not pod.cpu_limit_m:
        return Cell(used), Cell(f"{used}/-")
    return Cell(*amounts.share_of(usage.cpu_m, pod.cpu_limit_m)), Cell(f"{used}/{amounts.cpu(pod.cpu_limit_m)}")


def _memory(pod: Pod, usage: PodUsage | None) -> tuple[Cell, Cell]:
    if usage is None:
        return _NONE, _NONE
    used = amounts.memory(usage.memory_bytes)
    if not pod.memory_limit_bytes:
        return Cell(used), Cell(f"{used}/-")
    share = Cell(*amounts.share_of(usage.memory_bytes, pod.memory_limit_bytes))
    return share, Cell(f"{used}/{amounts.memory(pod.memory_limit_bytes)}")
