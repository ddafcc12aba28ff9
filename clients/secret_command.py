"""A command that prints a secret: `pass show quarterdeck/{name}`, `az keyvault secret show … -o tsv`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence

from clients.secret_names import MOST_BYTES, Secret, without_secrets
from domain.errors import ConfigError, OutsideError
from domain.sanitise import sanitise

_LIMIT_S = 30.0
_SYSTEM = "secrets"


class SecretCommand:
    """The first line of its output is the secret. What it says on stderr is thrown away: it might quote one."""

    name = "command"

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], *, limit_s: float = _LIMIT_S) -> None:
        self._argv = tuple(argv)
        self._environ = environ
        self._limit_s = limit_s

    @property
    def words(self) -> str:
        return sanitise(" ".join(self._argv), 200)

    @property
    def is_wanted(self) -> bool:
        return bool(self._argv)

    def why_not(self) -> str:
        if not self._argv:
            return "none is configured"
        if shutil.which(self._argv[0], path=self._environ.get("PATH")) is None:
            return f"there is no program {sanitise(self._argv[0], 80)}"
        return ""

    async def get(self, name: str) -> Secret | None:
        """None where it prints nothing."""
        argv = [word.replace("{name}", name) for word in self._argv]
        process = await self._started(argv)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._limit_s):
                output = await process.stdout.read(MOST_BYTES + 1)
                while len(output) <= MOST_BYTES and (more := await process.stdout.read(MOST_BYTES)):
                    output += more
                exit_code = None if len(output) > MOST_BYTES else await process.wait()
        except TimeoutError:
            raise self._failed(f"has not answered within {self._limit_s:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if exit_code is None:
            raise self._failed(f"prints more than {MOST_BYTES} bytes")
        if exit_code:
            raise self._failed(f"ended with {exit_code} when asked for {name}")
        return self._first_line(output)

    async def _started(self, argv: Sequence[str]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env=without_secrets(self._environ),
            )
        except (OSError, ValueError) as error:
            reason = sanitise(getattr(error, "strerror", None) or "its words cannot be passed", 200)
            raise ConfigError(f"The command for secrets cannot be run: {reason}.", "Try it in a shell.") from None

    def _first_line(self, output: bytes) -> Secret | None:
        try:
            text = output.decode().partition("\n")[0].rstrip("\r")
        except UnicodeDecodeError:
            # Without the cause: its traceback would show the bytes.
            raise self._failed("does not print UTF-8") from None
        return Secret(text) if text else None

    def _failed(self, what: str) -> OutsideError:
        hint = f"Run it in a shell to see why: `{self.words}`. What it needs must be unlocked before (gpg-agent, az login)."
        return OutsideError(f"The command for secrets {what}", hint, system=_SYSTEM)
