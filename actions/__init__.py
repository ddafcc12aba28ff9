"""The registry of everything a key, a `:` word or the palette can ask for. Footer, help, keymap and docs read it."""

from __future__ import annotations

from actions.act import ACT
from actions.action import Action, Argument, Danger, Group, Move, View
from actions.look import LOOK, READ
from actions.move import ARRANGE, MOVE, MOVES, PROGRAM
from actions.operate import OPERATE

__all__ = [
    "ACTIONS",
    "MOVES",
    "Action",
    "Argument",
    "Danger",
    "Group",
    "Move",
    "View",
    "action",
    "action_for_word",
    "actions_on",
    "moves_on",
]

ACTIONS: tuple[Action, ...] = (*ACT, *OPERATE, *LOOK, *READ, *MOVE, *ARRANGE, *PROGRAM)

_BY_NAME = {a.name: a for a in ACTIONS}
_BY_WORD = {word: a for a in ACTIONS for word in a.words}


def action(name: str) -> Action:
    """The action of that name; KeyError where the registry has none."""
    return _BY_NAME[name]


def action_for_word(word: str) -> Action | None:
    return _BY_WORD.get(word)


def actions_on(view: View) -> tuple[Action, ...]:
    """What applies on a view, in the order of the registry: its keys, its footer and its help are made of these."""
    return tuple(a for a in ACTIONS if view in a.views)


def moves_on(view: View) -> tuple[Move, ...]:
    return tuple(m for m in MOVES if view in m.views)
