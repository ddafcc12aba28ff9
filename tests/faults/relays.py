"""Two proxies in a few lines each: SOCKS 5, and HTTP with CONNECT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Relay:
    """`asked` are the destinations in the order they were dialled; names stay names. All are led to `leads_to`."""

    leads_to: tuple[str, int]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    refuses: bool = False


Greeting = Callable[[Relay, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _socks(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _version, _command, _reserved, kind = await reader.readexactly(4)
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    else:
        host = ".".join(str(byte) for byte in await reader.readexactly(4))
    port = int.from_bytes(await reader.readexactly(2), "big")
    relay.asked.append(f"{host}:{port}")
    writer.write(bytes([5, 5 if relay.refuses else 0, 0, 1]) + bytes(6))


async def _connect(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    relay.asked.append(head.split()[1].decode())
    writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n" if relay.refuses else b"HTTP/1.1 200 OK\r\n\r\n")


@contextlib.asynccontextmanager
async def relaying(scheme: str, leads_to: tuple[str, int]) -> AsyncIterator[Relay]:
    """`scheme` is socks5 or http."""
    relay = Relay(leads_to)
    greet = _socks if scheme == "socks5" else _connect
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await greet(relay, reader, writer)
            if not relay.refuses:
                back, forth = await asyncio.open_connection(*relay.leads_to)
                await asyncio.gather(_pump(reader, forth), _pump(back, writer))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    relay.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    finally:
        sink.close()
