"""A text to read: a description that keeps up with the cluster, or an object's YAML as it was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from actions import View
from domain.describe import Described
from domain.fleet import Fleet
from domain.targets import Target
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.messages import ActionRequested
from widgets.text_lines import Span, TextLine
from widgets.text_view import TextView

_KEY = re.compile(r"^(?P<indent>[\s-]*)(?P<key>[^\s:#\"'][^:]*?|\"[^\"]*\"):(?=\s|$)")
_LABEL_WIDTH = 13
_NOWHERE = Target()
_LOADING = ("Reading it …",)

Builder = Callable[[Fleet, Target], Sequence[Described]]


def yaml_spans(text: str) -> list[Span]:
    """The key of a line, and comments. Not a parser: a wrong guess is a wrong colour, nothing else."""
    stripped = text.lstrip()
    if stripped.startswith("#"):
        return [(0, len(text), "quiet")]
    match = _KEY.match(text)
    return [(match.start("key"), match.end("key"), "accent")] if match else []


def described_lines(lines: Sequence[Described]) -> list[TextLine]:
    """Labels in a column of their own; headings begin at the edge."""
    return [
        TextLine(line.text, line.style)
        if line.style == "title" or not line.text
        else TextLine(line.text, line.style, ((f"  {line.label:<{_LABEL_WIDTH - 1}} ", "quiet"),))
        for line in lines
    ]


class TextScreen(ViewScreen):
    """With `build` the text is made from every newer snapshot; without it the app pushes it with `show_text`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.TEXT), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.TEXT

    def __init__(
        self,
        title: str,
        text: str | None = None,
        *,
        is_yaml: bool = False,
        build: Builder | None = None,
        fleet: Fleet | None = None,
        target: Target = _NOWHERE,
    ) -> None:
        super().__init__(fleet=fleet, target=target)
        self._subject = title
        self._build = build
        self._is_here = "describe" if build is not None else "yaml" if is_yaml else ""
        self._sought = ""
        is_prose = build is not None
        self._text = TextView(
            empty=_LOADING, styler=yaml_spans if is_yaml else None, is_wrapped=is_prose, by_words=is_prose
        )
        if text is not None:
            self.show_text(text)
        self.fleet_changed()

    # What the app tells it

    def show_text(self, text: str) -> None:
        """Sanitised lines; where the person was reading stays in view."""
        self._text.say_empty(("It is empty.",))
        self._text.set_lines([TextLine(line) for line in text.split("\n")] if text else ())

    def show_error(self, message: str, hint: str = "") -> None:
        """It could not be read: what and what next. A text that is there already stays, and the bottom line says it."""
        self._text.say_empty([part for part in (message, hint, "Ctrl-r tries again.") if part])
        if self._text.lines:
            self.say(message, "bad")

    # What it shows

    def body(self) -> Sequence[Widget]:
        return (self._text,)

    def heading(self) -> str:
        return self._subject

    def fleet_changed(self) -> None:
        if self._build is not None and self.fleet is not None:
            self._text.set_lines(described_lines(self._build(self.fleet, self.target)))

    def state(self) -> tuple[str, str]:
        place = f"{len(self._text.lines):,} lines {palette.signs.dot} {self._text.place}"
        if not self._sought:
            return place, "quiet"
        here, of = self._text.match_place
        if not of:
            return f"“{self._sought}” is not in it", "warn"
        return f"“{self._sought}” {here} of {of} {palette.signs.dot} {place}", "accent"

    def titles(self) -> Mapping[str, str]:
        return {"wrap": "Unwrap" if self._text.is_wrapped else "Wrap", self._is_here: ""}

    @on(TextView.Moved)
    def _moved(self, message: TextView.Moved) -> None:
        message.stop()
        self.show_state()

    # What can be asked for here

    def perform(self, name: str, argument: str = "") -> None:
        """Its own key, pressed again, reads it again."""
        super().perform("refresh" if name == self._is_here else name, argument)

    def text_to_keep(self) -> str:
        return "\n".join(line.plain.rstrip() for line in self._text.lines)

    def filter_changed(self, text: str, is_done: bool) -> None:
        if text != self._sought:
            self._sought = text
            self._text.search(text)

    def clear(self) -> bool:
        if not self._sought:
            return False
        self.filter_changed("", True)
        return True

    def do_search(self, argument: str = "") -> None:
        if argument:
            self.filter_changed(argument, True)
            self.show_state()
        else:
            self.open_filter("")

    def do_next_match(self, _argument: str = "") -> None:
        self._go_on(1)

    def do_previous_match(self, _argument: str = "") -> None:
        self._go_on(-1)

    def _go_on(self, step: int) -> None:
        if not self._sought:
            self.say("Search first: / and a text.", "warn")
            return
        self._text.next_match(step)
        self.show_state()

    def do_wrap(self, _argument: str = "") -> None:
        self._text.is_wrapped = not self._text.is_wrapped
        self.show_state()

    def do_refresh(self, _argument: str = "") -> None:
        if self._build is not None:
            self.fleet_changed()
            self.say("It keeps up by itself.")
        else:
            self.app.post_message(ActionRequested("refresh", self.target))
            self.say("Reading it again …")
