"""Runs the real command line as a person's shell would: a process of its own, its own home, a pipe or a pty."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "quarterdeck"]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the developer's own: no kubeconfig, no configuration, no proxy."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        **more,
    }


def quarterdeck(*arguments: str, home: Path, cwd: Path | None = None, **more: str) -> Answer:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(home, **more),
        cwd=cwd or home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def quarterdeck_on_a_terminal(*arguments: str, home: Path, size: tuple[int, int] = (80, 24), **more: str) -> Answer:
    """As `quarterdeck`, with a terminal as input and output; stderr stays apart."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    try:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(home, **more),
            cwd=home,
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    return Answer(done.returncode, "", done.stderr)


@contextmanager
def practice(scenario: str, home: Path, *, speed: float = 1.0) -> Iterator[str]:
    """A practice cluster in a process of its own; its kubeconfig."""
    kubeconfig = home / "practice-kubeconfig"
    command = [*COMMAND, "_practice", "--until-stdin-ends", "--scenario", scenario, "--speed", str(speed)]
    child = subprocess.Popen(
        [*command, "--kubeconfig", str(kubeconfig)],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline().startswith(b"ready ")
        yield str(kubeconfig)
    finally:
        child.stdin.close()
        child.stdout.close()
        assert child.wait(10) == 0, "the practice cluster does not end with the one that started it"
