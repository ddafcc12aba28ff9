"""Nothing that the harness starts outlives the tests, however they end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.fixtures import built_programs
from tests.cluster.processes import own_folder, wait_until

_START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.cluster import build
{imports}
running = {start}
running.start()
print({plane}.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
_CONTROL_PLANE = {
    "imports": "from tests.cluster.control_plane import ControlPlane",
    "start": "ControlPlane(build.programs(), nodes=1)",
    "plane": "running",
}
_NODE = {
    "imports": "from tests.cluster.real_node import RealNode",
    "start": "RealNode(build.programs())",
    "plane": "running.control_plane",
}


def _processes_of(folder: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in command:
            found.append(command)
    return found


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(_CONTROL_PLANE, id="control plane", marks=pytest.mark.cluster),
        pytest.param(_NODE, id="real node", marks=pytest.mark.node),
    ],
)
def test_a_killed_test_run_leaves_no_process(what: dict[str, str], pytestconfig: pytest.Config) -> None:
    built_programs(pytestconfig)
    script = _START_AND_DIE.format(**what)
    root = Path(__file__).parents[2]
    died = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -9, died.stderr
    folder = died.stdout.strip()
    assert Path(folder).is_dir()
    wait_until("every process to be gone", lambda: not _processes_of(folder), timeout_s=15)
    shutil.rmtree(own_folder("quarterdeck-cluster-"))
    assert not Path(folder).exists(), "whoever starts next tidies up"
