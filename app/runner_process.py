"""The process that carries an operation out: of its own session, deaf to hang-ups, and without a screen.

It is started while the plan is being read, so that nothing is left to import when the person says go; it waits on its
standard input for one line and ends with it if that never comes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domain.errors import JournalError, QuarterdeckError, RefusedError
from domain.operations import Place, Plan
from domain.plan_json import plan_to_json


@dataclass(frozen=True, slots=True)
class Handed:
    """The operation is the runner's now."""

    operation_id: str
    pid: int


class WaitingRunner:
    """A runner that connects to a place and has not been told what to do. `cancel` or leaving the program ends it."""

    def __init__(self, place: Place) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck", "_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": _import_path()},
        )
        self._is_handed = False
        self._send(asdict(place))

    @property
    def pid(self) -> int:
        return self._process.pid

    def go(self, plan: Plan) -> Handed:
        """Blocking, for some milliseconds. Raises what the runner answers: JournalError, RefusedError; nothing was done."""
        return self._hand({"plan": plan_to_json(plan)})

    def resume(self, operation_id: str, *, who: str) -> Handed:
        return self._hand({"resume": operation_id, "who": who})

    def cancel(self) -> None:
        """Ends a runner that has not been told what to do; one that has is left alone."""
        if self._is_handed:
            return
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
        self._reap()

    def _hand(self, request: dict[str, Any]) -> Handed:
        stdout = self._process.stdout
        assert stdout is not None
        self._send(request)
        line = stdout.readline()
        stdout.close()
        if not line:
            raise RefusedError(
                "The process that was to carry it out has ended before it began.",
                "Nothing was done. `quarterdeck doctor` looks at what it needs.",
            )
        answer = json.loads(line)
        if "error" in answer:
            raise _error_of(answer)
        self._is_handed = True
        return Handed(answer["operation"], self.pid)

    def _send(self, request: dict[str, Any]) -> None:
        """A runner that has died already says so by answering nothing."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def _reap(self) -> None:
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _error_of(answer: dict[str, Any]) -> QuarterdeckError:
    kind = JournalError if answer.get("kind") == "journal" else RefusedError
    return kind(str(answer["error"]), str(answer.get("hint", "")))


def _import_path() -> str:
    """Where this very program was imported from: the runner must be the same one."""
    import quarterdeck

    folder = Path(quarterdeck.__file__).resolve().parent.parent
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
