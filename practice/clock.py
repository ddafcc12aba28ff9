"""When things happen: a queue of things to do, on a clock that may run fast, or stand still and be pushed by a test."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable


class Clock:
    """Delays are in practice seconds: `speed` of them pass in one real second. Time stamps stay real ones, so that ages
    and Date headers agree with every client. Before `start` nothing passes; then `advance` pushes both."""

    def __init__(self, speed: float = 1.0, origin: float | None = None) -> None:
        self.speed = speed
        self._origin = time.time() if origin is None else origin
        self._pushed = 0.0
        self._began: float | None = None
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def elapsed(self) -> float:
        """Practice seconds since the beginning."""
        if self._began is None:
            return self._pushed
        return self._pushed + (time.monotonic() - self._began) * self.speed

    def now(self) -> float:
        """For time stamps, seconds since the epoch."""
        return self._origin + self._pushed if self._began is None else time.time()

    def call_in(self, delay_s: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.elapsed + max(0.0, delay_s), next(self._order), do))
        self._wind()

    def start(self) -> None:
        """Lets time pass; needs a running event loop."""
        self._began = time.monotonic()
        self._wind()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._queue.clear()

    def advance(self, seconds: float) -> None:
        """Pushes a clock that was never started, doing on the way what falls due."""
        until = self._pushed + seconds
        while self._queue and self._queue[0][0] <= until:
            due, _, do = heapq.heappop(self._queue)
            self._pushed = max(self._pushed, due)
            do()
        self._pushed = until

    def _wind(self) -> None:
        if self._began is None or not self._queue:
            return
        if self._timer is not None:
            self._timer.cancel()
        wait_s = max(0.0, self._queue[0][0] - self.elapsed) / self.speed
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def _ring(self) -> None:
        while self._queue and self._queue[0][0] <= self.elapsed:
            heapq.heappop(self._queue)[2]()
        self._wind()
