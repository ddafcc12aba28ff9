"""Shows the watch screen, or one widget, over a fleet that a test has made."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.message import Message
from textual.widget import Widget

from domain.fleet import Fleet
from screens.watch import WatchScreen
from widgets.messages import ActionRequested, CommandEntered


class WatchStage(App[None], inherit_bindings=False):
    """`asked` is what reached the app: (name, target) of every request, and the words it had to see to."""

    COMMANDS = set()  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self.theme = "ansi-dark"
        self.watch_screen = WatchScreen(fleet)
        self.asked: list[tuple[str, object]] = []

    def on_mount(self) -> None:
        self.push_screen(self.watch_screen)

    def on_action_requested(self, message: ActionRequested) -> None:
        self.asked.append((message.name, message.target))

    def on_command_entered(self, message: CommandEntered) -> None:
        self.asked.append((f":{message.word}", message.argument))


class WidgetStage(App[None], inherit_bindings=False):
    """One widget that fills the screen; `heard` is what it said upward."""

    COMMANDS = set()  # noqa: RUF012

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.theme = "ansi-dark"
        self.widget = widget
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()
