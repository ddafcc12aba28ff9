"""What is worth a bell and a new title of the terminal window: a verdict that got worse, a rollout that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.verdict import Degree
from domain.workloads import WorkloadKey


@dataclass(frozen=True, slots=True)
class NewsLine:
    title: str
    is_loud: bool


class News:
    """Compares each snapshot with the one before; the first says nothing."""

    def __init__(self) -> None:
        self._rollouts: Mapping[WorkloadKey, Rollout] | None = None
        self._title = ""

    def of(self, fleet: Fleet) -> list[NewsLine]:
        before, self._rollouts = self._rollouts, fleet.rollouts
        if before is fleet.rollouts:
            return []
        lines = []
        for key, rollout in fleet.rollouts.items():
            old = (before or {}).get(key)
            if old is not None and old is not rollout and _is_news(old, rollout):
                lines.append(NewsLine(self._title_of(fleet), True))
        title = self._title_of(fleet)
        if not lines and title != self._title:
            lines.append(NewsLine(title, False))
        self._title = title
        return lines[:1]

    def _title_of(self, fleet: Fleet) -> str:
        """The worst thing there is, as the window's name."""
        worst = max(fleet.rollouts.values(), key=lambda r: r.degree, default=None)
        where = fleet.scope.environment or fleet.scope.context
        if worst is None or worst.degree in (Degree.HEALTHY, Degree.PAUSED):
            return f"✔ {where} - quarterdeck"
        sign = "✖" if worst.degree.is_failing else "◐"
        return f"{sign} {worst.workload.name} {worst.verdict.title} - {where} - quarterdeck"


def _is_news(old: Rollout, new: Rollout) -> bool:
    got_worse = new.degree > old.degree and new.degree >= Degree.SUSPECT
    ended = new.is_complete and not old.is_complete
    return got_worse or ended
