"""The practice cluster comes and goes with the screen, however the screen goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.command import environment, quarterdeck
from tests.terminals import QUARTERDECK, TestTerminal


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_practice_cluster_ends_with_the_screen(number: int, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = environment(tmp_path, TMPDIR=str(scratch))
    with TestTerminal((*QUARTERDECK, "demo"), env=env, cwd=tmp_path) as terminal:
        terminal.wait_for("shop-backend")
        (child,) = children_of(terminal.process.pid)

        os.kill(terminal.process.pid, number)

        until(lambda: not Path(f"/proc/{child}").exists())
        if number != signal.SIGKILL:
            terminal.wait_end()
            assert not list(scratch.iterdir()), "what it kept for itself is left behind"
    assert not (tmp_path / ".local" / "state" / "quarterdeck" / "watch").exists()


def children_of(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def until(is_so: Callable[[], bool], timeout_s: float = 10) -> None:
    ends_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_the_scenarios_are_listed_with_what_they_teach(tmp_path: Path) -> None:
    answer = quarterdeck("demo", "--list", home=tmp_path)

    assert answer.code == 0
    assert {line.split()[0] for line in answer.out.splitlines()} >= {"healthy", "missing-image", "crash-loop"}


def test_an_unknown_scenario_is_answered_with_those_there_are(tmp_path: Path) -> None:
    answer = quarterdeck("demo", "--scenario", "mystery", home=tmp_path)

    assert answer.code == 2
    assert "crash-loop, healthy" in answer.err


def test_a_stranger_s_modules_in_the_current_folder_are_not_run(tmp_path: Path) -> None:
    """The child is started with -P: a checkout's own `app` or `quarterdeck` must not be what runs."""
    for name in ("quarterdeck", "practice", "tempfile"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a stranger ran')\n")
    probe = "import sys; sys.path.pop(0) if sys.path[0] == '' else None\n"
    probe += "from app.commands.demo import practice_cluster\n"
    probe += "with practice_cluster('healthy') as kubeconfig: print(kubeconfig.is_file())\n"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env=environment(tmp_path, TMPDIR=tempfile.gettempdir()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("True\n", "")
