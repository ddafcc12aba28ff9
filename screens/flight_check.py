"""The flight check in lines: what would be changed, what speaks for and against it, what differs, what will happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from domain.ages import short_duration
from domain.compare import Difference
from domain.operations import Plan
from domain.templates import image_name
from widgets import palette
from widgets.text_lines import TextLine

if TYPE_CHECKING:
    from actions.prepare import Check, Prepared

_STYLES = {"good": "good", "warn": "warn", "bad": "bad", "unknown": "warn"}
_FIRST = 6
"""So many differences stand above what will happen; the rest below it."""


def aims(prepared: Prepared) -> Iterator[TextLine]:
    """From what to what; where it is no version that changes, the summary."""
    sides = [(word, side) for word, side in (("from", prepared.old), ("to", prepared.new)) if side is not None]
    if len(sides) < 2:
        yield TextLine(prepared.summary, "strong", ((" ", ""),))
        return
    width = max(palette.width_of(side.version) for _, side in sides)
    for word, side in sides:
        lead = ((f" {word:<5}", "quiet"), (palette.fit(side.version, width), "strong"), ("  ", ""))
        yield TextLine("  ".join(part for part in (side.hash, side.note) if part), "", lead)


def check_lines(checks: Sequence[Check], width: int) -> Iterator[TextLine]:
    """What is in the way or to be known: a line each and why; what is well: two on a line where there is room."""
    for check in checks:
        if check.kind != "good":
            sign = {"bad": palette.signs.bad, "warn": palette.signs.warn}.get(check.kind, "?")
            style = _STYLES[check.kind]
            words = f"{check.words} (overruled by {check.override})" if check.is_overridden else check.words
            yield TextLine(words, style, ((f" {sign} ", style),))
            for line in check.detail:
                yield TextLine(line, "quiet", (("   ", ""),))
            if check.hint:
                yield TextLine(check.hint, "quiet", ((f"   {palette.signs.arrow} ", "quiet"),))
    well = [check.words for check in checks if check.kind == "good"]
    yield from in_pairs([((f" {palette.signs.good} ", "good"), words) for words in well], width, keeps_order=False)


def in_pairs(
    items: Sequence[tuple[tuple[str, str], str]], width: int, *, keeps_order: bool = True, style: str = ""
) -> Iterator[TextLine]:
    """(lead, text) two on a line where both are short enough. Without `keeps_order` the long ones come last."""
    half = width // 2
    short = [palette.width_of(lead[0]) + palette.width_of(text) < half for lead, text in items]
    if not keeps_order:
        items = [items[i] for i in sorted(range(len(items)), key=lambda i: not short[i])]
        short.sort(reverse=True)
    at = 0
    while at < len(items):
        lead, text = items[at]
        if short[at] and at + 1 < len(items) and short[at + 1]:
            room = half - palette.width_of(lead[0])
            second, second_text = items[at + 1]
            yield TextLine(second_text, style, (lead, (palette.fit(text, room), style), second))
            at += 2
        else:
            yield TextLine(text, style, (lead,))
            at += 1


def step_lines(plan: Plan, width: int) -> Iterator[TextLine]:
    """Numbered; then how long it takes and what takes it back."""
    items = [((f" {number:>2} ", "quiet"), step.words) for number, step in enumerate(plan.steps, 1)]
    yield from in_pairs(items, width)
    if plan.expected_s is not None:
        yield TextLine(f"about {short_duration(plan.expected_s)} in all", "quiet", (("    ", ""),))
    kinds = {step.kind for step in plan.steps}
    undos = list(dict.fromkeys(step.undo for step in plan.steps if step.undo and step.undo not in kinds))
    for undo in undos or ["nothing to take back"]:
        yield TextLine(undo, "quiet" if not undos else "", (("    undo: ", "quiet"),))


def difference_lines(differences: Sequence[Difference], width: int) -> Iterator[TextLine]:
    """Old and new on one line where there is room, else one above the other."""
    if not differences:
        yield TextLine("nothing in the pod template", "quiet", ((" ", ""),))
        return
    container = _container(differences)
    names = [f"{d.kind} {d.where.removeprefix(container).strip()}".rstrip() for d in differences]
    column = min(max(palette.width_of(name) for name in names), width * 2 // 5)
    for difference, name in zip(differences, names, strict=True):
        yield from _difference(difference, name, column, width)


def _difference(difference: Difference, name: str, column: int, width: int) -> Iterator[TextLine]:
    old, new = _short(difference)
    lead = ((f" {palette.fit(name, column, palette.Cut.MIDDLE)}  ", "accent"),)
    room = width - column - 3
    together = f"{old} {palette.signs.arrow} {new}"
    if old is not None and new is not None and palette.width_of(together) <= room:
        yield TextLine(together, "", lead)
        return
    for sign, style, value, word in (
        (f"{palette.signs.minus} ", "bad", old, " (removed)" if new is None else ""),
        ("+ ", "good", new, " (added)" if old is None else ""),
    ):
        if value is not None:
            yield TextLine(value + word, "", (*lead, (sign, style)))
            lead = ((" " * (column + 3), ""),)
    if old is None and new is None:
        yield TextLine("", "", lead)


def _container(differences: Sequence[Difference]) -> str:
    """Where all is about one container, its name is said once."""
    names = {d.where.partition(" ")[0] for d in differences}
    name = names.pop() if len(names) == 1 else ""
    return name if all(d.where == name or d.where.startswith(f"{name} ") for d in differences) else ""


def _short(difference: Difference) -> tuple[str | None, str | None]:
    """Of two images in the same repository, its name need not be said twice."""
    old, new = difference.old, difference.new
    if difference.kind == "image" and old is not None and new is not None:
        first, second = image_name(old), image_name(new)
        if first.repository == second.repository and first.short != second.short:
            return first.short, second.short
    return old, new


def narrow_lines(prepared: Prepared, width: int) -> Iterator[TextLine]:
    """Everything in one column."""
    yield from wide_left_lines(prepared, width, most=_FIRST)
    yield TextLine("")
    yield TextLine(" What will happen", "title")
    yield from step_lines(prepared.plan, width)
    rest = prepared.differences[_FIRST:]
    if rest:
        yield TextLine("")
        where = _container(rest)
        yield TextLine(" The other differences" + (f" in {where}" if where else ""), "title")
        yield from difference_lines(rest, width)


def wide_left_lines(prepared: Prepared, width: int, *, most: int | None = None) -> Iterator[TextLine]:
    """All but the steps."""
    yield from aims(prepared)
    if most is None:
        yield TextLine("")
    yield from check_lines(prepared.checks, width)
    yield TextLine("")
    shown = prepared.differences if most is None else prepared.differences[:most]
    more = len(prepared.differences) - len(shown)
    where = _container(shown)
    note = (f" in {where}" if where else "") + (f" (the first {len(shown)}; {more} more below)" if more else "")
    yield TextLine(f" What differs{note}", "title")
    yield from difference_lines(shown, width)


def wide_right_lines(prepared: Prepared, width: int) -> Iterator[TextLine]:
    yield TextLine(" What will happen", "title")
    yield TextLine("")
    yield from step_lines(prepared.plan, 0)
