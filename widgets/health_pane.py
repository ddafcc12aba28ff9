"""What the workload says of itself: each endpoint's answer, and each check it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.health import HealthAnswer, NamedCheck
from domain.streams import Source
from domain.workloads import WorkloadKey
from widgets import palette
from widgets.pane import Chip, nothing_to_show
from widgets.rows import Cell, Column, Line, Row
from widgets.table_pane import TablePane

_OLD_S = 45.0
"""An answer older than this says so: it is asked for every 10 to 15 s."""


class HealthKey(NamedTuple):
    title: str
    via: str
    check: str = ""


class HealthPane(TablePane[HealthKey]):
    number = 6
    name_of_pane = "health"
    title = "Health"
    sources = (Source.HEALTH,)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("", 1, 1, is_sortable=False),
        Column("ENDPOINT", 10, 30, cut=palette.Cut.START, is_sortable=False),
        Column("CODE", 4, 6, is_right=True, is_sortable=False),
        Column("TOOK", 6, 9, rank=1, is_right=True, is_sortable=False),
        Column("VIA", 3, 7, rank=4, is_sortable=False, is_wide=True),
        Column("CHECKS", 10, 200, rank=2, grows=True, is_sortable=False),
    )

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        return self.captioned(selected.name if selected else "")

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        answers = fleet.health.get(selected, ()) if selected else ()
        if not answers:
            return Chip("health ?", "quiet")
        if fleet.is_stale(Source.HEALTH):
            return Chip(f"health {palette.signs.warn}", "warn")
        if all(answer.is_healthy for answer in answers):
            return Chip(f"health {palette.signs.good}", "good")
        return Chip(f"health {palette.signs.bad}", "bad")

    def is_selectable(self, key: HealthKey) -> bool:
        return not key.check

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        rows = dict(self._rows(fleet, fleet.health.get(selected, ()) if selected else ()))
        self.table.set_rows(tuple(rows), rows.__getitem__, empty=self._nothing(fleet, selected))
        self.want_lines(len(rows))

    def on_resize(self) -> None:
        self.redraw()

    def _nothing(self, fleet: Fleet, selected: WorkloadKey | None) -> tuple[str, str]:
        if selected and fleet.health.get(selected) and self.is_narrowed:
            if not self.filter:
                return f"{palette.signs.good} Every endpoint is healthy.", "Ctrl-z shows them again."
            return "No endpoint matches.", "Esc clears the filter."
        return nothing_to_show(
            fleet,
            self.sources,
            "No health endpoint is known.",
            "They are found in readiness and liveness probes, or set in quarterdeck.toml.",
        )

    def _rows(self, fleet: Fleet, answers: tuple[HealthAnswer, ...]) -> Iterator[tuple[HealthKey, Row]]:
        for answer in answers:
            if self.is_narrowed and not self._is_kept(answer):
                continue
            key = HealthKey(answer.endpoint.title, answer.endpoint.via)
            checks = [_check(check) for check in sorted(answer.checks, key=lambda c: c.is_ok)]
            explained = any(check.text and not check.is_ok for check in answer.checks)
            is_inline = not explained and sum(c.width + 2 for c in checks) <= self._room
            yield key, _answer(fleet, answer, checks if is_inline else [])
            if answer.error:
                yield key._replace(check="!"), Line((Cell(answer.error, "bad"),), 2)
            if not is_inline:
                for number, cells in enumerate(_wrapped(checks, self.size.width - 4)):
                    yield key._replace(check=str(number)), Line(cells, 2)

    @property
    def _room(self) -> int:
        return self.table.last_column_room or self.size.width // 2

    def _is_kept(self, answer: HealthAnswer) -> bool:
        if self.is_faults_only and answer.is_healthy:
            return False
        names = " ".join(check.name for check in answer.checks)
        return not self.filter or self.filter.matches(f"{answer.endpoint.title} {answer.word} {names}", {})


def _answer(fleet: Fleet, answer: HealthAnswer, checks: list[Cell]) -> Row:
    good = answer.is_healthy
    return (
        Cell(palette.signs.good if good else palette.signs.bad, "good" if good else "bad"),
        Cell(answer.endpoint.title),
        Cell(str(answer.status_code) if answer.status_code is not None else "none", "" if good else "bad"),
        Cell(f"{answer.latency_ms:.0f} ms" if answer.status_code is not None else "-"),
        Cell(answer.endpoint.via, "quiet"),
        _beside(fleet, answer, checks),
    )


def _beside(fleet: Fleet, answer: HealthAnswer, checks: list[Cell]) -> Cell:
    cells: list[Cell] = []
    if fleet.now - answer.at > _OLD_S:
        cells.append(Cell(f"{short_duration(fleet.now - answer.at)} old", "warn"))
    cells += checks
    if not checks and answer.word:
        cells.append(Cell(answer.word, "quiet" if answer.is_healthy else "bad"))
    return Cell("", "", tuple(_spaced(cells)))


def _check(check: NamedCheck) -> Cell:
    """With what it says, where it is not good."""
    if check.is_ok:
        return Cell(f"{palette.signs.good} {check.name}", "good")
    said = (Cell(f": {check.text}"),) if check.text else ()
    return Cell("", "", (Cell(f"{palette.signs.bad} {check.name}", "bad"), *said))


def _spaced(cells: list[Cell]) -> Iterator[Cell]:
    for number, cell in enumerate(cells):
        if number:
            yield Cell("  ")
        yield from cell.more or (cell,)


def _wrapped(checks: list[Cell], width: int) -> Iterator[tuple[Cell, ...]]:
    """As many checks a line as fit."""
    line: list[Cell] = []
    for check in checks:
        if line and sum(c.width + 2 for c in line) + check.width > width:
            yield tuple(_spaced(line))
            line = []
        line.append(check)
    if line:
        yield tuple(_spaced(line))
