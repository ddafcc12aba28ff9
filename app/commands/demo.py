"""`quarterdeck demo`: a practice cluster beside the screen, gone with it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import quarterdeck
from app.commands.signs import say
from app.options import Options
from app.require_terminal import require_terminal
from domain import exit_codes
from domain.errors import UnreachableError
from domain.sanitise import sanitise

START_WITHIN_S = 20.0
_END_WITHIN_S = 3.0


def run(options: Options, arguments: Namespace) -> int:
    from practice.scenarios import load, names

    if arguments.list:
        for scenario in map(load, names()):
            say(f"{scenario.name:<16} {scenario.title}. {scenario.teaches}")
        return exit_codes.OK
    load(arguments.scenario)
    require_terminal()
    with practice_cluster(arguments.scenario):
        from app.boot import run as open_screen

        return open_screen(replace(options, context="practice", no_config=not options.config_file))


@contextmanager
def practice_cluster(scenario: str) -> Iterator[Path]:
    """A cluster in a child process, and this process pointed at it. What it leaves in the state folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-practice-") as folder:
        kubeconfig = Path(folder, "kubeconfig")
        child = _start(scenario, kubeconfig, Path(folder, "practice.log"))
        try:
            _wait_until_ready(child, Path(folder, "practice.log"))
            with _environment(KUBECONFIG=str(kubeconfig), XDG_STATE_HOME=str(Path(folder, "state"))):
                yield kubeconfig
        finally:
            _end(child)


def _start(scenario: str, kubeconfig: Path, log: Path) -> subprocess.Popen[bytes]:
    # -P: the current folder, which may be anybody's checkout, is not where modules come from.
    command = [sys.executable, "-P", "-m", "quarterdeck", "_practice", "--until-stdin-ends"]
    paths = [str(Path(quarterdeck.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    with log.open("wb") as errors:
        return subprocess.Popen(
            [*command, "--scenario", scenario, "--kubeconfig", str(kubeconfig)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,
        )


def _wait_until_ready(child: subprocess.Popen[bytes], log: Path) -> None:
    """The child says `ready URL` in one line."""
    assert child.stdout is not None
    said, until = b"", time.monotonic() + START_WITHIN_S
    while b"\n" not in said and (left_s := until - time.monotonic()) > 0:
        if select.select([child.stdout], [], [], left_s)[0]:
            piece = os.read(child.stdout.fileno(), 4096)
            if not piece:
                break
            said += piece
    if not said.startswith(b"ready "):
        _end(child)
        last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
        why = f": {sanitise(last[0], 300)}" if last else f" within {START_WITHIN_S:.0f} s"
        raise UnreachableError(
            f"The practice cluster did not start{why}.",
            "Try `quarterdeck demo` again; `--list` has the scenarios.",
            system="practice cluster",
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    child.terminate()
    try:
        child.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
