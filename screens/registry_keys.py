"""The registry as a screen needs it: key bindings, the bottom line, and the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.binding import Binding, BindingType
from textual.screen import Screen

from actions import ACTIONS, View, actions_on
from actions.keys import key_label
from domain.fleet import Fleet
from domain.targets import Target
from widgets.command_line import Word
from widgets.footer import FooterKey


def bindings_on(view: View) -> list[BindingType]:
    """Each calls `action_do(name)` of the screen; its id is the action's name, so that a user's keymap can change it."""
    return [
        Binding(",".join(a.keys), f"do('{a.name}')", a.title, show=False, id=a.name) for a in actions_on(view) if a.keys
    ]


def keys_in_force(screen: Screen[Any]) -> dict[str, str]:
    """Action name -> the first key that is bound to it now, after the user's own keymap."""
    found: dict[str, str] = {}
    for key, active in screen.active_bindings.items():
        if active.binding.id:
            found.setdefault(active.binding.id, key)
    return found


def footer_keys(
    view: View, fleet: Fleet | None, target: Target, keys: Mapping[str, str], titles: Mapping[str, str] | None = None
) -> tuple[FooterKey, ...]:
    """`keys` as `keys_in_force` has them. `titles` replaces the registry's; "" leaves one out."""
    return tuple(
        FooterKey(
            a.name,
            key_label(keys[a.name]),
            (titles or {}).get(a.name, a.title),
            (a.refusal(fleet, target) if fleet is not None else None) or "",
            a.rank,
        )
        for a in actions_on(view)
        if a.in_footer and a.name in keys and (titles or {}).get(a.name, a.title)
    )


def command_words() -> tuple[Word, ...]:
    """Every word of every action: a view that has no use for one hands it on to the app."""
    return tuple(Word(word, f"{a.title}: {a.help}", a.argument.value) for a in ACTIONS for word in a.words)
