"""The one place where state changes: what the feeds post is folded into the fleet, and the fleet is published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from domain.facts import Fact
from domain.fleet import Fleet
from domain.fold import fold

CALM_INTERVAL_S = 0.033
"""Between two snapshots: one frame of what an eye notices, and no more."""
BURST_INTERVAL_S = 0.1
BURST_FACTS = 60
"""More facts than this since the last snapshot are a burst: the line to the terminal is spared."""
_MOST_AT_ONCE = 2000


class Control:
    """Woken by the first fact, then at most every `CALM_INTERVAL_S` (`BURST_INTERVAL_S` in a burst)."""

    def __init__(self, fleet: Fleet, publish: Callable[[Fleet], None]) -> None:
        self.fleet = fleet
        self._publish = publish
        self._inbox: list[Fact] = []
        self._woken = asyncio.Event()

    def post(self, fact: Fact) -> None:
        """Called in the event loop."""
        self._inbox.append(fact)
        self._woken.set()

    def fold_now(self) -> Fleet:
        """Take in all that is waiting; the newest fleet."""
        inbox, self._inbox = self._inbox, []
        for start in range(0, len(inbox), _MOST_AT_ONCE):
            self.fleet = fold(self.fleet, inbox[start : start + _MOST_AT_ONCE])
        return self.fleet

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            before, count = self.fleet, len(self._inbox)
            self.fold_now()
            if self.fleet is not before:
                self._publish(self.fleet)
            await asyncio.sleep(BURST_INTERVAL_S if count > BURST_FACTS else CALM_INTERVAL_S)
