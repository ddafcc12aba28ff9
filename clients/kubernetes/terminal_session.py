"""Lends this process's terminal to a shell in a container: keys go there, its screen comes here, and both get it back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from functools import partial
from typing import Any

from clients.kubernetes.daemon_threads import call_in_daemon_thread
from clients.kubernetes.shell import Shell
from domain.errors import ConfigError

_KEYS = 4096


async def lend_terminal(shell: Shell, greeting: str) -> int | None:
    """Until the shell ends; its exit code. UnreachableError if the connection is cut; the terminal is whole either way."""
    keys_from, screen_to = sys.__stdin__, sys.__stdout__
    if keys_from is None or screen_to is None or not keys_from.isatty():
        raise ConfigError("A shell needs a terminal, and there is none", "Start this in a terminal.", key="stdin")
    read_fd, write_fd = keys_from.fileno(), screen_to.fileno()
    await _write(write_fd, greeting.encode())
    with _raw(read_fd), _sizes(shell, write_fd), _keys(shell, read_fd):
        async for output in shell:
            await _write(write_fd, output.text)
    return shell.exit_code


@contextlib.contextmanager
def _raw(fd: int) -> Iterator[None]:
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)


@contextlib.contextmanager
def _keys(shell: Shell, fd: int) -> Iterator[None]:
    """Sends what is typed, in order."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        keys = os.read(fd, _KEYS)
        if not keys:
            loop.remove_reader(fd)
        typed.put_nowait(keys)

    async def send() -> None:
        while keys := await typed.get():
            await shell.send(keys)
        await shell.end_input()

    loop.add_reader(fd, read)
    sending = loop.create_task(send())
    try:
        yield
    finally:
        loop.remove_reader(fd)
        sending.cancel()


@contextlib.contextmanager
def _sizes(shell: Shell, fd: int) -> Iterator[None]:
    """Tells the container the size of the window, now and whenever it changes."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def tell() -> None:
        size = os.get_terminal_size(fd)
        task = loop.create_task(shell.resize(size.columns, size.lines))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    before: Any = signal.getsignal(signal.SIGWINCH)
    loop.add_signal_handler(signal.SIGWINCH, tell)
    tell()
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        signal.signal(signal.SIGWINCH, before if before is not None else signal.SIG_DFL)


async def _write(fd: int, text: bytes) -> None:
    """In a thread: a terminal that is stopped (Ctrl-S) must stop nothing else."""
    if text:
        await call_in_daemon_thread(partial(_write_all, fd, text))


def _write_all(fd: int, text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(fd, view) :]
