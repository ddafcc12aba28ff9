"""The real `helm` program, for what changes a release: a session of its own, no terminal, and nobody who ends it half way.

What it prints goes to a file, not a pipe: a helm that outlives this process must not die of a broken one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from clients.helm_storage import HelmStorage, SecretReader
from clients.secret_names import without_secrets
from domain.compare import hide_secrets
from domain.errors import NotFoundError, OutsideError, RefusedError
from domain.helm import HelmVersion, Release, ReleaseContent
from domain.operation_ports import CommandResult
from domain.sanitise import sanitise

SYSTEM = "Helm"
_VERSION = re.compile(r"v?(\d+)\.\S+")
_OLDEST, _NEWEST = 3, 4
_OURS = ("HELM_DEBUG", "HELM_NAMESPACE")
"""Not passed on, like everything that names a cluster: what we say is what it does, and debugging prints values."""
_EVERY_S = 0.1
_QUICK_S = 20.0
_OVER_S = 30.0
"""Beyond helm's own time limit, which is for each thing it waits for; and once more after it was asked to end."""
_MOST_LINES = 40
_MOST_BYTES = 2**18
_left_alone: list[subprocess.Popen[bytes]] = []
"""Nobody waits for these any more, and Python must not complain."""


class HelmClient:
    """Implements `domain.helm_ports.Helm`."""

    def __init__(
        self,
        cluster: SecretReader,
        context: str,
        *,
        folder: Path,
        is_read_only: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`context` "" is what helm finds by itself, inside a cluster. `folder` is where it is noted that a helm runs."""
        self._environ = _environment(os.environ if environ is None else environ)
        self._storage = HelmStorage(cluster, environ=self._environ)
        self._context = context
        self._folder = folder
        self._is_read_only = is_read_only
        self._version: HelmVersion | None = None

    async def releases(self, namespace: str) -> tuple[Release, ...]:
        return await self._storage.releases(namespace)

    async def read(self, namespace: str, release: str) -> Release:
        return await self._storage.read(namespace, release)

    async def content(self, namespace: str, release: str, number: int) -> ReleaseContent:
        return await self._storage.content(namespace, release, number)

    async def version(self) -> HelmVersion:
        if self._version is None:
            done = await self._run(["version", "--short"], _QUICK_S)
            match = _VERSION.match(done.output[0]) if done.output else None
            if done.exit_code != 0 or match is None:
                hint = "Try `helm version` in a shell."
                raise OutsideError("helm does not say which version it is", hint, system=SYSTEM)
            self._version = HelmVersion(int(match[1]), match[0])
        if self._version.major < _OLDEST:
            hint = "Install Helm 3 or 4."
            raise RefusedError(f"helm on this host is {self._version.text}, which is too old", hint)
        return self._version

    async def rollback(
        self,
        namespace: str,
        release: str,
        number: int,
        *,
        operation: str = "",
        timeout_s: float = 300.0,
        history_max: int = 10,
        is_dry_run: bool = False,
    ) -> CommandResult:
        if self._is_read_only and not is_dry_run:
            raise RefusedError("Read-only: helm is not run", "Start without --readonly, where that is meant.")
        version = await self.version()
        flags = [*self._where(namespace), "--timeout", f"{timeout_s:.0f}s", "--history-max", str(history_max)]
        if is_dry_run:
            flags.append("--dry-run" if version.major < _NEWEST else "--dry-run=server")
            return await self._run(["rollback", release, str(number), *flags], _QUICK_S)
        flags += ["--wait", "--cleanup-on-fail"]
        if version.major >= _NEWEST and operation:
            flags += ["--description", f"Rollback to {number} ({description_mark(operation)})"]
        return await self._run(["rollback", release, str(number), *flags], timeout_s + _OVER_S, operation)

    def is_running(self, operation: str) -> bool | None:
        try:
            descriptor = os.open(self._note(operation), os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _where(self, namespace: str) -> list[str]:
        return [*(["--kube-context", self._context] if self._context else []), "--namespace", namespace]

    def _note(self, operation: str) -> Path:
        return self._folder / f"{operation}.helm"

    async def _run(self, arguments: Sequence[str], limit_s: float, operation: str = "") -> CommandResult:
        program = shutil.which("helm", path=self._environ.get("PATH"))
        if program is None:
            raise NotFoundError(
                "There is no helm on PATH",
                "Install Helm 3 or 4 on this host; releases can be looked at without it.",
                system=SYSTEM,
            )
        began_s = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = self._started([program, *arguments], output, operation)
            exit_code = await _ended(process, limit_s)
            return CommandResult(exit_code, _last_lines(output), time.monotonic() - began_s)

    def _started(self, argv: Sequence[str], output: IO[bytes], operation: str) -> subprocess.Popen[bytes]:
        """The lock on the note is held for as long as helm has it open: it is known to be alive by that."""
        note = os.open(self._note(operation), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if operation else None
        try:
            if note is not None:
                fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environ,
                pass_fds=() if note is None else (note,),
            )
        except BlockingIOError as error:
            hint = "Wait for it: `quarterdeck helm history` shows what it does."
            raise RefusedError("A helm of this operation is at work already", hint) from error
        except OSError as error:
            reason = sanitise(error.strerror or str(error), 200)
            raise OutsideError(f"helm cannot be run: {reason}", "Try it in a shell.", system=SYSTEM) from error
        finally:
            if note is not None:
                os.close(note)


def description_mark(operation: str) -> str:
    """By which a revision's description says that it is ours; Helm 4 only."""
    return f"quarterdeck {operation}"


async def _ended(process: subprocess.Popen[bytes], limit_s: float) -> int | None:
    """Its exit code. It is asked to end after the limit, and never made to: what it has begun would stay pending."""
    try:
        for again in (False, True):
            until_s = time.monotonic() + (_OVER_S if again else limit_s)
            while time.monotonic() < until_s:
                if process.poll() is not None:
                    return None if again else process.returncode
                await asyncio.sleep(_EVERY_S)
            if not again:
                process.send_signal(signal.SIGTERM)
        return None
    finally:
        if process.poll() is None:
            _left_alone.append(process)


def _last_lines(output: IO[bytes]) -> tuple[str, ...]:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _MOST_BYTES))
    lines = output.read().decode("utf-8", "replace").splitlines()
    return tuple(sanitise(hide_secrets(line), 1000) for line in lines[-_MOST_LINES:] if line.strip())


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """All of ours, because the kubeconfig's credential plugins may need any of it; no secrets, no other cluster."""
    return {
        name: text
        for name, text in without_secrets(environ).items()
        if name not in _OURS and not name.startswith("HELM_KUBE")
    }
