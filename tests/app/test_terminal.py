"""The terminal is given back whole, whatever ends the program, and a cut line leaves nothing behind."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from tests.terminals import TestTerminal

STAGE = (sys.executable, "-m", "tests.app.stage", "--mouse")
RESTORED = (
    b"\x1b[?1049l",
    b"\x1b[?25h",
    b"\x1b[?1000l",
    b"\x1b[?1003l",
    b"\x1b[?1004l",
    b"\x1b[?2004l",
    b"\x1b[<u",
    b"\x1b[?7h",
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it_orderly_and_restores_every_mode(number: signal.Signals) -> None:
    with TestTerminal(STAGE) as terminal:
        terminal.wait_for("ready")
        began = time.monotonic()
        terminal.process.send_signal(number)
        assert terminal.wait_end() == 128 + number
        assert time.monotonic() - began < 5
        missing = [mode for mode in RESTORED if mode not in terminal.raw]
        assert not missing
        assert terminal.attributes() == terminal.before
        assert b"Traceback" not in terminal.raw


def test_a_signal_restores_the_terminal_even_where_the_program_hangs() -> None:
    with TestTerminal(STAGE) as terminal:
        terminal.wait_for("ready")
        # Nobody reads any more: the program's last words find no room.
        time.sleep(0.5)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(10) == 128 + signal.SIGTERM
        assert terminal.attributes() == terminal.before


def test_a_blocked_line_loses_frames_and_no_state() -> None:
    with TestTerminal(STAGE) as terminal:
        terminal.wait_for("ready")
        time.sleep(3)  # as with Ctrl-S: thirty frames of some kilobytes each have nowhere to go
        terminal.wait_for("count 3")
        terminal.wait_until(lambda: any(f"count {n}," in terminal.text for n in range(28, 200)), "a late count")


@pytest.mark.parametrize("batch", range(10))
def test_a_hundred_cut_lines_leave_no_process(batch: int) -> None:
    terminals = [TestTerminal(STAGE, columns=80, rows=24) for _ in range(10)]
    try:
        for terminal in terminals:
            terminal.wait_for("ready", 60)
        for terminal in terminals:
            terminal.close()
        end = time.monotonic() + 10
        while time.monotonic() < end and not all(t.process.poll() is not None for t in terminals):
            time.sleep(0.05)
        left = [t.process.pid for t in terminals if t.process.poll() is None]
        assert not left
    finally:
        for terminal in terminals:
            if terminal.process.poll() is None:
                terminal.process.kill()
                terminal.process.wait()
