"""Every key and every word of one view, made from the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from actions import Action, Group, View, actions_on, moves_on
from actions.keys import key_label
from domain.filters import parse_filter
from domain.fleet import Fleet
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets.text_lines import TextLine
from widgets.text_view import TextView

_KEYS_WIDTH = 11
_WORDS_WIDTH = 18


class HelpScreen(ViewScreen):
    """`about` is the view it explains, `keys` the bindings in force there (`keys_in_force`)."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.HELP), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.HELP

    def __init__(self, about: View, keys: Mapping[str, str] | None = None, *, fleet: Fleet | None = None) -> None:
        super().__init__(fleet=fleet)
        self._about = about
        self._in_force = keys
        self._filter = ""
        self._text = TextView(empty=("No key or word matches.", "Esc clears the filter."), is_wrapped=True, by_words=True)
        self._rewrite()

    def body(self) -> Sequence[Widget]:
        return (self._text,)

    def heading(self) -> str:
        return f"Help for {self._about}"

    def state(self) -> tuple[str, str]:
        return (f"/{self._filter}", "accent") if self._filter else ("q goes back", "quiet")

    def do_help(self, _argument: str = "") -> None:
        self.do_back()

    def do_filter(self, argument: str = "") -> None:
        if argument:
            self.filter_changed(argument, True)
        else:
            self.open_filter(self._filter)

    def filter_changed(self, text: str, is_done: bool) -> None:
        self._filter = text
        self._rewrite()
        self._text.action_first()

    def clear(self) -> bool:
        if not self._filter:
            return False
        self.filter_changed("", True)
        return True

    def _rewrite(self) -> None:
        self._text.set_lines(list(self._lines()))

    def _lines(self) -> Iterator[TextLine]:
        wanted = parse_filter(self._filter)
        for group in Group:
            found = [a for a in actions_on(self._about) if a.group is group and wanted.matches(_searched(a), {})]
            if found:
                yield TextLine(f" {group}", "title")
            for a in found:
                yield _entry(self._keys_of(a), _words_of(a), a.help)
            if found:
                yield TextLine("")
        moves = [m for m in moves_on(self._about) if wanted.matches(f"{m.help} {' '.join(m.keys)}", {})]
        if moves:
            yield TextLine(" Move", "title")
        for move in moves:
            yield _entry(" ".join(key_label(key) for key in move.keys), "", move.help)

    def _keys_of(self, a: Action) -> str:
        if self._in_force is not None and a.keys:
            return key_label(self._in_force.get(a.name, ""))
        return " ".join(key_label(key) for key in a.keys)


def _searched(a: Action) -> str:
    return " ".join((a.title, a.help, *a.words, *(key_label(key) for key in a.keys)))


def _words_of(a: Action) -> str:
    shown: list[str] = []
    for word in a.words:
        if sum(len(w) + 2 for w in (*shown, word)) <= _WORDS_WIDTH:
            shown.append(word)
    return " ".join(f":{word}" for word in shown)


def _entry(keys: str, words: str, sentence: str) -> TextLine:
    """Keys, words and a sentence, each in its column; where there are no words, the keys may have their column too."""
    lead: tuple[tuple[str, str], ...]
    if words:
        lead = ((f" {keys:<{_KEYS_WIDTH}} ", "accent"), (f"{words:<{_WORDS_WIDTH}} ", "quiet"))
    else:
        lead = ((f" {keys:<{_KEYS_WIDTH + _WORDS_WIDTH + 1}} ", "accent"),)
    return TextLine(sentence, "", lead)
