"""Where we are and whether it can be believed: environment, context, namespace, user, rights, the worst source's age."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.scope import Scope
from domain.streams import Source, StreamPhase
from domain.verdict import Degree
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.pane import Chip, Pane
from widgets.rows import Cell

_OPTIONAL = (Source.POD_USAGE, Source.METRICS, Source.HEALTH)
_WATCHED = tuple(source for source in Source if source not in (Source.API_SERVER, *_OPTIONAL))
_GAP = Cell("  ")
_ROOM_FOR_SOURCES = 170
_SHOWN_SOURCES: dict[str, tuple[Source, ...]] = {
    "workloads": (
        Source.DEPLOYMENTS,
        Source.STATEFUL_SETS,
        Source.DAEMON_SETS,
        Source.REPLICA_SETS,
        Source.CONTROLLER_REVISIONS,
    ),
    "pods": (Source.PODS,),
    "events": (Source.OCCURRENCES,),
    "usage": (Source.POD_USAGE,),
    "metrics": (Source.METRICS,),
    "health": (Source.HEALTH,),
}


class HeaderBar(Widget, can_focus=False):
    """One line; a second one with the worst value of every pane that has no room (`chips_of`)."""

    fleet: reactive[Fleet | None] = reactive(None, init=False, always_update=True)
    selected: reactive[WorkloadKey | None] = reactive(None, init=False)

    DEFAULT_CSS = "HeaderBar { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[tuple[tuple[Cell, ...], tuple[Cell, ...]], ...] = ()
        self.chips_of: Sequence[type[Pane]] = ()
        self.notice: tuple[str, ...] = ()
        """Stands in place of everything: the terminal is too small."""

    def watch_fleet(self) -> None:
        self.redraw()

    def watch_selected(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        fleet = self.fleet
        if fleet is None or not self.is_mounted:
            return
        lines = [_where(fleet, self.size.width)]
        if self.notice:
            lines = [((_environment(fleet.scope, ""),), ()), *(((Cell(text),), ()) for text in self.notice)]
        elif self.chips_of:
            needs = (*_needs(fleet), Cell(" "))
            room = self.size.width - sum(cell.width for cell in needs)
            chips = [c for pane in self.chips_of for c in pane.chips(fleet, self.selected)]
            lines.append((_chip_cells(chips, room), needs))
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        left, right = self._lines[y]
        tail = _strip(right, base)
        head = _strip(left, base).adjust_cell_length(max(0, width - tail.cell_length), base)
        return Strip([*head, *tail]).adjust_cell_length(width, base)


def _strip(cells: Sequence[Cell], base: Style) -> Strip:
    return Strip([Segment(palette.shown(c.text), base + palette.STYLES[c.style]) for c in cells if c.text])


def _where(fleet: Fleet, width: int) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    scope = fleet.scope
    wide = width >= 100
    left = [_environment(scope, "   " if wide else " "), Cell(" "), Cell(scope.namespace or "all namespaces", "strong")]
    if wide:
        left += [_GAP, Cell("ctx ", "quiet"), Cell(scope.context)]
        who = "@".join(part for part in (scope.user, scope.host) if part)
        if who:
            left += [_GAP, Cell(who, "quiet")]
    else:
        left += [Cell(f" {palette.signs.dot} ", "quiet"), Cell(scope.context)]
    right: list[Cell] = [Cell(" ")]
    if scope.is_tls_unverified:
        right += [Cell(" TLS NOT VERIFIED " if wide else " NO TLS CHECK ", "alarm"), Cell(" ")]
    if scope.is_read_only:
        right += [Cell("READ-ONLY" if wide else "R/O", "accent"), Cell("  ")]
    if width >= _ROOM_FOR_SOURCES:
        right += source_cells(fleet)
    if wide:
        right += [*_needs(fleet), _GAP]
    return tuple(left), (*right, live_word(fleet), Cell(" "))


def _environment(scope: Scope, padding: str) -> Cell:
    style = "production" if scope.is_production else "environment"
    return Cell(f"{padding}{environment_word(scope)}{padding}", style)


def environment_word(scope: Scope) -> str:
    """Always with the word PRODUCTION where it is, whatever the configuration calls it."""
    name = scope.environment.upper()
    if scope.is_production and "PRODUCTION" not in name:
        return f"PRODUCTION {name}".strip()
    return name or "NOT PRODUCTION"


def live_word(fleet: Fleet) -> Cell:
    """The worst of all sources: live, or which one is not and since when."""
    stale = [source for source in Source if fleet.is_stale(source)]
    if stale:
        worst = min(stale, key=fleet.true_until)
        what = "STALE" if len(stale) > 2 else f"{worst} STALE"
        return Cell(f"{palette.signs.bad} {what} {short_duration(fleet.now - fleet.true_until(worst))}", "bad")
    phases = {source: fleet.stream(source).phase for source in Source}
    for source in _WATCHED:
        if phases[source] is StreamPhase.FAILED:
            return Cell(f"{palette.signs.bad} {source} failed", "bad")
    refused = [source for source in Source if phases[source] is StreamPhase.FORBIDDEN]
    if refused:
        return Cell(f"{palette.signs.warn} {refused[0]} not permitted", "warn")
    if any(phases[source] is StreamPhase.LOADING for source in _WATCHED):
        return Cell(f"{palette.signs.busy} loading", "accent")
    failed = [source for source in _OPTIONAL if phases[source] is StreamPhase.FAILED]
    if failed:
        return Cell(f"{palette.signs.warn} {failed[0]} failed", "warn")
    return Cell(f"{palette.signs.current} live", "good")


def source_cells(fleet: Fleet) -> list[Cell]:
    """Every source with its state, and its age once that is not "now"."""
    cells: list[Cell] = []
    for word, sources in _SHOWN_SOURCES.items():
        cells += [Cell(f"{word} ", "quiet"), _state_of(fleet, sources), _GAP]
    return cells


def _state_of(fleet: Fleet, sources: tuple[Source, ...]) -> Cell:
    stale = [fleet.true_until(source) for source in sources if fleet.is_stale(source)]
    if stale:
        return Cell(f"{palette.signs.bad} {short_duration(fleet.now - min(stale))} old", "bad")
    phases = {fleet.stream(source).phase for source in sources}
    for phase, sign, style in (
        (StreamPhase.FAILED, f"{palette.signs.bad} failed", "bad"),
        (StreamPhase.FORBIDDEN, f"{palette.signs.warn} not permitted", "warn"),
        (StreamPhase.LOADING, palette.signs.busy, "accent"),
        (StreamPhase.LIVE, palette.signs.current, "good"),
    ):
        if phase in phases:
            return Cell(sign, style)
    return Cell("none", "quiet")


def _needs(fleet: Fleet) -> tuple[Cell, ...]:
    failing = sum(1 for r in fleet.rollouts.values() if r.degree.is_failing)
    troubled = sum(1 for r in fleet.rollouts.values() if r.degree >= Degree.SUSPECT)
    if not fleet.rollouts:
        return ()
    if not troubled and any(fleet.is_stale(source) for source in _WATCHED):
        return (Cell("nothing needed you then", "quiet"),)
    if not troubled:
        return (Cell(f"{palette.signs.good} nothing needs you", "good"),)
    sign, style = (palette.signs.bad, "bad") if failing else (palette.signs.warn, "warn")
    return (Cell(f"{sign} {troubled} need{'s' if troubled == 1 else ''} you", style),)


def _chip_cells(chips: list[Chip], room: int) -> tuple[Cell, ...]:
    """Those that fit; what is well goes first."""
    shown = [Cell(chip.text, chip.style) for chip in chips]
    while shown and sum(cell.width + 2 for cell in shown) + 1 > room:
        shown.remove(next((cell for cell in reversed(shown) if cell.style in ("good", "quiet")), shown[-1]))
    return (Cell(" "), *(part for cell in shown for part in (cell, _GAP)))
