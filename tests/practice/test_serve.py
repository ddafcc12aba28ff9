"""The child process that `quarterdeck demo` starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.processes import wait_until
from tests.practice.child import practice_child

_ROOT = Path(__file__).parents[2]


def test_it_says_when_it_is_ready_and_ends_when_told(tmp_path: Path) -> None:
    with practice_child(tmp_path, "healthy") as child:
        assert child.api.get("/livez").text == "ok"
        assert oct(child.kubeconfig.stat().st_mode & 0o777) == "0o600"
        config = json.loads(child.kubeconfig.read_text(encoding="utf-8"))
        assert config["current-context"] == "practice"
        assert config["contexts"][0]["context"] == {"cluster": "practice", "user": "oncall", "namespace": "shop-practice"}
        child.process.terminate()
        assert child.process.wait(timeout=5) == 0


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    child = f"from practice.serve import run; from pathlib import Path; run(kubeconfig=Path({str(tmp_path / 'k')!r}))"
    parent = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE); "
        "p.stdout.readline(); print(p.pid, flush=True)"
    )
    said = subprocess.run([sys.executable, "-c", parent, child], cwd=_ROOT, capture_output=True, text=True, check=True)
    pid = int(said.stdout)
    wait_until("the orphan to go", lambda: not _is_running(pid), timeout_s=10)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def test_what_it_imports_draws_nothing() -> None:
    heavy = ("textual", "rich", "kubernetes", "httpx", "yaml")
    program = f"import sys, practice.serve; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
