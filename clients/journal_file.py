"""The journal of an operation: one append-only file of this user's, every line on disk before what it tells of happens."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from clients.journal_lines import fact_of, facts_in, line_of
from clients.runner_lock import is_runner_alive, lock_for_running
from domain.errors import JournalError, QuarterdeckError
from domain.journal import JournalFact, Planned, StepTold, operation_of, take
from domain.operations import Operation, OperationState
from domain.sanitise import sanitise

SUFFIX = ".jsonl"
_RESERVE_SUFFIX = ".reserve"
_RESERVE_BYTES = 128 * 1024
"""Kept free for the end of an operation that began before the disk was full; its facts rarely take more than 40 KiB."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_POLL_S = 0.15
_LIVENESS_S = 1.0
_MOST_BYTES = 256 * 2**20


def journal_path(folder: Path, operation_id: str) -> Path:
    """JournalError where the id cannot be a file's name."""
    if not _ID.fullmatch(operation_id):
        raise JournalError("That is not the id of an operation", "Ids are listed by: quarterdeck ops list")
    return folder / f"{operation_id}{SUFFIX}"


class JournalFile:
    """Implements `domain.operation_ports.JournalWriter`, and is the one runner of its operation until it is closed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._is_torn = False

    @classmethod
    def create(cls, folder: Path, planned: Planned) -> JournalFile:
        """With its first line written and room reserved, so that whatever stands in the way shows before anything else
        is touched: JournalError."""
        path = journal_path(folder, planned.plan.id)
        try:
            _make_folder(folder)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        journal = cls(path, descriptor)
        try:
            lock_for_running(descriptor, path)
            journal._reserve()
            journal.write(planned)
            _sync_folder(folder)
        except (OSError, QuarterdeckError) as error:
            journal.close()
            with contextlib.suppress(OSError):
                path.unlink()
            if isinstance(error, QuarterdeckError):
                raise
            raise _unusable(path, error) from error
        return journal

    @classmethod
    def take_up(cls, path: Path) -> JournalFile:
        """To go on where another runner has left off. RefusedError: it has not. JournalError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise JournalError(f"There is no operation {path.stem}", "Ids are listed by: quarterdeck ops list") from error
        except OSError as error:
            raise _unusable(path, error) from error
        journal = cls(path, descriptor)
        try:
            lock_for_running(descriptor, path)
            size = os.fstat(descriptor).st_size
            journal._is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            journal._reserve()
        except (OSError, QuarterdeckError) as error:
            journal.close()
            if isinstance(error, QuarterdeckError):
                raise
            raise _unusable(path, error) from error
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """The operation can be taken up by another from now on."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with contextlib.suppress(OSError):
                self._reserve_path.unlink()

    def write(self, fact: JournalFact) -> None:
        """On disk when this returns, but for mere progress, which is not worth waiting for. JournalError."""
        line = line_of(fact)
        try:
            self._append(b"\n" + line if self._is_torn else line)
            if not isinstance(fact, StepTold):
                os.fsync(self._descriptor)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _append(self, data: bytes) -> None:
        """A line that only went in part is ended by the next one's line feed; readers pass over it."""
        rest = memoryview(data)
        while rest:
            try:
                written = os.write(self._descriptor, rest)
            except OSError as error:
                if error.errno not in _FULL or not self._spend_reserve():
                    self._is_torn = self._is_torn or len(rest) < len(data)
                    raise
            else:
                rest = rest[written:]
        self._is_torn = False

    # The reserve

    @property
    def _reserve_path(self) -> Path:
        return self.path.with_suffix(_RESERVE_SUFFIX)

    def _reserve(self) -> None:
        """Real bytes, not a hole."""
        descriptor = os.open(self._reserve_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            rest = memoryview(os.urandom(_RESERVE_BYTES))
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _spend_reserve(self) -> bool:
        try:
            self._reserve_path.unlink()
        except OSError:
            return False
        return True


def ask_abort(path: Path, fact: JournalFact) -> None:
    """Adds a line to a journal that another process may be writing: for `AbortAsked`. JournalError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        # One write, which goes in at the end as a whole; the line feed before it ends what a killed runner has left torn.
        os.write(descriptor, b"\n" + line_of(fact))
        os.fsync(descriptor)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(descriptor)


def read_journal(path: Path) -> list[JournalFact]:
    """Every fact that is whole, in order. Damaged, torn and unknown lines are left out. JournalError: no such file."""
    try:
        with path.open("rb") as file:
            return list(facts_in(file.read(_MOST_BYTES)))
    except OSError as error:
        raise _unusable(path, error) from error


def read_operation(path: Path) -> Operation | None:
    """What the journal comes to; LEFT where its runner is gone. None: not even the plan can be read."""
    operation = operation_of(read_journal(path))
    if operation is None or not _is_left(path, operation):
        return operation
    # It may have written its last lines since they were read: now that it is gone they are all there.
    operation = operation_of(read_journal(path))
    return None if operation is None else _left(operation)


def list_operations(folder: Path) -> tuple[Operation, ...]:
    """Of every journal in the folder, the newest first; what cannot be read is left out."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(JournalError):
                operation = read_operation(path)
                if operation is not None:
                    found.append(operation)
    return tuple(sorted(found, key=lambda operation: operation.plan.created_at, reverse=True))


async def follow(path: Path) -> AsyncIterator[JournalFact]:
    """Every fact there is, then each as it comes; without end. Waits for a file that is not there yet, and begins anew
    when another has taken its place. JournalError."""
    tail = _Tail(path)
    while True:
        for fact in tail.new_facts():
            yield fact
        await asyncio.sleep(_POLL_S)


async def follow_operation(path: Path) -> AsyncIterator[Operation]:
    """What the journal comes to, each time it comes to something else; LEFT soon after its runner is gone. Without end."""
    tail = _Tail(path)
    operation: Operation | None = None
    shown: Operation | None = None
    looked_s = 0.0
    while True:
        facts = tail.new_facts()
        for fact in facts:
            operation = take(operation, fact)
        if operation is not None and (facts or time.monotonic() - looked_s >= _LIVENESS_S):
            looked_s = time.monotonic()
            now = operation
            if _is_left(path, operation):
                for fact in tail.new_facts():
                    operation = take(operation, fact)
                assert operation is not None
                now = _left(operation)
            if now != shown:
                shown = now
                yield now
        await asyncio.sleep(_POLL_S)


class _Tail:
    """What has been added to a file since it was looked at last. A line counts once its line feed is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._file = 0
        self._rest = b""

    def new_facts(self) -> list[JournalFact]:
        try:
            state = self._path.stat()
            if state.st_ino != self._file or state.st_size < self._place:
                self._place, self._file, self._rest = 0, state.st_ino, b""
            if state.st_size == self._place:
                return []
            with self._path.open("rb") as file:
                file.seek(self._place)
                piece = file.read(_MOST_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable(self._path, error) from error
        self._place += len(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [fact for fact in map(fact_of, lines) if fact is not None]


def _is_left(path: Path, operation: Operation) -> bool:
    return not operation.state.is_over and is_runner_alive(path, operation) is False


def _left(operation: Operation) -> Operation:
    return operation if operation.state.is_over else replace(operation, state=OperationState.LEFT)


def _make_folder(folder: Path) -> None:
    """For this user only, whatever it was before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def _sync_folder(folder: Path) -> None:
    """So that the new file is still there after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_HINTS = {
    errno.ENOSPC: "The disk is full: make room, then try again.",
    errno.EDQUOT: "Your disk quota is used up: make room, then try again.",
    errno.EROFS: "The disk is read-only: set XDG_STATE_HOME to a folder that can be written.",
    errno.EACCES: "Its folder is not yours to write: see its owner and mode, or set XDG_STATE_HOME.",
    errno.EPERM: "Its folder is not yours to write: see its owner and mode, or set XDG_STATE_HOME.",
    errno.ENOENT: "Ids are listed by: quarterdeck ops list",
    errno.EEXIST: "An operation of this id exists already; start anew.",
    errno.ELOOP: "It is a symbolic link, which is not followed: look who has put it there.",
}


def _unusable(path: Path, error: OSError) -> JournalError:
    reason = sanitise(error.strerror or type(error).__name__, 100)
    hint = _HINTS.get(error.errno or 0, "Look at the disk and the folder, then try again.")
    return JournalError(f"The journal {sanitise(str(path), 300)} cannot be used: {reason}", hint)
