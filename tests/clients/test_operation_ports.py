"""What operations are handed is what they ask for: checked by the type checker, and that nothing heavy comes with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clients.commands import HostCommands
from clients.journal_file import JournalFile
from clients.kubernetes.leases import ClusterLeases
from clients.kubernetes.writing import Writer
from clients.registry import ImageRegistry
from domain.operation_ports import ClusterWriter, Commands, JournalWriter, Leases, Registry

ROOT = Path(__file__).parents[2]


def fit(
    writer: Writer, leases: ClusterLeases, commands: HostCommands, journal: JournalFile, registry: ImageRegistry
) -> tuple[ClusterWriter, Leases, Commands, JournalWriter, Registry]:
    return writer, leases, commands, journal, registry


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("clients.registry", "httpx yaml aiohttp kubernetes textual"),
        ("clients.journal_file", "httpx yaml aiohttp kubernetes textual"),
        ("clients.commands", "httpx yaml aiohttp kubernetes textual"),
        ("clients.kubernetes.writing", "httpx kubernetes textual"),
    ],
)
def test_importing_one_brings_no_others_along(module: str, heavy: str) -> None:
    script = f"import sys, {module}; print(*sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
