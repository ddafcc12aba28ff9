"""A command inside a container over a websocket: keys in, screen out, the size of the window, and the true exit code.

Protocol: k8s.io/apimachinery/pkg/util/remotecommand and KEP-4006. Every message begins with the number of its channel;
v5 can say that the input has ended, v4 cannot.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec

from clients.kubernetes.connection import Connection
from clients.kubernetes.refusals import Asked
from domain.errors import ForbiddenError, UnreachableError
from domain.sanitise import sanitise

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


class Channel(IntEnum):
    INPUT = 0
    OUTPUT = 1
    ERROR_OUTPUT = 2
    STATUS = 3
    RESIZE = 4
    CLOSE = 255


class Output(NamedTuple):
    """As the container wrote it: a terminal is meant to obey it. Sanitise it to show it anywhere else."""

    channel: Channel
    text: bytes


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class _Status(msgspec.Struct):
    status: str = ""
    reason: str = ""
    message: str = ""
    details: _Details | None = None


class Shell:
    """Iterate over it for the output; when that has ended, `exit_code` and `reason` say how."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.exit_code: int | None = None
        """None while it runs, and where the server does not say."""
        self.reason = ""
        """What the server says of an end that was not exit 0; "" for exit 0."""
        self.has_ended = False

    async def send(self, keys: bytes) -> None:
        await self._put(Channel.INPUT, keys)

    async def resize(self, width: int, height: int) -> None:
        await self._put(Channel.RESIZE, msgspec.json.encode({"Width": width, "Height": height}))

    async def end_input(self) -> None:
        """For commands that read until the end of their input; does nothing where the server speaks v4 only."""
        if self._socket.protocol == _PROTOCOLS[0]:
            await self._put(Channel.CLOSE, bytes([Channel.INPUT]))

    async def _put(self, channel: Channel, text: bytes) -> None:
        # A container that ends while a key is on its way is no fault.
        with contextlib.suppress(aiohttp.ClientConnectionResetError):
            await self._socket.send_bytes(bytes([channel]) + text)

    async def __aiter__(self) -> AsyncGenerator[Output, None]:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, text = message.data[0], message.data[1:]
            if channel in (Channel.OUTPUT, Channel.ERROR_OUTPUT):
                if text:
                    yield Output(Channel(channel), text)
            elif channel == Channel.STATUS:
                self._take_end(text)
        if not self.has_ended:
            # Once the status has come, how the socket is closed (1000, 1006) says nothing more.
            raise UnreachableError(
                "The connection to the container was cut", "What ran in it may go on; look before starting it again."
            )

    def _take_end(self, text: bytes) -> None:
        self.has_ended = True
        try:
            status = msgspec.json.decode(text, type=_Status)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.reason = "the server gave an end that cannot be read"
            return
        if status.status == "Success":
            self.exit_code = 0
            return
        self.reason = sanitise(status.message or status.reason, 300)
        causes = (status.details.causes if status.details else None) or ()
        code = next((cause.message for cause in causes if cause.reason == "ExitCode"), "")
        self.exit_code = int(code) if code.isascii() and code.isdecimal() else None


@contextlib.asynccontextmanager
async def open_shell(
    connection: Connection,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    is_tty: bool,
    has_input: bool,
) -> AsyncIterator[Shell]:
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
    streams = {"stdin": has_input, "stdout": True, "stderr": not is_tty, "tty": is_tty}
    params = [("command", word) for word in command]
    params += [("container", container)] if container else []
    params += [(name, str(is_on).lower()) for name, is_on in streams.items()]
    asked = Asked("create", "pods/exec", namespace, pod)
    try:
        async with connection.open_socket(path, tuple(params), _PROTOCOLS, asked) as socket:
            yield Shell(socket)
    except ForbiddenError as error:
        error.hint = f"Ask for a role with verbs 'create' and 'get' on 'pods/exec' in namespace {namespace}."
        raise
