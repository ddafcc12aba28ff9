"""What every pane is: a numbered, titled part of the screen that shows one part of a fleet and how old it is."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from domain.ages import short_duration
from domain.fleet import Fleet
from domain.streams import Source, StreamPhase
from domain.targets import Target
from domain.workloads import WorkloadKey
from widgets import palette


class Chip(NamedTuple):
    """A pane's worst value in a few characters, for the header of a screen too small to show the pane."""

    text: str
    style: str
    """A style class: "good", "warn", "bad" or "quiet"."""


class _BelowTitle(Layout):
    """The pane's one child has everything below the title line and right of the edge."""

    name = "below title"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, Pane)
        edge = 1 if parent.is_edged else 0
        region = Region(edge, 1, max(0, size.width - edge), max(0, size.height - 1))
        return [WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child) for child in children]


class Joint(NamedTuple):
    """Where the lines of the frame meet in a pane, and how: "down", "up", "cross", "right" or "left" (see `Signs`)."""

    x: int
    y: int
    name: str


class Pane(Widget, can_focus=False):
    """Subclasses implement `show`, `caption` and may implement `chip`. Nothing in a pane awaits anything."""

    number: ClassVar[int]
    name_of_pane: ClassVar[str]
    """In the registry of actions it is `pane_<this>`."""
    title: ClassVar[str]
    sources: ClassVar[tuple[Source, ...]]

    # Identity is the difference between two fleets: comparing thousands of pods to find out would cost more than drawing.
    fleet: reactive[Fleet | None] = reactive(None, init=False, always_update=True)
    selected: reactive[WorkloadKey | None] = reactive(None, init=False)

    class LinesChanged(Message):
        """The pane would like another number of lines than before."""

    def __init__(self) -> None:
        super().__init__(id=f"pane_{self.name_of_pane}")
        self.is_seen = False
        """Has a place on the screen. One that has none is not drawn and costs nothing."""
        self.is_edged = False
        """Begins with a vertical line."""
        self.joints: tuple[Joint, ...] = ()
        self.wanted_lines = 0
        self._caption = ""
        self._trouble = ""
        self._is_lit = False
        self._below_title = _BelowTitle()

    @property
    def layout(self) -> Layout:
        return self._below_title

    def show(self, fleet: Fleet, selected: WorkloadKey | None) -> None:
        """Draw what changed; called once per snapshot while the pane is on the screen."""
        raise NotImplementedError

    def caption(self, fleet: Fleet, selected: WorkloadKey | None) -> str:
        """What stands after the title: counts, the selected workload, the filter."""
        return ""

    @property
    def target(self) -> Target:
        """What a key pressed here is meant for."""
        return Target(self.selected)

    @classmethod
    def chips(cls, fleet: Fleet, selected: WorkloadKey | None) -> tuple[Chip, ...]:
        """The pane's worst values, for a header that stands in for it."""
        chip = cls.chip(fleet, selected)
        return (chip,) if chip else ()

    @classmethod
    def chip(cls, fleet: Fleet, selected: WorkloadKey | None) -> Chip | None:
        return None

    def on_mount(self) -> None:
        self.redraw()

    def watch_fleet(self) -> None:
        self.redraw()

    def watch_selected(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Bring what is shown up to date; a pane that nobody sees costs nothing."""
        if self.fleet is None or not self.is_mounted or not self.is_seen:
            return
        self.show(self.fleet, self.selected)
        self._retitle(self.caption(self.fleet, self.selected), trouble_of(self.fleet, self.sources))

    # The title line

    def place(self, is_seen: bool, joints: tuple[Joint, ...] = (), is_edged: bool = False) -> None:
        """Told by the screen: whether there is room for the pane, and how the frame goes on around it."""
        if (joints, is_edged) != (self.joints, self.is_edged):
            self.joints, self.is_edged = joints, is_edged
            self.refresh()
            for child in self.children:
                child.refresh(layout=True)
        if is_seen != self.is_seen:
            self.is_seen = is_seen
            self.redraw()

    def want_lines(self, count: int) -> None:
        """So many rows there are: whoever arranges the panes may give this one what it needs."""
        if count != self.wanted_lines:
            self.wanted_lines = count
            self.post_message(self.LinesChanged())

    def _retitle(self, caption: str, trouble: str) -> None:
        if (caption, trouble) != (self._caption, self._trouble):
            self._caption, self._trouble = caption, trouble
            self.refresh(Region(0, 0, self.size.width, 1))

    def on_descendant_focus(self) -> None:
        self._light(True)

    def on_descendant_blur(self) -> None:
        self._light(False)

    def _light(self, is_lit: bool) -> None:
        self._is_lit = is_lit
        self.refresh(Region(0, 0, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y:
            start = [Segment(self._edge_at(y), base + palette.STYLES["quiet"])] if self.is_edged else []
            return Strip(start).adjust_cell_length(self.size.width, base)
        return Strip(self._title_line(base))

    def _edge_at(self, y: int) -> str:
        return palette.signs.joint_left if any(joint.y == y for joint in self.joints) else palette.signs.edge

    def _title_line(self, base: Style) -> list[Segment]:
        width = self.size.width
        frame = base + palette.STYLES["accent" if self._is_lit else "warn" if self._trouble else "quiet"]
        title = f" {self.number} {self.title.upper()} "
        caption = f"{self._caption} " if self._caption else ""
        room = width - len(title) - 4
        trouble = f" {palette.signs.warn} {self._trouble} " if self._trouble else ""
        trouble = palette.fit(trouble, min(palette.width_of(trouble), max(0, room)))
        caption = palette.fit(caption, min(palette.width_of(caption), max(0, room - palette.width_of(trouble))))
        rest = width - 2 - len(title) - palette.width_of(caption) - palette.width_of(trouble) - 1
        segments = [
            Segment(palette.signs.line * 2, frame),
            Segment(title, base + palette.STYLES["focus" if self._is_lit else "title"]),
            Segment(caption, base),
            Segment(palette.signs.line * max(0, rest), frame),
            Segment(trouble, base + palette.STYLES["bad"]),
            Segment(palette.signs.line, frame),
        ]
        strip = Strip(segments).adjust_cell_length(width, base)
        return self._with_joints(strip, frame) if self.joints else list(strip)

    def _with_joints(self, strip: Strip, frame: Style) -> list[Segment]:
        for x, _, name in (joint for joint in self.joints if not joint.y):
            before, under, after = strip.crop(0, x), strip.crop(x, x + 1), strip.crop(x + 1, strip.cell_length)
            if under.text in (palette.signs.line, "", " "):
                strip = Strip([*before, Segment(getattr(palette.signs, f"joint_{name}"), frame), *after])
        return list(strip)


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
            since = short_duration(fleet.now - fleet.true_until(source))
            return f"STALE since {since}: {state.reason or 'no answer'}"
    for source in sources:
        state = fleet.stream(source)
        if state.phase is StreamPhase.FAILED:
            return f"{source}: {state.reason}"
        if state.phase is StreamPhase.LOADING and state.loaded:
            return f"loading {state.loaded:,}" + (f" of {state.expected:,}" if state.expected else "")
    return ""


def nothing_to_show(fleet: Fleet, sources: tuple[Source, ...], what: str, then: str) -> tuple[str, str]:
    """For a pane without rows: what is the matter with its sources, else `what`; and what to do about it, else `then`."""
    for source in sources:
        state = fleet.stream(source)
        if state.phase is StreamPhase.FORBIDDEN:
            return f"Not permitted: {state.reason}", state.hint
        if state.phase is StreamPhase.FAILED:
            return f"{palette.signs.bad} {source}: {state.reason}", state.hint or "It is being tried again."
        if state.phase is StreamPhase.ABSENT:
            return state.reason or f"This cluster has no {source}.", state.hint or then
    if all(fleet.stream(source).phase is StreamPhase.LOADING for source in sources):
        return f"Loading {', '.join(sources[:1])} {palette.signs.ellipsis}", ""
    return what, then
