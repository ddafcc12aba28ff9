"""What a person can ask for: a name, a title, keys, `:` words, and a reason when it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.fleet import Fleet
from domain.targets import Target


class Group(StrEnum):
    """The headings of help, in order."""

    LOOK = "Look closer"
    MOVE = "Move"
    VIEW = "Arrange the view"
    ACT = "Act"
    PROGRAM = "Program"


class Danger(StrEnum):
    NONE = "reads only"
    REACHES_IN = "opens a session inside a container"
    CHANGES = "changes the cluster"


Refusal = Callable[[Fleet, Target], str | None]


def never(_fleet: Fleet, _target: Target) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` are Textual key names, the first one is shown; `words` are typed after a colon, the first one is shown.

    `refusal` says in one sentence why the action cannot be carried out on this target now, or None.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    group: Group
    help: str
    danger: Danger = Danger.NONE
    refusal: Refusal = never
    in_footer: bool = False
