"""A program in a terminal of its own: every byte it writes with the moment it came, and what its screen then showed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKING_BYTES_S = 500
_TICK = os.sysconf("SC_CLK_TCK")
# What today's terminals answer: synchronised output is known, a VT220, cursor at home.
_QUESTIONS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one read gave. `at` is `time.perf_counter()`."""

    at: float
    content: bytes


class _Screen(pyte.Screen):
    """pyte's, which ends at private modes that it does not know."""

    def select_graphic_rendition(self, *attributes: int, **kwargs: Any) -> None:
        if not kwargs:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int, **kwargs: Any) -> None:
        pass

    def report_device_attributes(self, mode: int = 0, **kwargs: Any) -> None:
        pass

    def set_margins(self, top: int | None = None, bottom: int | None = None, **kwargs: Any) -> None:
        if not kwargs:
            super().set_margins(top, bottom)


class Terminal:
    """Use it as a context manager. A thread writes down what comes; `wait_for` looks at it screen by screen."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], *, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.pieces: list[Piece] = []
        self._shown = 0
        self._screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._arrived = threading.Condition()
        self._is_over = False
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        name = os.ttyname(slave)
        self.started_at = time.perf_counter()
        # A session leader that opens a terminal gets it as its own: no code of ours runs between fork and exec.
        self.pid = os.posix_spawnp(
            argv[0],
            list(argv),
            dict(env),
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ],
        )
        os.close(slave)
        threading.Thread(target=self._take_down, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline and self._is_running():
                time.sleep(0.02)
        self._is_over = True
        with contextlib.suppress(OSError):
            os.close(self._master)

    def _is_running(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        return False

    def _take_down(self) -> None:
        while not self._is_over:
            try:
                content = os.read(self._master, 65536)
            except OSError:
                content = b""
            at = time.perf_counter()
            if not content:
                self._is_over = True
            for question, answer in _QUESTIONS.items():
                if question in content:
                    os.write(self._master, answer)
            with self._arrived:
                self.pieces.append(Piece(at, content))
                self._arrived.notify_all()

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    # ── the screen ──────────────────────────────────────────────────────────────────────────────────────────

    def line(self, number: int) -> str:
        row = self._screen.buffer[number]
        return "".join(row[column].data for column in range(self.columns))

    @property
    def lines(self) -> list[str]:
        return [self.line(number) for number in range(self.rows)]

    def wait_for(self, is_there: Callable[[str], bool], *, timeout_s: float, what: str) -> float:
        """The moment of the bytes that made a line of the screen fit; what is there already fits at once.

        TimeoutError shows the screen.
        """
        deadline = time.perf_counter() + timeout_s
        if any(map(is_there, self.lines)):
            return time.perf_counter()
        while True:
            piece = self._next(deadline)
            if piece is None:
                raise TimeoutError(f"no {what} within {timeout_s:g} s:\n" + "\n".join(self.lines).rstrip())
            if any(is_there(self.line(number)) for number in self._show(piece)):
                return piece.at

    def catch_up(self) -> None:
        """Show everything that has come so far."""
        while self._shown < len(self.pieces):
            self._show(self.pieces[self._shown])

    def settle(self, quiet_s: float, *, timeout_s: float) -> None:
        """Until what has been written for so long is no more than a clock that ticks; then all of it is on the screen."""
        deadline = time.perf_counter() + timeout_s
        while (now := time.perf_counter()) < deadline:
            if now - self.started_at > quiet_s and self.bytes_between(now - quiet_s, now) <= _TICKING_BYTES_S * quiet_s:
                break
            time.sleep(0.05)
        self.catch_up()

    def _next(self, deadline: float) -> Piece | None:
        with self._arrived:
            while self._shown >= len(self.pieces):
                left = deadline - time.perf_counter()
                if left <= 0 or self._is_over:
                    return None
                self._arrived.wait(left)
            return self.pieces[self._shown]

    def _show(self, piece: Piece) -> list[int]:
        """The lines it changed."""
        self._shown += 1
        self._screen.dirty.clear()
        with contextlib.suppress(TypeError, ValueError, IndexError):  # sequences that pyte does not know
            self._stream.feed(re.sub(rb"\x1b[\[\]][<>=][^a-zA-Z]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", piece.content))
        return sorted(n for n in self._screen.dirty if n < self.rows)

    # ── what it costs ───────────────────────────────────────────────────────────────────────────────────────

    def bytes_between(self, start: float, end: float) -> int:
        return sum(len(p.content) for p in list(self.pieces) if start <= p.at < end)

    def resident_mb(self) -> float:
        """Of the program and its children, in MB of 10^6 bytes."""
        return sum(_resident_pages(pid) for pid in self._family()) * _PAGE / 1e6

    def peak_mb(self) -> float:
        """The most that the program itself has ever held."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) * 1024 / 1e6 if found else 0.0

    def cpu_s(self) -> float:
        """Processor time of the program and its children so far."""
        return sum(_ticks(pid) for pid in self._family()) / _TICK

    def _family(self) -> list[int]:
        parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        family = [self.pid]
        for pid in family:
            family += [child for child, parent in parents.items() if parent == pid]
        return family


def _parent(path: Path) -> int:
    with contextlib.suppress(OSError):
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _resident_pages(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return 0


def _ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
