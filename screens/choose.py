"""Pick one from a list: a context, a namespace, an environment, a container. Typing narrows the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from domain.filters import parse_filter
from domain.sanitise import sanitise
from widgets import palette


@dataclass(frozen=True, slots=True)
class Choice:
    """`note` stands beside the name, in a style of the palette."""

    name: str
    note: str = ""
    style: str = "quiet"


class ChoiceList(Widget, can_focus=True):
    """The typed text, the choices that match it, and what the keys do. Every key is its own, so none acts elsewhere."""

    DEFAULT_CSS = "ChoiceList { width: 1fr; height: 1fr; }"

    def __init__(self, choices: Sequence[Choice], current: str) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self._current = current
        self._typed = ""
        self._found = self._choices
        self._at = next((i for i, choice in enumerate(choices) if choice.name == current), 0)

    @property
    def typed(self) -> str:
        return self._typed

    @property
    def chosen(self) -> str | None:
        return self._found[self._at].name if self._found else None

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return True

    def narrow(self, text: str) -> None:
        kept = self.chosen
        self._typed = text
        wanted = parse_filter(text)
        found = [choice for choice in self._choices if wanted.matches(f"{choice.name} {choice.note}", {})]
        # A name that begins with what was typed is what was meant.
        found.sort(key=lambda choice: not choice.name.lower().startswith(text.lower()))
        self._found = tuple(found)
        self._at = 0 if text else next((i for i, choice in enumerate(found) if choice.name == kept), 0)
        self.refresh()

    async def _on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "enter":
            self._take()
        elif event.key in ("escape", "ctrl+c"):
            if self._typed and event.key == "escape":
                self.narrow("")
            else:
                self._leave_with(None)
        elif event.key in _STEPS:
            self._go(self._at + _STEPS[event.key])
        elif event.key in ("pagedown", "ctrl+f", "pageup", "ctrl+b"):
            self._go(self._at + (self._room if event.key in ("pagedown", "ctrl+f") else -self._room))
        elif event.key in ("home", "end"):
            self._go(0 if event.key == "home" else len(self._found))
        elif event.key in ("backspace", "ctrl+h"):
            self.narrow(self._typed[:-1])
        elif event.key == "ctrl+u":
            self.narrow("")
        elif event.is_printable and event.character is not None:
            self.narrow(sanitise(self._typed + event.character, 200))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.narrow(sanitise(self._typed + event.text.strip("\r\n"), 200))

    def _take(self) -> None:
        if self._found:
            self._leave_with(self.chosen)

    def _leave_with(self, name: str | None) -> None:
        if isinstance(self.screen, ChooseScreen):
            self.screen.dismiss(name)

    def _go(self, at: int) -> None:
        self._at = max(0, min(at, len(self._found) - 1))
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._at + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._at - 3)

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 2
        if event.y >= 2 and index < len(self._found):
            self._go(index)
            self._take()

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 4)

    @property
    def _top(self) -> int:
        return max(0, min(self._at - self._room // 2, len(self._found) - self._room))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y == 0:
            segments = self._typed_line(base)
        elif 2 <= y < 2 + self._room:
            segments = self._choice_line(self._top + y - 2, width, base)
        elif y == self.size.height - 1:
            text = f"Enter takes it {palette.signs.dot} Esc leaves {palette.signs.dot} typing narrows the list"
            segments = [Segment(text, base + palette.STYLES["quiet"])]
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, base)

    def _typed_line(self, base: Style) -> list[Segment]:
        count = f"  {len(self._found)} of {len(self._choices)}" if self._typed else ""
        return [
            Segment("/", base + palette.STYLES["accent"]),
            Segment(palette.shown(self._typed), base),
            Segment(" ", base + Style(reverse=True)),
            Segment(count, base + palette.STYLES["quiet"]),
        ]

    def _choice_line(self, index: int, width: int, base: Style) -> list[Segment]:
        if not self._found and index == 0:
            return [Segment("Nothing matches: Backspace, or Esc for all.", base + palette.STYLES["warn"])]
        if index >= len(self._found):
            return []
        choice = self._found[index]
        is_here = index == self._at
        widest = max(palette.width_of(c.name) for c in self._found)
        name_width = min(widest, max(8, width - 24 if choice.note else width - 4))
        style = base + palette.STYLES["strong" if is_here else ""]
        sign = palette.signs.cursor if is_here else " "
        current = palette.signs.current if choice.name == self._current else " "
        return [
            Segment(f"{sign}{current} ", base + palette.STYLES["accent"]),
            Segment(palette.fit(choice.name, name_width), style + Style(reverse=is_here)),
            Segment(f"  {palette.fit(choice.note, max(0, width - name_width - 5))}", base + palette.STYLES[choice.style]),
        ]


_STEPS = {"down": 1, "up": -1, "ctrl+n": 1, "ctrl+p": -1, "tab": 1, "shift+tab": -1}


class ChooseScreen(ModalScreen[str | None]):
    """Ends with the chosen name, or None. `current` has the cursor at first and keeps a sign."""

    CSS = """
    ChooseScreen { align: center middle; background: transparent; }
    ChooseScreen ChoiceList { width: 68; max-width: 90%; height: 18; max-height: 80%; }
    ChooseScreen ChoiceList { border: round ansi_cyan; padding: 0 1; }
    ChooseScreen.-ascii ChoiceList { border: ascii ansi_cyan; }
    """
    AUTO_FOCUS = "ChoiceList"

    def __init__(self, title: str, choices: Sequence[Choice | str], *, current: str = "") -> None:
        super().__init__()
        self._title = title
        self._list = ChoiceList([c if isinstance(c, Choice) else Choice(c) for c in choices], current)

    def compose(self) -> ComposeResult:
        from rich.text import Text

        self._list.border_title = Text(palette.shown(self._title))
        yield self._list

    def on_mount(self) -> None:
        self.set_class(palette.is_ascii(), "-ascii")
