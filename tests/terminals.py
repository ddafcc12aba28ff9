"""A terminal for tests: runs a program on a pseudo terminal, keeps every byte, and knows what stands on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyte

ROOT = Path(__file__).resolve().parent.parent
QUARTERDECK = (sys.executable, "-m", "quarterdeck")
PATIENCE_S = 20.0


class TestTerminal:
    """`with TestTerminal(argv) as terminal: terminal.wait_for("text"); terminal.press("l")`."""

    __test__ = False

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        self.before: list[Any] = termios.tcgetattr(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        full = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **(env or {})}
        self.process = subprocess.Popen(
            ("setsid", "--ctty", *argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=full,
            cwd=cwd or ROOT,
        )
        self.slave = slave

    def read(self, timeout_s: float = 0.05) -> bytes:
        """What has been written since; b"" when nothing was within the time."""
        ready, _, _ = select.select([self.master], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return b""
        self.raw += data
        self._stream.feed(data)
        return data

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def wait_until(self, condition: Callable[[], bool], what: str = "", timeout_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout_s:g} s for {what}; on the screen stands:\n{self.text}")
            self.read()

    def wait_for(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        self.wait_until(lambda: text in self.text, repr(text), timeout_s)

    def wait_gone(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        self.wait_until(lambda: text not in self.text, f"{text!r} to go", timeout_s)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_end(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit code; what is written on the way out is read."""
        self.wait_until(lambda: self.process.poll() is not None, "the program to end", timeout_s)
        while self.read():
            pass
        code = self.process.returncode
        assert code is not None
        return int(code)

    def attributes(self) -> list[Any]:
        return list(termios.tcgetattr(self.slave))

    def close(self) -> None:
        for descriptor in (self.master, self.slave):
            with suppress(OSError):
                os.close(descriptor)

    def __enter__(self) -> TestTerminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.close()
