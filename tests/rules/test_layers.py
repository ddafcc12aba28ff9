"""What decides and what connects works where nothing can be drawn: proven by running it, beside import-linter's reading."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_IMPORT_ALL = """
import importlib, json, pkgutil, sys
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def _modules_after_importing(*rooms: str) -> set[str]:
    command = [sys.executable, "-c", _IMPORT_ALL, *rooms]
    answer = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout))


# Not rich: httpx imports its own command line, and with it rich, wherever that is installed.
@pytest.mark.parametrize(
    ("rooms", "never"),
    [
        (("domain", "clients", "actions"), ("textual", "widgets", "screens", "app")),
        (("domain",), ("asyncio", "msgspec", "aiohttp", "kubernetes", "yaml")),
        (("domain", "actions"), ("aiohttp", "httpx", "kubernetes")),
    ],
    ids=[
        "nothing that decides or connects draws",
        "what is true needs the standard library",
        "what decides never connects",
    ],
)
def test_a_room_brings_no_stranger_in(rooms: tuple[str, ...], never: tuple[str, ...]) -> None:
    found = _modules_after_importing(*rooms)
    assert not sorted(name for name in found if name.partition(".")[0] in never)


def test_asking_for_the_version_imports_nothing_heavy() -> None:
    script = "import json, sys; from app.cli import run; run(['version']); print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    found = {name.partition(".")[0] for name in json.loads(answer.stdout.splitlines()[-1])}
    assert not found & {
        "textual",
        "rich",
        "aiohttp",
        "httpx",
        "kubernetes",
        "prometheus_api_client",
        "textual_plotext",
        "pandas",
    }
