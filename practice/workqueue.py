"""Objects that a controller has yet to look at: each once, however often it changed."""

from __future__ import annotations

from collections.abc import Callable

from practice.clock import Clock

Key = tuple[str, str]


class WorkQueue:
    def __init__(self, clock: Clock, sync: Callable[[str, str], None], delay_s: float = 0.02) -> None:
        self._clock = clock
        self._sync = sync
        self._delay_s = delay_s
        self._waiting: set[Key] = set()

    def add(self, namespace: str, name: str) -> None:
        key = (namespace, name)
        if key not in self._waiting:
            self._waiting.add(key)
            self._clock.call_in(self._delay_s, lambda: self._run(key))

    def add_later(self, namespace: str, name: str, delay_s: float) -> None:
        self._clock.call_in(delay_s, lambda: self.add(namespace, name))

    def _run(self, key: Key) -> None:
        self._waiting.discard(key)
        self._sync(*key)
