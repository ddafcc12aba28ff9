"""The practice cluster as a child process, as `quarterdeck demo` runs it."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.practice.calls import Caller

_ROOT = Path(__file__).parents[2]
_PROGRAM = "import sys; from pathlib import Path; from practice.serve import run; sys.exit(run(scenario=sys.argv[1], \
speed=float(sys.argv[2]), pods=int(sys.argv[3]), kubeconfig=Path(sys.argv[4])))"


@dataclass(frozen=True, slots=True)
class Practice:
    api: Caller
    kubeconfig: Path
    process: subprocess.Popen[str]


@contextmanager
def practice_child(folder: Path, scenario: str, *, speed: float = 1.0, pods: int = 0) -> Iterator[Practice]:
    kubeconfig = folder / "kubeconfig"
    arguments = [scenario, str(speed), str(pods), str(kubeconfig)]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready", process.stderr.read() if process.stderr else ""
        yield Practice(caller_of(kubeconfig, url), kubeconfig, process)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def caller_of(kubeconfig: Path, url: str, token: str = "practice-oncall") -> Caller:
    cluster = json.loads(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    port = int(url.rpartition(":")[2])
    if "certificate-authority-data" not in cluster:
        return Caller(port, token)
    pem = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Caller(port, token, ssl.create_default_context(cadata=pem))
