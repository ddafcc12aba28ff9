"""What a person types to narrow a list: text, `!text` (not), `-l key=value` (label), `-f text` (fuzzy)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_Test = Callable[[str, Mapping[str, str]], bool]
_TERM = re.compile(r'"([^"]*)"|(\S+)')
_LABEL = re.compile(r"^([^=!]+?)(==|!=|=)(.*)$")


class Filter(NamedTuple):
    """Every term must hold. `text` is what was typed; an empty filter lets everything through."""

    text: str = ""
    tests: tuple[_Test, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, text: str, labels: Mapping[str, str]) -> bool:
        """`text` is everything of a row that is read; case does not matter, except in labels."""
        lowered = text.lower()
        return all(test(lowered, labels) for test in self.tests)


def parse_filter(text: str) -> Filter:
    """Never an error: what is half typed narrows as far as it can be understood. Text is text, not a pattern.

    Terms are separated by spaces (`"two words"` is one); `-l` and `-f` go for the term after them or glued to them.
    A label term is `key`, `!key`, `key=value` or `key!=value`; several are separated by commas, as kubectl has it.
    """
    tests: list[_Test] = []
    option = ""
    for quoted, bare in _TERM.findall(text):
        term = quoted or bare
        if not option and bare[:2] in ("-l", "-f") and not quoted:
            option, term = bare[:2], bare[2:]
            if not term:
                continue
        if option == "-l":
            tests.extend(_label_test(part) for part in term.split(",") if part.strip("!="))
        elif option == "-f":
            tests.append(_fuzzy_test(term.lower()))
        elif term.startswith("!") and bare:
            if term != "!":
                tests.append(_not_test(term[1:].lower()))
        elif term:
            tests.append(_text_test(term.lower()))
        option = ""
    return Filter(text.strip(), tuple(tests))


def _text_test(wanted: str) -> _Test:
    return lambda text, _labels: wanted in text


def _not_test(unwanted: str) -> _Test:
    return lambda text, _labels: unwanted not in text


def _fuzzy_test(wanted: str) -> _Test:
    """The letters in their order, with anything between them."""

    def test(text: str, _labels: Mapping[str, str]) -> bool:
        at = 0
        for letter in wanted:
            at = text.find(letter, at) + 1
            if not at:
                return False
        return True

    return test


def _label_test(term: str) -> _Test:
    match = _LABEL.match(term)
    if match is None:
        if term.startswith("!"):
            return lambda _text, labels: term[1:] not in labels
        return lambda _text, labels: term in labels
    key, operator, value = match.groups()
    if operator == "!=":
        return lambda _text, labels: labels.get(key) != value
    return lambda _text, labels: labels.get(key) == value
