"""Every colour and sign by its meaning, so that a screen reads the same in 16 colours, without colour, and in ASCII.

A colour never stands alone: a sign or a word beside it says the same.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from domain.verdict import Degree

STYLES: dict[str, Style] = {
    "": Style.null(),
    "strong": Style(bold=True),
    "quiet": Style(dim=True),
    "good": Style(color="green"),
    "warn": Style(color="yellow"),
    "bad": Style(color="red", bold=True),
    "accent": Style(color="cyan"),
    "new": Style(color="cyan"),
    "title": Style(bold=True),
    "focus": Style(color="cyan", bold=True),
    "column": Style(dim=True),
    "production": Style(color="bright_white", bgcolor="red", bold=True),
    "environment": Style(color="black", bgcolor="green", bold=True),
    "alarm": Style(color="black", bgcolor="yellow", bold=True),
}


class Signs:
    """Each is one cell wide in every terminal font, or it is not in here."""

    good = "✔"
    bad = "✖"
    warn = "!"
    busy = "◐"
    paused = "‖"
    waiting = "·"
    current = "●"
    star = "★"
    past = "○"
    cursor = "▸"
    marked = "◆"
    opened = "▾"
    closed = "▹"
    branch = "└"
    arrow = "→"
    dot = "·"
    ellipsis = "…"
    times = "×"
    minus = "−"
    ascending = "▴"
    descending = "▾"
    bar_left = "▕"
    bar_right = "▏"
    bar_full = "█"
    bar_ready = "▓"
    bar_empty = "░"
    began = "│"
    levels = "▁▂▃▄▅▆▇█"
    line = "━"
    edge = "┃"
    joint_down = "┳"
    joint_up = "┻"
    joint_cross = "╋"
    joint_right = "┣"
    joint_left = "┫"


class AsciiSigns(Signs):
    """For a locale that is not UTF-8."""

    good = "+"
    bad = "x"
    busy = "~"
    paused = "="
    waiting = "."
    current = "@"
    star = "*"
    past = "o"
    cursor = ">"
    marked = "#"
    opened = "v"
    closed = ">"
    branch = "`"
    arrow = ">"
    dot = "-"
    ellipsis = "~"
    times = "x"
    minus = "-"
    ascending = "^"
    descending = "v"
    bar_left = "["
    bar_right = "]"
    bar_full = "#"
    bar_ready = "="
    bar_empty = "."
    began = "|"
    levels = "_.,-=+*#"
    line = "-"
    edge = "|"
    joint_down = "+"
    joint_up = "+"
    joint_cross = "+"
    joint_right = "+"
    joint_left = "+"


_TO_ASCII = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "·": "-",
        "→": ">",
        "…": "~",
        "×": "x",
        "−": "-",
        "–": "-",
        "—": "-",
        "✔": "+",
        "✖": "x",
        "●": "@",
        "★": "*",
        "○": "o",
    }
)

signs: type[Signs] = Signs
"""Read it as `palette.signs`: `use_ascii` replaces it."""


def use_ascii(wanted: bool = True) -> None:
    """For a locale that is not UTF-8, or where the configuration asks for it. Call before the first paint."""
    global signs
    signs = AsciiSigns if wanted else Signs
    fit.cache_clear()


def is_ascii() -> bool:
    return signs is AsciiSigns


def shown(text: str) -> str:
    """`text` as this terminal can show it."""
    if signs is Signs or text.isascii():
        return text
    return text.translate(_TO_ASCII).encode("ascii", "replace").decode("ascii")


class Cut(Enum):
    """Where text that is too long loses some of itself."""

    END = "end"
    START = "start"
    MIDDLE = "middle"


@lru_cache(maxsize=8192)
def fit(text: str, width: int, cut: Cut = Cut.END, to_right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or shortened with an ellipsis."""
    text = shown(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length == width:
        return text
    if length < width:
        return " " * (width - length) + text if to_right else text + " " * (width - length)
    if width <= 1:
        return signs.ellipsis if width == 1 else ""
    if cut is Cut.END:
        return set_cell_size(text, width - 1) + signs.ellipsis
    tail = width - 1 if cut is Cut.START else max(1, min(width - 2, max(6, width * 2 // 5)))
    head = set_cell_size(text, width - 1 - tail)
    end = text[-tail:]
    while cell_len(end) > tail:
        end = end[1:]
    return set_cell_size(head + signs.ellipsis + end, width)


def width_of(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


_DEGREE_STYLES = {
    Degree.HEALTHY: "good",
    Degree.PROGRESSING: "accent",
    Degree.PAUSED: "warn",
    Degree.SUSPECT: "warn",
    Degree.LIKELY: "bad",
    Degree.BUSINESS: "bad",
    Degree.DOOMED: "bad",
}


def degree_style(degree: Degree) -> str:
    return _DEGREE_STYLES[degree]


def degree_sign(degree: Degree) -> str:
    if degree.is_failing:
        return signs.bad
    if degree is Degree.SUSPECT:
        return signs.warn
    if degree is Degree.PAUSED:
        return signs.paused
    return signs.busy if degree is Degree.PROGRESSING else signs.good
