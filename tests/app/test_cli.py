"""The command line itself: help that is the manual, a light start, and defects that are reported without a traceback."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.command import environment, quarterdeck

VERBS = ("status", "watch", "doctor", "init", "demo", "trust", "version")


def test_help_begins_with_examples_and_names_everything(tmp_path: Path) -> None:
    answer = quarterdeck("--help", home=tmp_path)

    assert answer.code == 0
    lines = answer.out.splitlines()
    assert "rollout" in lines[0]
    assert lines[2].startswith("  quarterdeck ")
    for word in (*VERBS, "--context", "-n NS", "--env NAME", "--config F", "--readonly", "exit codes:", "KUBECONFIG"):
        assert word in answer.out
    assert "_practice" not in answer.out
    assert all(len(line) <= 100 for line in lines if str(tmp_path) not in line)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_of_its_own(verb: str, tmp_path: Path) -> None:
    answer = quarterdeck(verb, "--help", home=tmp_path)

    assert answer.code == 0
    assert f"usage: quarterdeck {verb}" in answer.out


@pytest.mark.parametrize("module", ["status", "watch", "doctor", "init", "demo", "trust", "version", "practice"])
def test_no_command_imports_textual(module: str) -> None:
    code = f"import sys, app.cli, app.commands.{module}, app.session, app.sources; sys.exit('textual' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_until_it_hands_over_almost_nothing_is_imported() -> None:
    """The screen's first request leaves before anything slow is imported."""
    code = "import sys, app.cli, app.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"asyncio", "msgspec", "tomllib", "platformdirs", "aiohttp", "textual", "logging", "yaml"} & set(loaded)


def test_a_defect_of_ours_names_a_log_file_and_shows_no_secrets(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['quarterdeck']; import app.cli\n"
        "def broken(argv, prog):\n"
        "    token = 'canary-local'\n"
        "    raise RuntimeError('Authorization: Bearer canary-header')\n"
        "app.cli.parse = broken\n"
        "sys.exit(app.cli.run([]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    notice, hint = done.stderr.splitlines()
    assert notice == "quarterdeck: Something in quarterdeck itself went wrong (RuntimeError)."
    (log,) = (tmp_path / ".local" / "state" / "quarterdeck").glob("defect-*.log")
    assert str(log) in hint
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert "Traceback" in text
    assert "canary-header" not in text + done.stderr


def test_a_state_folder_that_cannot_be_written_costs_the_log_only(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    code = "import sys, app.cli\napp.cli.parse = None\nsys.exit(app.cli.run([]))\n"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, XDG_STATE_HOME=str(tmp_path / "state")),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "No log could be written" in done.stderr
    assert "Traceback" not in done.stderr
