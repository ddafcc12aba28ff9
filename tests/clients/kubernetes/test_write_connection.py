"""A write leaves once or not at all, and whoever sent it learns which of the two it was."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.cluster import Cluster
from clients.kubernetes.credentials import Credential
from clients.kubernetes.writing import Writer
from domain.errors import (
    AnswerLostError,
    ConflictError,
    ForbiddenError,
    NotSentError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from tests.faults.following import QUICK

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]
Write = Callable[[Writer], Coroutine[Any, Any, object]]
BODY: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "shop", "name": "record", "uid": "u", "resourceVersion": "7"},
}
GUARD = [{"op": "test", "path": "/metadata/uid", "value": "u"}]
WRITES: dict[str, Write] = {
    "PATCH": lambda writer: writer.patch("ConfigMap", "shop", "record", GUARD),
    "POST": lambda writer: writer.create({**BODY, "metadata": {"namespace": "shop", "name": "record"}}),
    "PUT": lambda writer: writer.replace(BODY),
    "DELETE": lambda writer: writer.delete("ConfigMap", "shop", "record", uid="u"),
}


@dataclass
class Wire:
    """A server of our own making: what arrived whole, and what it does then."""

    replies: list[Reply] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
                await reader.readexactly(int(lengths[0].partition(":")[2]) if lengths else 0)
                self.arrived.append(head.partition(" ")[0])
                await self.replies.pop(0)(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()


def says(status: int, body: object = "", **headers: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + raw)

    return reply


async def cuts(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def stays_silent(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def half_an_answer(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"metadata"')
    await writer.drain()
    writer.close()


@asynccontextmanager
async def wired(*replies: Reply) -> AsyncIterator[Wire]:
    wire = Wire(list(replies))
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def access(port: int, **more: Any) -> ClusterAccess:
    return ClusterAccess("c", "c", "u", "shop", f"http://127.0.0.1:{port}", **more)


@asynccontextmanager
async def writing(access: ClusterAccess) -> AsyncIterator[Writer]:
    cluster = Cluster(access, limits=replace(QUICK, write_s=0.3))
    try:
        yield cluster.writer
    finally:
        await cluster.close()


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("reply", [cuts, stays_silent, half_an_answer, says(504, "gateway"), says(500, "failed")])
async def test_what_was_sent_and_not_answered_is_not_sent_again(method: str, reply: Reply) -> None:
    async with wired(reply, says(200, BODY), says(200, BODY)) as wire, writing(access(wire.port)) as writer:
        with pytest.raises(AnswerLostError) as caught:
            await WRITES[method](writer)
        await asyncio.sleep(0.05)
    assert wire.arrived == [method]
    assert "not known" in caught.value.hint and "tried again" not in str(caught.value)


@pytest.mark.parametrize("method", WRITES)
async def test_a_connection_of_an_earlier_write_is_not_relied_on(method: str) -> None:
    # A kept connection may be closed by the server just as the next write leaves.
    async with wired(says(200, BODY), says(200, BODY)) as wire, writing(access(wire.port)) as writer:
        await WRITES[method](writer)
        await WRITES[method](writer)
    assert wire.arrived == [method, method]


@pytest.mark.parametrize("method", WRITES)
async def test_an_accepted_write_whose_answer_is_junk_may_have_had_its_effect(method: str) -> None:
    async with wired(says(200, "<html>")) as wire, writing(access(wire.port)) as writer:
        if method == "DELETE":
            await WRITES[method](writer)
        else:
            with pytest.raises(AnswerLostError, match="was accepted"):
                await WRITES[method](writer)
    assert wire.arrived == [method]


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("server", ["http://127.0.0.1:{}", "https://127.0.0.1:{}", "http://nowhere.invalid:{}"])
async def test_what_never_left_certainly_had_no_effect(method: str, server: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = replace(access(0), server=server.format(taken.getsockname()[1]))
    async with writing(free) as writer:
        with pytest.raises(NotSentError, match="nothing was sent"):
            await WRITES[method](writer)


async def test_a_handshake_that_fails_has_sent_nothing() -> None:
    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with writing(replace(access(port), server=f"https://127.0.0.1:{port}")) as writer:
        with pytest.raises(NotSentError):
            await WRITES["PUT"](writer)
    server.close()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (says(429, "slow", **{"Retry-After": "7"}), RateLimitedError),
        (says(403, "no"), ForbiddenError),
        (says(409, "other"), ConflictError),
        (says(401, "who"), UnauthorizedError),
        (says(422, "bad"), OutsideError),
    ],
)
async def test_a_refusal_means_that_nothing_was_changed(reply: Reply, error: type[OutsideError]) -> None:
    async with wired(reply) as wire, writing(access(wire.port)) as writer:
        with pytest.raises(error) as caught:
            await WRITES["PATCH"](writer)
    assert not isinstance(caught.value, UnreachableError) and type(caught.value) is not OutsideError
    assert wire.arrived == ["PATCH"]


class Renewed(Credential):
    """Another token each time it is asked anew."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def _obtain(self) -> tuple[str, float]:
        self.given += 1
        return f"Bearer {self.given}", 60.0


async def test_a_write_refused_for_its_token_goes_out_once_more_with_a_new_one() -> None:
    async with wired(says(401), says(200, BODY)) as wire, writing(access(wire.port, credential=Renewed())) as writer:
        assert (await writer.replace(BODY)).uid == "u"
    assert wire.arrived == ["PUT", "PUT"]
