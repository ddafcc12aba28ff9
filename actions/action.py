"""What a person can ask for: a name, keys, `:` words, where it applies, and a reason when it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.fleet import Fleet
from domain.targets import Target


class Group(StrEnum):
    """The headings of help, in order."""

    LOOK = "Look closer"
    READ = "Read a log or a text"
    ACT = "Act"
    MOVE = "Go elsewhere"
    VIEW = "Arrange the view"
    PROGRAM = "Program"


class View(StrEnum):
    """The screens that take keys. The values are the words shown to people."""

    WATCH = "watch"
    LOGS = "logs"
    TEXT = "text"
    COMPARE = "difference"
    CHART = "chart"
    SIDE_BY_SIDE = "side by side"
    OPERATION = "operation"
    OPERATIONS = "operations"
    HELP = "help"


EVERYWHERE = tuple(View)


class Danger(StrEnum):
    NONE = "reads only"
    REACHES_IN = "opens a session inside a container"
    CHANGES = "changes the cluster"


class Argument(StrEnum):
    """What may follow an action's `:` word; the app supplies the candidates for completing it."""

    NONE = ""
    NAMESPACE = "namespace"
    CONTEXT = "context"
    ENVIRONMENT = "environment"
    METRIC = "metric"
    POD = "pod or container"
    FILE = "file"
    TEXT = "text"


Refusal = Callable[[Fleet, Target], str | None]


def never(_fleet: Fleet, _target: Target) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` are Textual key names, the first one is shown; `words` are typed after a colon, the first one is shown.

    `refusal` says in one sentence why the action cannot be carried out on this target now, or None.
    """

    name: str
    """Also the id of its key binding: what a user's configuration rebinds."""
    title: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    group: Group
    help: str
    danger: Danger = Danger.NONE
    refusal: Refusal = never
    in_footer: bool = False
    views: tuple[View, ...] = (View.WATCH,)
    argument: Argument = Argument.NONE
    rank: int = 50
    """In a footer that is too short, the highest rank goes first."""


@dataclass(frozen=True, slots=True)
class Move:
    """Keys that move a cursor or a view: they belong to the widgets and are listed here so that help is complete."""

    keys: tuple[str, ...]
    help: str
    views: tuple[View, ...] = EVERYWHERE
