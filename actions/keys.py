"""Key names as people read them: `question_mark` is "?", `ctrl+r` is "Ctrl-r"."""

from __future__ import annotations

_LABELS = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "minus": "-",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "full_stop": ".",
    "comma": ",",
    "exclamation_mark": "!",
}
_MODIFIERS = {"ctrl": "Ctrl", "shift": "Shift", "alt": "Alt"}

KEPT_FOR_CHANGES = frozenset("DZMBTNCEPROIA")
"""Upper-case letters that only an action which changes something may take, wherever the cluster is on the screen."""


def key_label(key: str) -> str:
    *modifiers, last = key.split("+")
    words = [_MODIFIERS.get(modifier, modifier) for modifier in modifiers]
    return "-".join([*words, _LABELS.get(last, last)])
