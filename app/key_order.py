"""One key at a time: the next one is looked at only when the one before has done all it does, the focus included.

Textual hands each key to whatever has the focus at that instant, and what a key does takes several turns of the loop. On a
slow line keys arrive together: of `:ns shop` typed quickly, the `s` would open a shell before the line to type in is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from textual import events
from textual.message_pump import MessagePump

LOST_AFTER_S = 0.5
"""A widget that went away with a key in its hands does not hold up the next one for longer."""

Deliver = Callable[[events.Key], Awaitable[None]]


class KeyOrder:
    """`deliver` hands a key to the focused widget; `way` gives the pumps it passes on its way up, the app last."""

    def __init__(self, deliver: Deliver, way: Callable[[], Sequence[MessagePump]]) -> None:
        self._deliver = deliver
        self._way = way
        self._waiting: deque[events.Key] = deque()
        self._serial = 0
        self._is_busy = False

    async def take(self, key: events.Key) -> None:
        self._waiting.append(key)
        if not self._is_busy:
            await self._next()

    async def _next(self) -> None:
        if not self._waiting:
            self._is_busy = False
            return
        self._is_busy = True
        self._serial += 1
        serial = self._serial
        way = self._way()
        await self._deliver(self._waiting.popleft())
        # Behind the key, through every queue that the key passes; then round once more for what it has set going there.
        self._follow(serial, [*way, *way[-2:], *way[-1:]])
        asyncio.get_running_loop().call_later(LOST_AFTER_S, self._go_on_after_loss, serial, way[-1])

    def _follow(self, serial: int, way: Sequence[MessagePump]) -> None:
        if way:
            way[0].call_later(self._follow, serial, way[1:])
        elif serial == self._serial:
            self._way()[-1].call_later(self._next)

    def _go_on_after_loss(self, serial: int, app: MessagePump) -> None:
        if serial == self._serial and self._is_busy:
            app.call_later(self._next)
