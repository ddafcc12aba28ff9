"""What every view beside the watch is: a title, a body, the line to type in and the keys; with the environment in sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.command import Provider
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from actions import View, action, action_for_word
from domain.fleet import Fleet
from domain.targets import Target
from screens.registry_keys import command_words, footer_keys, keys_in_force
from widgets import palette
from widgets.command_line import CommandLine
from widgets.footer import ActionFooter
from widgets.header import environment_word, live_word
from widgets.messages import ActionRequested, CommandEntered, FilterChanged, LineClosed
from widgets.title_line import TitleLine

CLIPBOARD_BYTES = 74_000
"""What terminals take by OSC 52 at the most (xterm's limit, base64 of it 100,000)."""
_NOWHERE = Target()


def registry_commands() -> type[Provider]:
    """For `COMMANDS`: the palette's provider is imported when the palette is opened."""
    from screens.commands import RegistryCommands

    return RegistryCommands


class ViewScreen(Screen[None]):
    """A method `do_<action>(argument)` carries an action out here; every other action goes up as ActionRequested.

    The app may assign `fleet` as often as it likes, `target` once, and `candidates` for completing (by `Argument`).
    """

    DEFAULT_CSS = """
    ViewScreen { layout: vertical; overflow: hidden; }
    ViewScreen.-production { border: heavy ansi_red; }
    ViewScreen.-production.-ascii { border: ascii ansi_red; }
    """
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {registry_commands}
    UP: ClassVar[Binding] = Binding("escape", "up", "Up", show=False, id="view.up")
    command_history: ClassVar[list[str]] = []
    view: ClassVar[View]
    ending: ClassVar[str] = "txt"

    fleet: reactive[Fleet | None] = reactive(None, init=False)

    def __init__(self, *, fleet: Fleet | None = None, target: Target = _NOWHERE) -> None:
        super().__init__()
        self.target = target
        self.title_line = TitleLine()
        self.command_line = CommandLine(command_words(), history=self.command_history)
        self.footer = ActionFooter()
        self._keys: dict[str, str] = {}
        self.set_reactive(ViewScreen.fleet, fleet)

    # For the subclasses

    def body(self) -> Sequence[Widget]:
        raise NotImplementedError

    def heading(self) -> str:
        raise NotImplementedError

    def state(self) -> tuple[str, str]:
        """What stands on the right of the title, and its style."""
        return "", "quiet"

    def titles(self) -> Mapping[str, str]:
        """Words for the footer that depend on the state: "Unwrap" for "Wrap"."""
        return {}

    def filter_changed(self, text: str, is_done: bool) -> None:
        """Something was typed after `/`."""

    def clear(self) -> bool:
        """Esc: take a filter or a search back; False where there is none, and the view is left."""
        return False

    def text_to_keep(self) -> str:
        """What is copied and saved: plain text."""
        return ""

    # Building and refreshing

    @property
    def candidates(self) -> Mapping[str, Sequence[str]]:
        return self.command_line.candidates

    @candidates.setter
    def candidates(self, names: Mapping[str, Sequence[str]]) -> None:
        self.command_line.candidates = names

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield from self.body()
        yield self.command_line
        yield self.footer

    def on_mount(self) -> None:
        self.set_class(palette.is_ascii(), "-ascii")
        self._keys = keys_in_force(self)
        self.show_scope()
        self.show_state()

    def watch_fleet(self) -> None:
        if self.is_mounted:
            self.show_scope()
            self.fleet_changed()
            self.show_state()

    def fleet_changed(self) -> None:
        """A newer snapshot is there."""

    def show_state(self) -> None:
        """Title and footer as they are now; what did not change is not drawn again."""
        self.title_line.show_title(self.heading())
        self.title_line.show_right(*self._trust(*self.state()))
        self.footer.show(footer_keys(self.view, self.fleet, self.target, self._keys, self.titles()))

    def _trust(self, text: str, style: str) -> tuple[str, str]:
        """Where the cluster is not heard any more, that comes first."""
        live = live_word(self.fleet) if self.fleet is not None else None
        if live is None or live.style != "bad":
            return text, style
        return f"{live.text} {palette.signs.dot} {text}" if text else live.text, "bad"

    @property
    def is_production(self) -> bool:
        return self.fleet is not None and self.fleet.scope.is_production

    def show_scope(self) -> None:
        """Which environment this is: a word, its colour, and production's red frame."""
        self.set_class(self.is_production, "-production")
        scope = self.fleet.scope if self.fleet is not None else None
        style = "production" if scope is not None and scope.is_production else "environment"
        self.title_line.show_tag(environment_word(scope) if scope is not None else "", style)

    def say(self, note: str, style: str = "quiet") -> None:
        """One sentence in the bottom line for some seconds."""
        self.footer.say(note, style)

    # What is asked for

    def action_do(self, name: str) -> None:
        self.perform(name)

    def perform(self, name: str, argument: str = "") -> None:
        """Carry out an action, ask the app for it, or say why not."""
        reason = action(name).refusal(self.fleet, self.target) if self.fleet is not None else None
        here: Callable[[str], Any] | None = getattr(self, f"do_{name}", None)
        if reason:
            self.footer.refuse(name, reason)
        elif here is not None:
            here(argument)
        else:
            self.post_message(ActionRequested(name, self.target))

    @on(ActionRequested)
    def _asked(self, message: ActionRequested) -> None:
        if hasattr(self, f"do_{message.name}"):
            message.stop()
            self.perform(message.name)
        elif message.target is None:
            message.target = self.target

    @on(CommandEntered)
    def _entered(self, message: CommandEntered) -> None:
        """What this view can do by itself is done here; the rest of the words are the app's."""
        found = action_for_word(message.word)
        if found is not None and hasattr(self, f"do_{found.name}"):
            message.stop()
            self.perform(found.name, message.argument)

    @on(FilterChanged)
    def _typed(self, message: FilterChanged) -> None:
        message.stop()
        self.filter_changed(message.text, message.is_done)
        self.show_state()

    @on(LineClosed)
    def _line_closed(self, message: LineClosed) -> None:
        message.stop()
        self.footer.display = True

    def action_up(self) -> None:
        if self.clear():
            self.show_state()
        else:
            self.do_back()

    def do_back(self, _argument: str = "") -> None:
        self.dismiss()

    def do_command(self, _argument: str = "") -> None:
        self.footer.display = False
        self.command_line.open_command()

    def open_filter(self, text: str) -> None:
        self.footer.display = False
        self.command_line.open_filter(text)

    def do_help(self, _argument: str = "") -> None:
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.view, self._keys, fleet=self.fleet))

    def do_palette(self, _argument: str = "") -> None:
        self.app.action_command_palette()

    def do_copy(self, _argument: str = "") -> None:
        text = self.text_to_keep()
        size = len(text.encode("utf-8", "replace"))
        if not text:
            self.say("There is nothing to copy.", "warn")
        elif size > CLIPBOARD_BYTES:
            self.say(f"{size // 1000} kB is more than a terminal takes (74 kB): `:save` writes it to a file.", "warn")
        else:
            self.app.copy_to_clipboard(text)
            self.say(f"Copied {text.count(chr(10)) + 1} lines. Nothing arrived? In tmux: set-clipboard on.", "good")

    def do_save(self, argument: str = "") -> None:
        from screens.saving import default_name, save_text

        text = self.text_to_keep()
        if not text:
            self.say("There is nothing to save.", "warn")
            return
        try:
            path = save_text(text + "\n", argument or default_name(self.heading(), self.ending))
        except FileExistsError as error:
            self.say(f"{error.filename} is there already: give another name, `:save NAME`.", "warn")
        except OSError as error:
            self.say(f"Not saved, {error.strerror or error}: `:save NAME` takes another place.", "bad")
        else:
            self.say(f"Saved {text.count(chr(10)) + 1} lines to {path}", "good")
