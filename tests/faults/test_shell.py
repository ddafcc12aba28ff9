"""A command in a container: what is typed arrives, what it writes comes back, and its end is told truly."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.shell import Channel
from domain.errors import ForbiddenError, NotFoundError, UnauthorizedError, UnreachableError
from tests.faults.answers import refuse
from tests.faults.api_server import ApiServer, serving
from tests.faults.following import QUICK

SUCCESS = {"status": "Success"}
EXIT_3 = {
    "status": "Failure",
    "reason": "NonZeroExitCode",
    "message": "command terminated with non-zero exit code",
    "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
}


@dataclass
class ShellServer(ApiServer):
    """Echoes input to output; the word `exit` ends it with `end`, `cut` cuts the connection."""

    end: Any = field(default_factory=lambda: SUCCESS)
    protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")
    heard: list[tuple[int, bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.faults:
            return await self.faults.pop(0)[1](request)
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        await socket.send_bytes(b"\x01")
        await socket.send_bytes(b"\x01$ ")
        async for message in socket:
            assert message.type is WSMsgType.BINARY
            self.heard.append((message.data[0], message.data[1:]))
            if message.data == b"\x00cut":
                assert request.transport is not None
                request.transport.abort()
                break
            if b"exit" in message.data or message.data == b"\xff\x00":
                if self.end is not None:
                    raw = self.end if isinstance(self.end, bytes) else json.dumps(self.end).encode()
                    await socket.send_bytes(b"\x03" + raw)
                break
            if message.data[0] == Channel.INPUT:
                await socket.send_bytes(b"\x01" + message.data[1:])
        await socket.close()
        return socket


@pytest.fixture
async def shells() -> AsyncIterator[ShellServer]:
    server = ShellServer()
    async with serving(server):
        yield server


async def test_a_shell_from_first_to_last(shells: ShellServer) -> None:
    cluster = Cluster(shells.access(), limits=QUICK)
    seen = b""
    async with cluster.execute("shop", "web", "c", ("sh", "-c", "a b")) as shell:
        await shell.resize(120, 40)
        await shell.send("grüße".encode())
        async for output in shell:
            assert output.channel is Channel.OUTPUT
            seen += output.text
            if seen.endswith("grüße".encode()):
                await shell.send(b"exit")
    await cluster.close()
    assert seen == "$ grüße".encode()
    assert (shell.exit_code, shell.reason) == (0, "")
    assert (Channel.RESIZE, b'{"Width":120,"Height":40}') in shells.heard
    query = shells.requests[0].query
    assert query.getall("command") == ["sh", "-c", "a b"]
    assert (query["tty"], query["stdin"], query["stderr"], query["container"]) == ("true", "true", "false", "c")


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (EXIT_3, 3, "command terminated with non-zero exit code"),
        ({"status": "Failure", "reason": "InternalError", "message": "…: exit status 3"}, None, "…: exit status 3"),
        ({"status": "Failure", "message": "\x1b[2Jx", "details": {"causes": None}}, None, "␛[2Jx"),
        (b"no JSON", None, "the server gave an end that cannot be read"),
    ],
)
async def test_how_it_ended_is_told_truly(shells: ShellServer, end: Any, code: int | None, reason: str) -> None:
    shells.end = end
    cluster = Cluster(shells.access(), limits=QUICK)
    async with cluster.execute("shop", "web", "c", ("x",), is_tty=False) as shell:
        await shell.end_input()
        outputs = [output async for output in shell]
    await cluster.close()
    assert outputs
    assert (shell.has_ended, shell.exit_code, shell.reason) == (True, code, reason)


async def test_an_end_without_a_word_is_a_lost_connection(shells: ShellServer) -> None:
    cluster = Cluster(shells.access(), limits=QUICK)
    with pytest.raises(UnreachableError, match="was cut"):
        async with cluster.execute("shop", "web", "c", ("sh",)) as shell:
            await shell.send(b"cut")
            async for _ in shell:
                pass
    await cluster.close()


async def test_an_old_server_has_no_end_of_input(shells: ShellServer) -> None:
    shells.protocols = ("v4.channel.k8s.io",)
    cluster = Cluster(shells.access(), limits=QUICK)
    async with cluster.execute("shop", "web", "c", ("sh",)) as shell:
        await shell.end_input()
        await shell.send(b"exit")
        async for _ in shell:
            pass
    await cluster.close()
    assert [channel for channel, _ in shells.heard] == [Channel.INPUT]


@pytest.mark.parametrize(
    ("code", "error", "hint"),
    [
        (401, UnauthorizedError, "Log in"),
        (403, ForbiddenError, "'create' and 'get' on 'pods/exec'"),
        (404, NotFoundError, "deleted"),
        (500, Exception, ""),
    ],
)
async def test_a_door_that_stays_shut_says_why(shells: ShellServer, code: int, error: type[Exception], hint: str) -> None:
    shells.fail("*", refuse(code))
    cluster = Cluster(shells.access(), limits=QUICK)
    with pytest.raises(error) as caught:
        async with cluster.execute("shop", "web", "c", ("sh",)):
            pass
    await cluster.close()
    assert hint in getattr(caught.value, "hint", "")


PROGRAM = """
import asyncio, sys
from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.cluster import Cluster
from domain.errors import QuarterdeckError
async def main():
    cluster = Cluster(ClusterAccess("c", "c", "u", "shop", sys.argv[1]))
    try:
        print("code", await cluster.open_shell("shop", "web", "c", ("sh",), greeting="hello\\r\\n"))
    except QuarterdeckError as error:
        print("error", error.message)
    finally:
        await cluster.close()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("typed", "told"), [(b"exit", b"code 3"), (b"cut", b"error The connection to the container was cut")]
)
async def test_the_terminal_is_lent_and_given_back_whole(shells: ShellServer, typed: bytes, told: bytes) -> None:
    shells.end = EXIT_3
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, shells.url, stdin=theirs, stdout=theirs, stderr=theirs, cwd=root, env=environ
    )
    try:
        seen = await read_until(ours, b"$ ")
        assert b"hello" in seen
        assert not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
        set_size(theirs, 33, 99)
        process.send_signal(signal.SIGWINCH)
        os.write(ours, b"\x03")
        await read_until(ours, b"\x03")
        os.write(ours, typed)
        await read_until(ours, told)
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
    assert (Channel.RESIZE, b'{"Width":99,"Height":33}') in shells.heard


def set_size(fd: int, rows: int, columns: int) -> None:
    import fcntl

    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def read_until(fd: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += await asyncio.wait_for(asyncio.to_thread(os.read, fd, 65536), 10)
    return seen
