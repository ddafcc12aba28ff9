"""Programs run on this host for an operation: no terminal, a session of their own, a time limit, bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence

from domain.errors import NotFoundError, OutsideError, RefusedError
from domain.operation_ports import CommandResult
from domain.sanitise import sanitise

PASSED = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"),
        *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "KUBECONFIG"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
    )
)
"""What a program is told of our environment, beside LC_*: enough to find its files and its way out, no secret of ours."""
_SYSTEM = "this host"
_MOST_LINES = 200
_LINE_CHARS = 2000
_LINE_BYTES = 4 * _LINE_CHARS
_DRAIN_S = 0.5
"""What a program has started may hold its output open after it is gone; its own last words are there by then."""


class HostCommands:
    """Implements `domain.operation_ports.Commands`."""

    def __init__(self, *, grace_s: float = 10.0, passed: frozenset[str] = PASSED) -> None:
        """`grace_s`: between SIGTERM and SIGKILL for what takes too long. `passed`: names of our variables."""
        self._grace_s = grace_s
        self._passed = passed

    async def run(self, argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """stdout and stderr in one, the last 200 lines. `env` is added to what is passed on. NotFoundError: no such
        program. Whatever it has started ends with it, also when this is cancelled."""
        if not argv or not argv[0]:
            raise RefusedError("There is no command to run", "Name a program.")
        began_s = time.monotonic()
        transport, watching = await self._started(argv, env or {})
        exit_code: int | None = None
        try:
            if await _within(watching.exited, timeout_s):
                exit_code = transport.get_returncode()
            else:
                _signal(transport, signal.SIGTERM)
                await _within(watching.exited, self._grace_s)
        finally:
            _signal(transport, signal.SIGKILL)
            # Shielded: also where this is cancelled, nothing of it may be left.
            await asyncio.shield(_last_words(watching))
            transport.close()
        return CommandResult(exit_code, watching.lines(), time.monotonic() - began_s)

    async def _started(self, argv: Sequence[str], env: Mapping[str, str]) -> tuple[asyncio.SubprocessTransport, _Watching]:
        program = sanitise(argv[0], 200)
        try:
            return await asyncio.get_running_loop().subprocess_exec(
                _Watching,
                *argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**self._environment(), **env},
            )
        except FileNotFoundError as error:
            raise NotFoundError(
                f"There is no program {program!r} on this host", "Install it, or correct the command.", system=_SYSTEM
            ) from error
        except (OSError, ValueError) as error:
            reason = sanitise(getattr(error, "strerror", None) or str(error), 200)
            raise OutsideError(f"{program!r} cannot be run: {reason}", "Try it in a shell.", system=_SYSTEM) from error

    def _environment(self) -> dict[str, str]:
        return {name: text for name, text in os.environ.items() if name in self._passed or name.startswith("LC_")}


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _last_words(watching: _Watching) -> None:
    await watching.exited.wait()
    await _within(watching.is_silent, _DRAIN_S)


def _signal(transport: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    """To everything in its session's first group: the leader's number stays taken as long as one of the group lives."""
    pid = transport.get_pid()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


class _Watching(asyncio.SubprocessProtocol):
    """The last lines of what a process says, however much it is, and its end: not that of those who share its pipe."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.is_silent = asyncio.Event()
        self._lines: deque[bytes] = deque(maxlen=_MOST_LINES)
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._lines.extend(line[:_LINE_BYTES] for line in lines[-_MOST_LINES:])
        self._rest = rest[:_LINE_BYTES]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.is_silent.set()

    def process_exited(self) -> None:
        self.exited.set()

    def lines(self) -> tuple[str, ...]:
        raw = [*self._lines, self._rest] if self._rest else list(self._lines)
        # What a progress bar has overwritten is not its last word.
        texts = [line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace") for line in raw[-_MOST_LINES:]]
        return tuple(sanitise(text.rstrip(), _LINE_CHARS) for text in texts)
