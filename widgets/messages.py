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
