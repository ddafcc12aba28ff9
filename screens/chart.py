"""One metric, large: its course, its limit, and where the rollout began. The plotting library comes in with this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual_plotext import PlotextPlot

from actions import View
from domain.ages import short_duration
from domain.fleet import Fleet
from domain.metrics import Series
from domain.targets import Target
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.amounts import change, quantity
from widgets.text_lines import TextLine
from widgets.text_view import TextView

_NOWHERE = Target()
_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_LINE = "-"
_YELLOW = "orange"
"""What plotext calls the terminal's third colour."""
_LIMIT_IN_SIGHT = 4.0
"""A limit further off than so many times the highest value would press the course flat: it is named, not drawn."""


def time_ticks(begin: float, end: float, most: int, zone_label: bool) -> tuple[list[float], list[str]]:
    """Round moments and their labels: UTC, and the host's own time before it where that differs."""
    step = next((s for s in _STEPS_S if (end - begin) / s <= most), _STEPS_S[-1])
    first = int(begin // step + 1) * step
    ticks = [float(at) for at in range(first, int(end) + 1, step)]
    return ticks, [_tick_label(at, zone_label) for at in ticks]


def _tick_label(at: float, zone_label: bool) -> str:
    utc = f"{datetime.fromtimestamp(at, UTC):%H:%M}Z"
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M}/{utc}" if zone_label else utc


def has_own_zone(at: float) -> bool:
    """The host's time is not UTC."""
    return bool(datetime.fromtimestamp(at).astimezone().utcoffset())


_BOXES = str.maketrans("─│┌┐└┘├┤┬┴┼", "-|+++++++++")


class Plot(PlotextPlot):
    """Its frame and lines in ASCII where the terminal can show nothing else."""

    def render(self) -> RenderResult:
        drawn = super().render()
        if not palette.is_ascii() or not isinstance(drawn, Text):
            return drawn
        return Text(palette.shown(drawn.plain.translate(_BOXES)), spans=drawn.spans)


class ChartScreen(ViewScreen):
    """Shows the series called `name` of `target.workload`, from every newer snapshot; "" begins with the first one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_on(View.CHART),
        ViewScreen.UP,
        Binding("tab", "turn(1)", "Next metric", show=False, id="chart.next"),
        Binding("shift+tab", "turn(-1)", "Metric before", show=False, id="chart.previous"),
    ]
    DEFAULT_CSS = """
    ChartScreen PlotextPlot { height: 1fr; }
    ChartScreen .legend { height: 1; }
    """
    view = View.CHART

    def __init__(self, name: str, *, fleet: Fleet | None = None, target: Target = _NOWHERE) -> None:
        super().__init__(fleet=fleet, target=target)
        self._name = name
        self._plot = Plot()
        self._plot.theme = "clear"
        self._legend = TextView()
        self._legend.add_class("legend")
        self._text = TextView(empty=("Waiting for the first answer.",))
        self._drawn: tuple[Series | None, float | None, int] = (None, None, 0)

    # What it shows

    def body(self) -> Sequence[Widget]:
        return self._legend, self._plot, self._text

    @property
    def all_series(self) -> Sequence[Series]:
        if self.fleet is None or self.target.workload is None:
            return ()
        return self.fleet.metrics.get(self.target.workload, ())

    @property
    def series(self) -> Series | None:
        found = next((s for s in self.all_series if s.query.name == self._name), None)
        return found or next(iter(self.all_series), None)

    @property
    def began_at(self) -> float | None:
        if self.fleet is None or self.target.workload is None:
            return None
        rollout = self.fleet.rollouts.get(self.target.workload)
        return rollout.began_at if rollout is not None else None

    def heading(self) -> str:
        series = self.series
        title = series.query.title if series is not None else self._name or "Metrics"
        return f"{title} of {self.target.workload.name}" if self.target.workload is not None else title

    def state(self) -> tuple[str, str]:
        series = self.series
        if series is None or series.value is None:
            return "", "quiet"
        word = f"now {quantity(series.value, series.query.unit)}"
        if series.query.limit is None:
            return word, "strong"
        return (f"{palette.signs.bad} {word}", "bad") if series.is_over else (f"{palette.signs.good} {word}", "good")

    def legend(self, series: Series) -> TextLine:
        """What the lines in the chart are, and what cannot be seen in it."""
        unit, limit = series.query.unit, series.query.limit
        parts = [] if limit is None else [(f"{_LINE} limit {quantity(limit, unit)}   ", "bad")]
        if self.began_at is not None and self.fleet is not None:
            age, before = short_duration(self.fleet.now - self.began_at), series.before(self.began_at)
            since = (
                f", {change(series.value, before, unit)} since" if before is not None and series.value is not None else ""
            )
            parts.append((f"{palette.signs.began} rollout began {age} ago{since}   ", "warn"))
        if not series.is_scoped:
            parts.append((f"{palette.signs.warn} of ALL workloads   ", "warn"))
        if len(self.all_series) > 1:
            names = [s.query.name for s in self.all_series]
            parts.append((f"{names.index(series.query.name) + 1} of {len(names)}, Tab: next", "quiet"))
        return TextLine("", "", ((" ", ""), *parts))

    def on_mount(self) -> None:
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def fleet_changed(self) -> None:
        self._draw()

    def action_turn(self, step: int) -> None:
        names = [series.query.name for series in self.all_series]
        if names:
            here = names.index(self.series.query.name) if self.series is not None else 0
            self.show_series(names[(here + step) % len(names)])

    def show_series(self, name: str) -> None:
        self._name = name
        self._draw()
        self.show_state()

    def do_chart(self, argument: str = "") -> None:
        found = [s.query.name for s in self.all_series if argument and s.query.name.startswith(argument)]
        if found:
            self.show_series(found[0])
        else:
            known = ", ".join(series.query.name for series in self.all_series)
            self.say(f"`:chart` takes one of: {known}" if known else "No metrics are known yet.", "warn")

    # Drawing

    def _draw(self) -> None:
        series = self.series
        wanted = (series, self.began_at, self._plot.size.width)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        has_points = series is not None and len(series.points) > 0
        self._plot.display, self._text.display = has_points, not has_points
        self._legend.set_lines([self.legend(series)] if series is not None else [])
        if series is None or not has_points:
            self._text.say_empty(_why_empty(series))
            return
        self._plot_points(series)
        self._plot.refresh()

    def _plot_points(self, series: Series) -> None:
        plt = self._plot.plt
        plt.clear_figure()
        plt.theme("clear")
        times = [at for at, _ in series.points]
        values = [value for _, value in series.points]
        limit, highest = series.query.limit, max(values)
        is_limit_drawn = limit is not None and limit <= max(highest * _LIMIT_IN_SIGHT, highest + 1e-9)
        top = max(highest, limit if is_limit_drawn and limit is not None else highest) * 1.1 or (limit or 1.0) * 1.1
        bottom = min(0.0, *values)
        plt.plot(times, values, marker="*" if palette.is_ascii() else "braille", color="cyan")
        if limit is not None and (is_limit_drawn or not highest):
            plt.hline(limit, color="red")
        if self.began_at is not None and times[0] <= self.began_at <= times[-1]:
            plt.vline(self.began_at, color=_YELLOW)
        has_zone = has_own_zone(times[-1])
        ticks, labels = time_ticks(times[0], times[-1], max(2, self._plot.size.width // (16 if has_zone else 10)), has_zone)
        plt.xticks(ticks, labels)
        rows = [bottom + (top - bottom) * part / 4 for part in range(5)]
        plt.yticks(rows, [quantity(value, series.query.unit) for value in rows])
        plt.ylim(bottom, top)


def _why_empty(series: Series | None) -> tuple[str, ...]:
    if series is None:
        return ("Waiting for the first answer.",)
    if series.error:
        return tuple(part for part in (series.error, series.hint) if part)
    return (
        f"No points: “{series.query.title}” found no samples of this workload.",
        "Is it scraped, and do the configured labels match? `quarterdeck doctor` says more.",
    )
