"""The wheel owns one name, and runs its own rooms whatever else is called `app`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.cluster.build import real_home

_ROOT = Path(__file__).parents[2]
_TRAP = "raise RuntimeError('a stranger of the same name was imported')\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    if shutil.which("uv"):
        command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(_ROOT)]
    else:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(_ROOT)]
    environment = {**os.environ, "HOME": str(real_home())}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_owns_one_name(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"quarterdeck"}


def test_the_installed_commands_never_run_a_stranger(wheel: Path, tmp_path: Path) -> None:
    site, strangers = tmp_path / "site", tmp_path / "strangers"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for room in ("app", "widgets", "screens", "actions", "domain", "clients", "practice"):
        (strangers / room).mkdir(parents=True)
        (strangers / room / "__init__.py").write_text(_TRAP)
    (entries,) = site.glob("*.dist-info/entry_points.txt")
    scripts = [line.split(" = ") for line in entries.read_text().splitlines() if " = " in line]
    assert {name for name, _ in scripts} == {"quarterdeck", "qd"}
    for name, target in scripts:
        entry = EntryPoint(name, target, "console_scripts")
        script = f"import sys; from {entry.module} import {entry.attr}; sys.exit({entry.attr}())"
        answer = subprocess.run(
            [sys.executable, "-c", script, "version"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(strangers), str(site)))},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        assert "0." in answer.stdout
