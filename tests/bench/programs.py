"""The programs that are compared: how each is started, and how to read its screen."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.stage import Stage

ROOT = Path(__file__).parents[2]
ROOMS = ("quarterdeck", "app", "widgets", "screens", "actions", "domain", "clients", "practice")


@dataclass(frozen=True, slots=True)
class Program:
    """`argv(stage, namespace)` watches the pods of a namespace, of all for ""."""

    name: str
    argv: Callable[[Stage, str], list[str]]
    version: str
    is_ours: bool = False
    prepare: Callable[[Path], None] = lambda home: None

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        """Nobody's own configuration, and Python's bytecode kept."""
        home.mkdir(parents=True, exist_ok=True)
        self.prepare(home)
        return {
            "PATH": stage.path,
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "KUBECONFIG": str(stage.kubeconfig),
        }


def _which(namespace: str) -> list[str]:
    return ["-n", namespace] if namespace else ["-A"]


def quarterdeck() -> Program:
    """From this checkout, with metrics and health configured so that every pane has something to show."""

    def argv(stage: Stage, namespace: str) -> list[str]:
        where = ["--env", "bench", "-A"] if not namespace else ["-n", namespace]
        return [sys.executable, "-m", "quarterdeck", "--config", str(stage.config), *where]

    subprocess.run([sys.executable, "-m", "compileall", "-q", *ROOMS], cwd=ROOT, check=False)
    return Program("quarterdeck", argv, "this checkout", is_ours=True)


def kubectl(program: str) -> Program:
    """`kubectl get pods --watch`: no screen, but the least there is between the API and a person."""

    def argv(stage: Stage, namespace: str) -> list[str]:
        return [program, "get", "pods", *_which(namespace), "--watch"]

    told = subprocess.run([program, "version", "--client"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v[\d.]+", told)
    return Program("kubectl", argv, version[0] if version else "?")


def k9s() -> Program | None:
    """Where it is on PATH; it does not ask GitHub for its own latest release."""
    program = shutil.which("k9s")
    if program is None:
        return None

    def argv(stage: Stage, namespace: str) -> list[str]:
        return [program, *_which(namespace), "--command", "pods"]

    def prepare(home: Path) -> None:
        folder = home / ".config" / "k9s"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text("k9s:\n  skipLatestRevCheck: true\n")

    told = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v[\d.]+\S*", told)
    return Program("k9s", argv, version[0] if version else "?", prepare=prepare)
