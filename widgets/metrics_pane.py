"""Numbers beside a rollout: what they are, what they may be, and what they were before it began."""

from __future__ import annotations

from typing import ClassVar

from domain.fleet import Fleet
from domain.metrics import Series
from domain.streams import Source, StreamPhase
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import amounts, palette
from widgets.live_table import LiveTable
from widgets.messages import ActionRequested
from widgets.pane import Chip, nothing_to_show
from widgets.rows import Cell, Column, Line, Row
from widgets.table_pane import TablePane

_SPARK = 24


class MetricsPane(TablePane[str]):
    """Enter asks for `chart`; the target is the metric's name."""

    number = 5
    name_of_pane = "metrics"
    title = "Metrics"
    sources = (Source.METRICS,)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("", 1, 1, is_sortable=False),
        Column("METRIC", 8, 20, is_sortable=False),
        Column("NOW", 7, 10, is_right=True, is_sortable=False),
        Column("TREND", 8, _SPARK, rank=2, is_sortable=False),
        Column("CHANGE", 7, 10, rank=1, is_right=True, is_sortable=False),
        Column("LIMIT", 7, 10, rank=3, is_right=True, is_sortable=False),
        Column("", 0, 60, rank=4, grows=True, is_sortable=False),
    )

    def __init__(self) -> None:
        super().__init__()
        self._of: WorkloadKey | None = None

    @property
    def target(self) -> Target:
        return Target(self.selected)

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        rollout = fleet.rollouts.get(selected) if selected else None
        began_at = rollout.began_at if rollout else None
        marked = any(_is_within(s, began_at) for s in fleet.metrics.get(selected, ())) if selected else False
        since = f"{palette.signs.began} where the rollout began" if marked else ""
        return self.captioned(selected.name if selected else "", since)

    @classmethod
    def chips(cls, fleet: Fleet, selected: WorkloadKey | None) -> tuple[Chip, ...]:
        phase = fleet.stream(Source.METRICS).phase
        if phase is StreamPhase.FAILED or fleet.is_stale(Source.METRICS):
            return (Chip(f"metrics {palette.signs.warn}", "warn"),)
        series = fleet.metrics.get(selected, ()) if selected else ()
        return tuple(_chip(s) for s in series if s.query.limit is not None or s.error)

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        if selected != self._of:
            self._of = selected
            self.table.follow_first()
        series = {s.query.name: s for s in fleet.metrics.get(selected, ())} if selected else {}
        names = [name for name, s in series.items() if self._is_kept(s)]
        rollout = fleet.rollouts.get(selected) if selected else None
        began_at = rollout.began_at if rollout else None
        self.table.set_rows(names, lambda name: _row(series[name], began_at), empty=self._nothing(fleet, bool(series)))
        self.want_lines(len(names))

    def _nothing(self, fleet: Fleet, has_some: bool) -> tuple[str, str]:
        if has_some:
            return "No metric matches.", "Esc or Ctrl-z shows all of them again."
        if fleet.stream(Source.METRICS).phase is StreamPhase.ABSENT:
            state = fleet.stream(Source.METRICS)
            return (
                state.reason or "No Prometheus was found in this cluster.",
                state.hint or "Set `prometheus.url` in quarterdeck.toml; `quarterdeck doctor` says where it looked.",
            )
        return nothing_to_show(fleet, self.sources, "No metrics for this workload yet.", "They are asked for every 15 s.")

    def _is_kept(self, series: Series) -> bool:
        if self.is_faults_only and not (series.is_over or series.error):
            return False
        return not self.filter or self.filter.matches(f"{series.query.name} {series.query.title}", {})

    def on_live_table_row_chosen(self, message: LiveTable.RowChosen) -> None:
        message.stop()
        self.post_message(ActionRequested("chart", message.key))


def _is_within(series: Series, moment: float | None) -> bool:
    return moment is not None and bool(series.points) and series.points[0][0] < moment <= series.points[-1][0]


def _chip(series: Series) -> Chip:
    name = series.query.name
    if series.error or series.value is None:
        return Chip(f"{name} ?", "quiet")
    if series.is_over:
        return Chip(f"{name} {palette.signs.bad}", "bad")
    return Chip(f"{name} {palette.signs.good}", "good")


def _row(series: Series, began_at: float | None) -> Row:
    query = series.query
    if series.error:
        text = f"{query.title}: {series.error}"
        return Line((Cell(f"{palette.signs.bad} ", "bad"), Cell(text), Cell(f"  {series.hint}", "quiet")))
    value = series.value
    if value is None:
        blank = Cell("-", "quiet")
        none = Cell("no data: no such series for this workload", "quiet")
        return (Cell("?", "quiet"), Cell(query.title), blank, Cell(""), blank, _limit(series), none)
    style = "bad" if series.is_over else ""
    before = series.before(began_at) if began_at is not None else None
    if series.is_over:
        sign = Cell(palette.signs.bad, "bad")
    else:
        sign = Cell(palette.signs.good, "good") if query.limit is not None else Cell(palette.signs.dot, "quiet")
    note = "" if series.is_scoped else "unscoped: counts other workloads too"
    return (
        sign,
        Cell(query.title),
        Cell(amounts.quantity(value, query.unit), style or "strong"),
        Cell(spark(series, began_at, _SPARK), style),
        Cell("-", "quiet") if before is None else Cell(amounts.change(value, before, query.unit)),
        _limit(series),
        Cell(note, "warn"),
    )


def _limit(series: Series) -> Cell:
    limit = series.query.limit
    return Cell("-" if limit is None else amounts.quantity(limit, series.query.unit), "quiet")


def spark(series: Series, began_at: float | None, width: int) -> str:
    """The points as blocks, oldest on the left; a line stands where `began_at` falls between two of them.

    The full height is the limit, or the largest value where that is more: how high it looks is how bad it is.
    """
    points = series.points
    if not points:
        return ""
    marks = _is_within(series, began_at)
    room = width - 1 if marks else width
    shown = points[-room:]
    values = [value for _, value in shown]
    limit = series.query.limit
    low, high = min(0.0, *values), max(*values, limit if limit is not None else 1.3 * max(values))
    levels = palette.signs.levels
    span = (high - low) or 1.0
    blocks = [levels[min(len(levels) - 1, int((value - low) / span * len(levels)))] for value in values]
    if marks and began_at is not None:
        at = next((i for i, (moment, _) in enumerate(shown) if moment >= began_at), len(shown))
        blocks.insert(at, palette.signs.began)
    return "".join(blocks)
