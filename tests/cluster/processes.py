"""Child processes that never outlive the tests: own session, killed when their parent dies, stopped at exit."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

DIES_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""In front of a command line. The parent is the thread that starts it; Linux only."""
_OWNER = "owner"
_children: weakref.WeakSet[Child] = weakref.WeakSet()


class Child:
    """One program with its log file. Start it from a thread that lives as long as it should."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, *, env: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*DIES_WITH_ITS_PARENT, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=log.parent,
                env={**os.environ, **(env or {})},
            )
        _children.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def resident_mb(self) -> float:
        """Resident memory, 0 when it has ended."""
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return 0.0

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def stop(self, *, grace_s: float = 5.0) -> None:
        """Ask, then kill the whole group."""
        self.send(signal.SIGCONT)
        if grace_s:
            self.send(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self.send(signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 12) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-count:])


@atexit.register
def _stop_all() -> None:
    for child in list(_children):
        child.stop(grace_s=0)


def own_folder(prefix: str) -> Path:
    """A new temporary folder; those of the same name whose owners were killed before they could tidy up are removed."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    (folder / _OWNER).write_text(str(os.getpid()))
    for other in folder.parent.glob(f"{prefix}*") if Path("/proc/self").exists() else ():
        with contextlib.suppress(OSError, ValueError):
            if not Path("/proc", str(int((other / _OWNER).read_text()))).exists():
                shutil.rmtree(other, ignore_errors=True)
    return folder


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now; all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_until(what: str, check: Callable[[], object], *, timeout_s: float = 60.0, every_s: float = 0.05) -> None:
    """Ask again until the answer is true; TimeoutError says `what` was waited for, and the last answer."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}; last: {answer!r}")
        time.sleep(every_s)
