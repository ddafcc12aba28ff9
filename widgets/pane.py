"""What every pane is: a titled, numbered frame that shows one part of a fleet and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.reactive import reactive
from textual.widget import Widget

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.streams import Source, StreamPhase, StreamState
from domain.workloads import WorkloadKey


@dataclass(frozen=True, slots=True)
class Chip:
    """A pane's worst value in a few characters, for the header of a screen too small to show the pane."""

    text: str
    style: str
    """A style class: "good", "warn", "bad" or "quiet"."""


class Pane(Widget, can_focus=False):
    """Subclasses implement `show` and may implement `chip`. Nothing in a pane awaits anything."""

    number: ClassVar[int]
    title: ClassVar[str]
    sources: ClassVar[tuple[Source, ...]]

    fleet: reactive[Fleet | None] = reactive(None, init=False)
    selected: reactive[WorkloadKey | None] = reactive(None, init=False)

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        """Draw what changed; called once per snapshot while the pane is on the screen."""
        raise NotImplementedError

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        """What stands in the frame after the title: counts, the selected workload, the filter."""
        return ""

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        return None

    def on_mount(self) -> None:
        self._redraw()

    def watch_fleet(self) -> None:
        self._redraw()

    def watch_selected(self) -> None:
        self._redraw()

    def on_show(self) -> None:
        self._redraw()

    def _redraw(self) -> None:
        if self.fleet is None or not self.is_mounted or not self.display:
            return
        self._frame(self.fleet)
        self.show(self.fleet, self.selected)

    def _frame(self, fleet: Fleet) -> None:
        caption = self.caption(fleet, self.selected)
        title = f"{self.number} {self.title} {caption}".rstrip()
        trouble = trouble_of(fleet, self.sources)
        # Assigning an equal title would still repaint the frame.
        if title != getattr(self, "_title_shown", None):
            self._title_shown = title
            self.border_title = title.replace("[", "\\[")
        if trouble != getattr(self, "_trouble_shown", None):
            self._trouble_shown = trouble
            self.border_subtitle = trouble.replace("[", "\\[")
            self.set_class(bool(trouble), "-troubled")


def trouble_of(fleet: Fleet, sources: tuple[Source, ...]) -> str:
    """The worst thing to say about the sources of a pane; "" when all are live."""
    for source in sources:
        state = fleet.stream(source)
        if state.phase is StreamPhase.FORBIDDEN:
            return f"not permitted: {state.reason}"
    for source in sources:
        if fleet.is_stale(source):
            state = fleet.stream(source)
            if state.phase is not StreamPhase.STALE:
                state = fleet.stream(Source.API_SERVER)
            return _stale(state, fleet.now)
    for source in sources:
        state = fleet.stream(source)
        if state.phase is StreamPhase.FAILED:
            return f"{source}: {state.reason}"
        if state.phase is StreamPhase.LOADING and state.loaded:
            return f"loading {state.loaded}" + (f" of {state.expected}" if state.expected else "")
    return ""


def _stale(state: StreamState, now: float) -> str:
    return f"STALE since {short_duration(now - (state.heard_at or state.since_at))}: {state.reason or 'no answer'}"
