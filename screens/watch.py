"""The dashboard: every pane of the fleet, arranged for the size of the terminal, and the keys that work on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.dom import DOMNode
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, WidgetPlacement
from textual.layout import Layout as TextualLayout
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from actions import View, action, action_for_word
from domain.fleet import Fleet
from domain.targets import Target
from domain.workloads import WorkloadKey
from screens.arrangement import LEAST, Arrangement, Layout, arrange
from screens.registry_keys import bindings_on, command_words, footer_keys, keys_in_force
from screens.view_screen import ViewScreen, registry_commands
from widgets import PANES, palette
from widgets.command_line import CommandLine
from widgets.footer import ActionFooter
from widgets.header import HeaderBar
from widgets.history_pane import HistoryPane
from widgets.messages import ActionRequested, CommandEntered, FilterChanged, LineClosed, WorkloadSelected
from widgets.pane import Pane
from widgets.rollouts_pane import RolloutsPane
from widgets.table_pane import TablePane

_LOG_LINES = {Layout.TINY: 0, Layout.SMALL: 1, Layout.MEDIUM: 2, Layout.LARGE: 4}
_SECOND = "pods"
"""What stands below the rollouts on a small screen, until somebody asks for another pane."""


class _ByArrangement(TextualLayout):
    name = "arrangement"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, WatchScreen)
        arrangement = parent.arranged(size)
        placements = []
        for child in children:
            if isinstance(child, HeaderBar):
                region: Region | None = Region(0, 0, size.width, arrangement.header_lines)
            else:
                region = arrangement.regions.get(child.name_of_pane) if isinstance(child, Pane) else None
            if region is not None:
                placements.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return placements


class WatchScreen(Screen[None]):
    """The app assigns `fleet`; everything else follows from it.

    A method `do_<action>(argument)` carries an action out here; every other one goes up as ActionRequested.
    """

    DEFAULT_CSS = """
    WatchScreen { overflow: hidden hidden; }
    WatchScreen.-production { border: heavy ansi_red; }
    WatchScreen.-production.-ascii { border: ascii ansi_red; }
    """
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {registry_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_on(View.WATCH),
        Binding("tab", "next_pane(1)", "Next pane", show=False, id="watch.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "Pane before", show=False, id="watch.previous_pane"),
        Binding("escape", "up", "Up", show=False, id="watch.up"),
    ]

    fleet: reactive[Fleet | None] = reactive(None, init=False, always_update=True)
    selected: reactive[WorkloadKey | None] = reactive(None, init=False)

    def __init__(self, fleet: Fleet | None = None) -> None:
        super().__init__()
        self.header = HeaderBar()
        self.panes: dict[str, TablePane[Any]] = {pane.name_of_pane: pane() for pane in PANES}
        self.footer = ActionFooter()
        self.command_line = CommandLine(command_words(), history=ViewScreen.command_history)
        self._by_arrangement = _ByArrangement()
        self._arrangement = Arrangement(Layout.TINY, 1, {})
        self._shown = _SECOND
        self._zoomed = ""
        self._keys: dict[str, str] = {}
        self._pane_before = ""
        self.set_reactive(WatchScreen.fleet, fleet)
        self.set_reactive(WatchScreen.selected, _first(fleet))

    @property
    def layout(self) -> TextualLayout:
        return self._by_arrangement

    def compose(self) -> ComposeResult:
        yield self.header.data_bind(WatchScreen.fleet, WatchScreen.selected)
        for pane in self.panes.values():
            yield pane.data_bind(WatchScreen.fleet, WatchScreen.selected)
        yield self.footer
        yield self.command_line

    def on_mount(self) -> None:
        self._dress()
        self._keys = keys_in_force(cast(Screen[object], self))
        self.panes["rollouts"].table.focus(scroll_visible=False)
        self._show_keys()

    # What is true

    def watch_fleet(self, before: Fleet | None, fleet: Fleet | None) -> None:
        if fleet is None:
            return
        if self.selected not in fleet.rollouts:
            self.selected = _first(fleet)
        if before is None or before.scope is not fleet.scope:
            self._dress()
        self._show_keys()

    def watch_selected(self) -> None:
        self._show_keys()

    def _dress(self) -> None:
        self.set_class(palette.is_ascii(), "-ascii")
        self.set_class(self.fleet is not None and self.fleet.scope.is_production, "-production")

    def on_workload_selected(self, message: WorkloadSelected) -> None:
        self.selected = message.key

    # Arranging

    def arranged(self, room: Size) -> Arrangement:
        """Where everything stands in `room`, the space inside the frame and above the footer."""
        rollouts = self.panes["rollouts"]
        assert isinstance(rollouts, RolloutsPane)
        arrangement = arrange(
            self.app.size,
            room,
            rollout_lines=rollouts.lines_at(room.width),
            series_lines=max(4, self.panes["metrics"].wanted_lines, self.panes["health"].wanted_lines),
            shown=self._shown,
            zoomed=self._zoomed,
        )
        if arrangement != self._arrangement:
            self._arrangement = arrangement
            self._follow(arrangement)
        return arrangement

    def _rearrange(self) -> None:
        """Have everything placed anew: Textual remembers an arrangement until one of the children asks for another."""
        self.header.refresh(layout=True)

    def _follow(self, now: Arrangement) -> None:
        rollouts = self.panes["rollouts"]
        assert isinstance(rollouts, RolloutsPane)
        rollouts.log_lines = 8 if self._zoomed else _LOG_LINES[now.layout]
        for name, pane in self.panes.items():
            pane.place(name in now.regions, now.joints.get(name, ()), name in now.edged)
        size = self.app.size
        self.header.notice = ()
        if now.layout is Layout.TINY:
            self.header.notice = (
                f"{size.width}x{size.height} is too small.",
                f"Needs {LEAST.width}x{LEAST.height}.",
            )
        self.header.chips_of = [type(pane) for name, pane in self.panes.items() if name not in now.regions]
        self.header.redraw()

    def on_pane_lines_changed(self, message: Pane.LinesChanged) -> None:
        message.stop()
        self._rearrange()

    # Panes

    @property
    def pane(self) -> TablePane[Any]:
        """The one that has the focus, or had it before the command line was opened."""
        widget: DOMNode | None = self.focused
        while widget is not None and not isinstance(widget, TablePane):
            widget = widget.parent
        return widget or self.panes.get(self._pane_before) or self.panes["rollouts"]

    def show_pane(self, name: str) -> None:
        """Give it the focus, and a place where it has none."""
        if self._zoomed and self._zoomed != name:
            self._zoomed = name
            self._rearrange()
        elif name not in self._arrangement.regions:
            self._shown = name
            self._rearrange()
        self.panes[name].table.focus(scroll_visible=False)

    def on_descendant_focus(self) -> None:
        self._show_keys()

    def action_next_pane(self, step: int) -> None:
        names = list(self.panes)
        self.show_pane(names[(names.index(self.pane.name_of_pane) + step) % len(names)])

    def do_pane_rollouts(self, _argument: str = "") -> None:
        self.show_pane("rollouts")

    def do_pane_pods(self, _argument: str = "") -> None:
        self.show_pane("pods")

    def do_pane_history(self, _argument: str = "") -> None:
        self.show_pane("history")

    def do_pane_events(self, _argument: str = "") -> None:
        self.show_pane("events")

    def do_pane_metrics(self, _argument: str = "") -> None:
        self.show_pane("metrics")

    def do_pane_health(self, _argument: str = "") -> None:
        self.show_pane("health")

    def do_zoom(self, _argument: str = "") -> None:
        self._zoomed = "" if self._zoomed else self.pane.name_of_pane
        self._rearrange()

    def do_all_panes(self, _argument: str = "") -> None:
        self._zoomed, self._shown = "", _SECOND
        self._rearrange()
        self.call_after_refresh(self._focus_what_is_seen)

    def _focus_what_is_seen(self) -> None:
        if self.pane.name_of_pane not in self._arrangement.regions:
            self.show_pane("rollouts")

    def do_faults(self, _argument: str = "") -> None:
        self.pane.toggle_faults()

    def do_wide(self, _argument: str = "") -> None:
        self.pane.toggle_wide()

    def do_sort_next(self, _argument: str = "") -> None:
        self.pane.sort_by_next(1)

    def do_sort_previous(self, _argument: str = "") -> None:
        self.pane.sort_by_next(-1)

    def do_sort_up(self, _argument: str = "") -> None:
        self.pane.sort_descending(False)

    def do_sort_down(self, _argument: str = "") -> None:
        self.pane.sort_descending(True)

    def do_mark(self, _argument: str = "") -> None:
        pane = self.pane
        if isinstance(pane, HistoryPane):
            pane.mark()
        else:
            self.say("Space marks a revision: go to History first (3).", "warn")

    # Going up and back

    def action_up(self) -> None:
        """Esc: clear the filter, then what else narrows the view, one thing at a time."""
        if self.pane.filter:
            self.pane.narrow("")
        elif self.pane.is_faults_only:
            self.pane.toggle_faults()
        else:
            self.do_back()

    def do_back(self, _argument: str = "") -> None:
        if self._zoomed or self._shown != _SECOND:
            self.do_all_panes()
        else:
            self.say("This is the first view. Leave with Ctrl-c or `:q`.")

    # Keys and words

    @property
    def target(self) -> Target:
        return self.pane.target

    @property
    def candidates(self) -> Mapping[str, Sequence[str]]:
        return self.command_line.candidates

    @candidates.setter
    def candidates(self, names: Mapping[str, Sequence[str]]) -> None:
        self.command_line.candidates = names

    def say(self, note: str, style: str = "quiet") -> None:
        """One sentence in the bottom line for some seconds."""
        self.footer.say(note, style)

    def action_do(self, name: str) -> None:
        self.perform(name)

    def perform(self, name: str, argument: str = "") -> None:
        """Carry out an action, ask the app for it, or say why not."""
        here: Callable[[str], None] | None = getattr(self, f"do_{name}", None)
        if (reason := self.refusal(name)) is not None:
            self.footer.refuse(name, reason)
        elif here is not None:
            here(argument)
        else:
            self.post_message(ActionRequested(name, self.target))

    def refusal(self, name: str) -> str | None:
        """Why an action of the registry cannot be carried out on what is selected."""
        return action(name).refusal(self.fleet, self.target) if self.fleet is not None else None

    def _show_keys(self) -> None:
        if self.is_mounted:
            self.footer.show(footer_keys(View.WATCH, self.fleet, self.target, self._keys))

    def on_action_requested(self, message: ActionRequested) -> None:
        """A click in the footer comes without a target; what this screen does itself goes no further."""
        if message.target is None:
            message.stop()
            self.perform(message.name)

    def on_command_entered(self, message: CommandEntered) -> None:
        """What this screen can do by itself is done here; the rest of the words are the app's."""
        found = action_for_word(message.word)
        if found is not None and hasattr(self, f"do_{found.name}"):
            message.stop()
            self.perform(found.name, message.argument)

    def do_help(self, _argument: str = "") -> None:
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(View.WATCH, self._keys, fleet=self.fleet))

    def do_palette(self, _argument: str = "") -> None:
        self.app.action_command_palette()

    def do_command(self, _argument: str = "") -> None:
        self._leave_room_for_line()
        self.command_line.open_command()

    def do_filter(self, argument: str = "") -> None:
        if argument:
            self.pane.narrow(argument)
            return
        self._leave_room_for_line()
        self.command_line.open_filter(self.pane.filter.text)

    def _leave_room_for_line(self) -> None:
        self._pane_before = self.pane.name_of_pane
        self.footer.display = False

    def on_line_closed(self, message: LineClosed) -> None:
        message.stop()
        self.footer.display = True

    def on_filter_changed(self, message: FilterChanged) -> None:
        message.stop()
        self.pane.narrow(message.text)


def _first(fleet: Fleet | None) -> WorkloadKey | None:
    return next(iter(fleet.rollouts), None) if fleet else None
