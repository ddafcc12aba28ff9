"""An event loop whose time passes at once: whatever waits is woken in its order, and an hour of waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _NoWaiting(selectors.SelectSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise AssertionError("everything waits, and nothing will come")
            self.loop.moment += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, moment: float = 0.0) -> None:
        self.moment = moment
        selector = _NoWaiting()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.moment


def in_no_time(work: Coroutine[Any, Any, T], moment: float = 0.0) -> T:
    """Runs `work` in virtual time that begins at `moment`."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(moment)) as runner:
        return runner.run(work)
