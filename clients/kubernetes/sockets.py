"""The TCP sockets of one connection: kept alive while they are quiet, and ended for certain when it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from typing import Any

_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""A peer that has gone without a word is noticed after a minute, also where nothing is due to be said (logs)."""
_TURNS_TO_END = 4


class Sockets:
    """`open` is aiohttp's `socket_factory`."""

    def __init__(self) -> None:
        self._opened: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def open(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol = address[:3]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._opened.add(opened)
        return opened

    async def end(self) -> None:
        """TLS waits up to 30 s for the other side's goodbye, also for requests given up; a dead server says none."""
        for opened in list(self._opened):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for _ in range(_TURNS_TO_END):
            await asyncio.sleep(0)
