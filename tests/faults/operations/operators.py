"""People at their shells: each with a state folder, a kubeconfig and a name of their own, running the real program."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clients.journal_file import list_operations
from domain.operations import Operation
from tests.app.command import ROOT, environment
from tests.faults.operations.places import WORKLOAD, Place

CONFIGURATION = "[verdict]\nsoak_s = 1\n\n[verify]\nmetrics = false\n"
LIMIT_S = 150.0


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    text: str


class Operator:
    def __init__(self, place: Place, user: str, namespace: str, folder: Path) -> None:
        self.user = user
        self.who = f"{user}@{os.uname().nodename}"
        self.home = folder / namespace / user
        self.home.mkdir(parents=True)
        self._namespace = namespace
        config = self.home / "quarterdeck.toml"
        config.write_text(CONFIGURATION)
        self._places = ("-n", namespace, "--config", str(config))
        self.state = self.home / "state"
        self.environment = environment(
            self.home, LOGNAME=user, KUBECONFIG=str(place.kubeconfig(user)), XDG_STATE_HOME=str(self.state), TZ="UTC"
        )

    @property
    def operations_folder(self) -> Path:
        return self.state / "quarterdeck" / "operations"

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "quarterdeck", *arguments]

    def rollback_argv(self, *more: str) -> list[str]:
        reason = more if "--reason" in more else (*more, "--reason", "it does not start")
        return self.argv("rollback", WORKLOAD, *self._places, "--yes", *reason)

    async def start(self, argv: list[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *argv,
            env=self.environment,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def run(self, argv: list[str]) -> Said:
        return await self.said(await self.start(argv))

    async def said(self, process: asyncio.subprocess.Process) -> Said:
        try:
            async with asyncio.timeout(LIMIT_S):
                out, _ = await process.communicate()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return Said(-1, f"did not end within {LIMIT_S:g} s")
        assert process.returncode is not None
        return Said(process.returncode, out.decode(errors="replace"))

    async def resume(self, operation_id: str) -> Said:
        return await self.run(self.argv("ops", "resume", operation_id))

    def operations(self) -> tuple[Operation, ...]:
        return list_operations(self.operations_folder)

    def journal_lines(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self.operations_folder.glob("*.jsonl"))


def runner_of(process: asyncio.subprocess.Process) -> int | None:
    """The runner that this command has started, while both live."""
    for pid in _children(process.pid):
        with suppress(OSError):
            if b"\0_run\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(one) for one in (task / "children").read_text().split()]
    return found


async def kill_when(operator: Operator, process: asyncio.subprocess.Process, *, lines: int, after_s: float) -> bool:
    """kill -9 of the runner once the journal has so many lines, and so much later. False: it was over before."""
    pid: int | None = None
    end = time.monotonic() + LIMIT_S
    while process.returncode is None and time.monotonic() < end:
        pid = pid or runner_of(process)
        if pid is not None and operator.journal_lines() >= lines:
            break
        await asyncio.sleep(0.002)
    await asyncio.sleep(after_s)
    if pid is None or runner_of(process) != pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
