"""Shows the watch screen, or one widget, over a fleet that a test has made."""

from __future__ import annotations

from typing import Any

from rich.color import ColorSystem
from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from app.painting import PaintedScreen
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


class CountingStage(WatchStage):
    """`sent` holds what each update would send to a terminal, as the app sends it."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self.sent: list[str] = []
        self._painted = PaintedScreen()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        update: object = renderable
        if isinstance(update, CompositorUpdate):
            sequence = self._painted.changes(update, (self.size.width, self.size.height), ColorSystem.STANDARD)
            if sequence:
                self.sent.append(sequence)

    def bytes_sent(self) -> int:
        """Since the last call."""
        count = sum(len(sequence.encode()) for sequence in self.sent)
        self.sent.clear()
        return count


def lines(app: App[Any]) -> list[str]:
    """What stands on the screen, line by line."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def line_with(app: App[Any], text: str) -> str:
    """The first line that holds `text`; an error that shows the whole screen where none does."""
    found = next((line for line in lines(app) if text in line), None)
    if found is None:
        raise AssertionError(f"{text!r} is not on the screen:\n" + "\n".join(lines(app)))
    return found
