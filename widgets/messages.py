"""What a widget says upward; the screen and the app decide what comes of it."""

from __future__ import annotations

from textual.message import Message

from domain.workloads import WorkloadKey


class WorkloadSelected(Message):
    """The person moved to another workload: every pane follows."""

    def __init__(self, key: WorkloadKey) -> None:
        super().__init__()
        self.key = key


class ActionRequested(Message):
    """`name` is an action's name from the registry; `target` is what it is meant for (see `domain.targets`)."""

    def __init__(self, name: str, target: object = None) -> None:
        super().__init__()
        self.name = name
        self.target = target


class CommandEntered(Message):
    """A `:` command: `word` is one of those the line was given, `argument` what followed it, "" where nothing did."""

    def __init__(self, word: str, argument: str = "") -> None:
        super().__init__()
        self.word = word
        self.argument = argument


class FilterChanged(Message):
    """What stands in the `/` line now; `is_done` once Enter was pressed (and with "" where Esc took it back)."""

    def __init__(self, text: str, is_done: bool = False) -> None:
        super().__init__()
        self.text = text
        self.is_done = is_done

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FilterChanged) and not message.is_done


class LineClosed(Message):
    """The `:` or `/` line was left: the footer may stand in its place again."""
