"""The terminal, taken and given back whole: on signals, on a hang-up, and when nobody reads what is written."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, ClassVar, Protocol, cast

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from domain.sanitise import sanitise

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
LEAVE_WITHIN_S = 1.0
"""How long an orderly end may take after a signal before the terminal is restored by force."""
_BEHIND_AFTER_S = 0.3
"""Output waiting longer than this means that the line is blocked or slow: frames are left out until it is not."""
_BEHIND_BYTES = 256 * 1024
_PUSH_TITLE, _POP_TITLE = "\x1b[22;0t", "\x1b[23;0t"
_RESTORE = (
    b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


class Endable(Protocol):
    """What the terminal asks of the application."""

    def end(self, return_code: int) -> None: ...

    def repaint(self) -> None: ...


class BoundedWriter(threading.Thread):
    """Writes in the background, never blocks the event loop, and knows when it has fallen behind.

    Stands where Textual's WriterThread stands, whose queue of 30 writes stops the whole application on a stalled line.
    """

    def __init__(self, file: IO[str], on_drained: Callable[[], None], encoding: str = "utf-8") -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fd = file.fileno()
        self._encoding = encoding
        self._on_drained = on_drained
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._oldest_at = 0.0
        self._changed = threading.Condition()
        self._is_ending = False
        self._fell_behind = False
        self.is_dead = False
        self.written_bytes = 0

    def write(self, text: str) -> None:
        if self.is_dead or not text:
            return
        data = text.encode(self._encoding, "replace")
        with self._changed:
            if not self._waiting:
                self._oldest_at = time.monotonic()
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._changed.notify()

    def is_behind(self) -> bool:
        """True while what was written has not reached the terminal; a full repaint is asked for when it has."""
        with self._changed:
            if not self._waiting_bytes:
                return False
            late = time.monotonic() - self._oldest_at > _BEHIND_AFTER_S
            if late or self._waiting_bytes > _BEHIND_BYTES:
                self._fell_behind = True
                return True
            return False

    @property
    def is_drained(self) -> bool:
        return not self._waiting_bytes

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def flush(self) -> None:
        pass

    def run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_ending:
                    self._changed.wait()
                if not self._waiting:
                    return
                data = b"".join(self._waiting)
                self._waiting.clear()
            self._send(data)
            with self._changed:
                self._waiting_bytes -= len(data)
                self._oldest_at = time.monotonic()
                drained = self._fell_behind and not self._waiting
                if drained:
                    self._fell_behind = False
            if drained:
                self._on_drained()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.is_dead:
            try:
                sent = os.write(self._fd, view[:4096])
            except BlockingIOError:
                select.select([], [self._fd], [], 1.0)
                continue
            except OSError:
                self.is_dead = True
                return
            self.written_bytes += sent
            view = view[sent:]

    def stop(self) -> None:
        """Write what is left, but not for longer than a person waits."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self.join(LEAVE_WITHIN_S / 2)


class Terminal(LinuxDriver):
    """Textual's driver with the ends tied: signals, hang-up, blocked output."""

    encoding: ClassVar[str] = "utf-8"
    """Of what is written: "ascii" where the terminal's locale has nothing else."""
    _writer: BoundedWriter | None = None
    _watches_hang_up = False

    def start_application_mode(self) -> None:
        loop = asyncio.get_running_loop()
        app = cast(Endable, self._app)
        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.write(_PUSH_TITLE)
        if not self._watches_hang_up:
            self._watches_hang_up = True
            threading.Thread(target=self._watch_hang_up, args=(loop, app), daemon=True, name="terminal-hang-up").start()

    def stop_application_mode(self) -> None:
        self.write(_POP_TITLE)
        super().stop_application_mode()

    def write(self, data: str) -> None:
        if not isinstance(self._writer_thread, BoundedWriter):
            self._take_over_writing()
        super().write(data)

    def set_title(self, title: str) -> None:
        """The terminal window's name; the one before comes back at the end."""
        if self._writer is not None:
            self.write(f"\x1b]0;{sanitise(title, 120)}\x07")

    @property
    def is_behind(self) -> bool:
        return self._writer is not None and self._writer.is_behind()

    @property
    def is_drained(self) -> bool:
        return self._writer is None or self._writer.is_drained

    @property
    def written_bytes(self) -> int:
        return self._writer.written_bytes if self._writer else 0

    def _take_over_writing(self) -> None:
        """Textual has just started its own writer, which has nothing to write yet: ours takes its place."""
        loop = asyncio.get_running_loop()
        app = cast(Endable, self._app)
        if self._writer_thread is not None:
            self._writer_thread.stop()
        self._writer = BoundedWriter(cast(IO[str], self._file), lambda: _call_in(loop, app.repaint), self.encoding)
        self._writer.start()
        self._writer_thread = cast(WriterThread, self._writer)

    def _on_signal(self, number: signal.Signals) -> None:
        threading.Thread(target=self._restore_by_force, args=(number,), daemon=True, name="terminal-watchdog").start()
        cast(Endable, self._app).end(128 + number)

    def _restore_by_force(self, number: signal.Signals) -> None:
        time.sleep(LEAVE_WITHIN_S)
        self._restore()
        os._exit(128 + number)

    def _restore(self) -> None:
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        try:
            os.set_blocking(sys.__stderr__.fileno(), False)  # type: ignore[union-attr]
            os.write(sys.__stderr__.fileno(), _RESTORE)  # type: ignore[union-attr]
        except OSError:
            pass

    def _watch_hang_up(self, loop: asyncio.AbstractEventLoop, app: Endable) -> None:
        """A terminal that is gone reads as an endless end of file: without this, a cut line leaves a process at 100 %."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        while True:
            gone = [mask for _, mask in poll.poll() if mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL)]
            if gone:
                _call_in(loop, lambda: self._on_signal(signal.SIGHUP))
                return

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            _call_in(self._app._loop, lambda: self._on_signal(signal.SIGHUP))


def _call_in(loop: asyncio.AbstractEventLoop | None, callback: Callable[[], Any]) -> None:
    if loop is None:
        return
    # A loop that has ended takes what was to be called with it.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
