"""What differs between two revisions' pod templates, as a person would say it: image, environment, resources, probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from actions import View
from domain.ages import short_duration
from domain.compare import Difference, compare
from domain.fleet import Fleet
from domain.rollouts import RevisionLine
from domain.targets import Target
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.text_lines import TextLine
from widgets.text_view import TextView

_NOWHERE = Target()
_WIDEST_WHERE = 34


class CompareScreen(ViewScreen):
    """`old` and `new` name the two sides: "v1.8.2 (77ab, 6 d ago)"."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.COMPARE), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.COMPARE

    def __init__(
        self,
        title: str,
        old: str,
        new: str,
        differences: Sequence[Difference],
        *,
        fleet: Fleet | None = None,
        target: Target = _NOWHERE,
    ) -> None:
        super().__init__(fleet=fleet, target=target)
        self._subject, self._old, self._new = title, old, new
        self._differences = tuple(differences)
        self._text = TextView(
            empty=("The pod templates are the same.", "What differs is outside of them: replicas, strategy, labels."),
            is_wrapped=True,
        )
        self._text.set_lines(list(self._lines()))

    def body(self) -> Sequence[Widget]:
        return (self._text,)

    def heading(self) -> str:
        return f"Difference {self._subject}"

    def state(self) -> tuple[str, str]:
        count = len(self._differences)
        return f"{count} difference{'s' if count != 1 else ''}", "quiet"

    def text_to_keep(self) -> str:
        return "\n".join(line.plain for line in self._text.lines)

    def _lines(self) -> Iterator[TextLine]:
        if not self._differences:
            return
        minus, plus = palette.signs.minus, "+"
        yield TextLine(self._old, "strong", ((f" {minus} old  ", "bad"),))
        yield TextLine(self._new, "strong", ((f" {plus} new  ", "good"),))
        width = min(_WIDEST_WHERE, max(palette.width_of(d.where) for d in self._differences))
        for kind, group in groupby(self._differences, key=lambda d: str(d.kind)):
            yield TextLine("")
            yield TextLine(f" {kind}", "title")
            for difference in group:
                yield from _entry(difference, width, minus, plus)


def _entry(d: Difference, width: int, minus: str, plus: str) -> Iterator[TextLine]:
    """The old value above the new one; where there was none, one line says added or removed."""
    where = f"   {palette.fit(d.where, width, palette.Cut.START)}  "
    blank = " " * palette.width_of(where)
    rows: list[tuple[str, str, str, str]] = []
    if d.old is not None:
        rows.append((minus, "bad", "removed  " if d.new is None else "", d.old))
    if d.new is not None:
        rows.append((plus, "good", "added  " if d.old is None else "", d.new))
    for index, (sign, style, word, value) in enumerate(rows or [(palette.signs.warn, "warn", "", "")]):
        yield TextLine(value, "", ((blank if index else where, "accent"), (f"{sign} {word}", style)))


def compare_screen(fleet: Fleet, target: Target | tuple[Target, Target]) -> CompareScreen:
    """Two revisions of one workload, the older one first; a single target is compared with the revision before it.

    LookupError, with a sentence for a person, where one of them has gone or there is nothing before it.
    """
    older, newer = _two(fleet, target)
    key = target[0].workload if isinstance(target, tuple) else target.workload
    return CompareScreen(
        f"of {key.name if key else 'revisions'}",
        _said(fleet, older),
        _said(fleet, newer),
        compare(older.revision.template, newer.revision.template),
        fleet=fleet,
        target=Target(workload=key, revision_uid=newer.revision.uid),
    )


def _two(fleet: Fleet, target: Target | tuple[Target, Target]) -> tuple[RevisionLine, RevisionLine]:
    first = target[0] if isinstance(target, tuple) else target
    rollout = fleet.rollouts.get(first.workload) if first.workload is not None else None
    if rollout is None:
        raise LookupError("The workload is gone: there is nothing to compare.")
    places = {line.revision.uid: index for index, line in enumerate(rollout.history)}
    if isinstance(target, tuple):
        found = [places.get(t.revision_uid) for t in target]
        if None in found:
            raise LookupError("One of the two revisions is gone: mark another one with Space.")
        older, newer = (rollout.history[index] for index in found if index is not None)
        return older, newer
    newest = places.get(first.revision_uid, 0)
    if newest + 1 >= len(rollout.history):
        raise LookupError("There is no revision before this one to compare it with.")
    return rollout.history[newest + 1], rollout.history[newest]


def _said(fleet: Fleet, line: RevisionLine) -> str:
    age = short_duration(fleet.now - line.revision.created_at)
    mark = f", {line.mark}" if line.mark else ""
    return f"#{line.revision.number} {line.image.version} ({line.revision.template_hash}, made {age} ago{mark})"
