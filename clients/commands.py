"""Programs run on this host for an operation: no terminal, a session of their own, a time limit, bounded output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
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
_PIECE = 65536
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
        process = await self._started(argv, env or {})
        tail = _Tail()
        assert process.stdout is not None
        reading = asyncio.ensure_future(tail.read(process.stdout))
        exit_code: int | None = None
        try:
            with contextlib.suppress(TimeoutError):
                exit_code = await asyncio.wait_for(process.wait(), timeout_s)
            if exit_code is None:
                await self._end(process)
        finally:
            _signal(process, signal.SIGKILL)
            await asyncio.wait((reading,), timeout=_DRAIN_S)
            reading.cancel()
            await process.wait()
        return CommandResult(exit_code, tail.lines(), time.monotonic() - began_s)

    async def _started(self, argv: Sequence[str], env: Mapping[str, str]) -> asyncio.subprocess.Process:
        program = sanitise(argv[0], 200)
        try:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
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

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), self._grace_s)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To everything in its session's first group: the leader's number stays taken as long as one of the group lives."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Tail:
    """The last lines of what is read, however much it is."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=_MOST_LINES)
        self._rest = b""

    async def read(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(_PIECE):
            *lines, rest = (self._rest + piece).split(b"\n")
            self._lines.extend(line[: 4 * _LINE_CHARS] for line in lines[-_MOST_LINES:])
            self._rest = rest[: 4 * _LINE_CHARS]

    def lines(self) -> tuple[str, ...]:
        raw = [*self._lines, self._rest] if self._rest else list(self._lines)
        # What a progress bar has overwritten is not its last word.
        texts = [line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace") for line in raw[-_MOST_LINES:]]
        return tuple(sanitise(text.rstrip(), _LINE_CHARS) for text in texts)
