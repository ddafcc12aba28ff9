"""A program that must answer on its own: no terminal, a session of its own, a time limit, and bounded output."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from domain.sanitise import sanitise

_MOST_OUTPUT = 2**20
_LAST_WORDS = 4096


class PluginProcess:
    """Runs once. `kill` may be called from another thread at any time."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, timeout_s: float) -> tuple[bytes, str, int]:
        """(stdout up to 1 MiB, the last line of stderr, exit code).

        TimeoutError once it has been killed; OSError if it cannot be started.
        """
        deadline = time.monotonic() + timeout_s
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self._environ),
            # Out of the terminal's session: it can neither draw on the screen nor ask on /dev/tty.
            start_new_session=True,
        )
        try:
            output, errors = self._read(self._process, deadline)
            code = self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        finally:
            self.kill()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()
            self._process.wait()
        return output, _last_line(errors), code

    def kill(self) -> None:
        """With everything that it started."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
        output, errors = bytearray(), bytearray()
        with selectors.DefaultSelector() as waiting:
            assert process.stdout and process.stderr
            waiting.register(process.stdout, selectors.EVENT_READ, output)
            waiting.register(process.stderr, selectors.EVENT_READ, errors)
            # What a plugin has started may hold its pipes open after it is gone (a cache daemon): then its end counts.
            while (waiting.get_map() and process.poll() is None) or self._is_more(waiting):
                if time.monotonic() >= deadline:
                    raise TimeoutError
                for key, _ in waiting.select(min(0.05, max(0.0, deadline - time.monotonic()))):
                    piece = os.read(key.fd, 65536)
                    if not piece:
                        waiting.unregister(key.fileobj)
                    elif key.data is output:
                        output += piece[: _MOST_OUTPUT - len(output)]
                    else:
                        errors += piece
                        del errors[:-_LAST_WORDS]
        return bytes(output), bytes(errors)

    @staticmethod
    def _is_more(waiting: selectors.BaseSelector) -> bool:
        return bool(waiting.get_map()) and bool(waiting.select(0))


def _last_line(errors: bytes) -> str:
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    return sanitise(lines[-1].strip(), 300) if lines else ""
