"""A defect of ours ends the program with a short notice: the terminal is whole, and no local variable is on it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from practice.serve import PracticeCluster
from tests.app.broken_stage import CANARY
from tests.terminals import TestTerminal


async def test_a_defect_is_told_in_two_lines_and_its_details_are_in_a_file(tmp_path: Path) -> None:
    async with PracticeCluster("healthy") as cluster:
        env = {"KUBECONFIG": str(cluster.kubeconfig_path), "XDG_STATE_HOME": str(tmp_path)}
        await asyncio.to_thread(_look, env, tmp_path)


def _look(env: dict[str, str], state: Path) -> None:
    with TestTerminal((sys.executable, "-m", "tests.app.broken_stage"), env=env) as terminal:
        assert terminal.wait_end() == 1
        assert terminal.attributes() == terminal.before
        assert b"\x1b[?1049l" in terminal.raw
        assert b"Something in quarterdeck itself went wrong (ValueError)" in terminal.raw
        assert CANARY.encode() not in terminal.raw
        assert b"Traceback" not in terminal.raw
    logs = list(state.rglob("defect-*.log"))
    assert len(logs) == 1
    text = logs[0].read_text()
    assert "broken by" in text
    assert CANARY not in text
