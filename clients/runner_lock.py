"""Who carries an operation out: an exclusive lock on its journal, held for as long as the runner's process lives."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from domain.errors import JournalError, RefusedError
from domain.operations import Operation

_PROBED_S = 1.0
"""Others who look whether a runner lives hold the lock for an instant."""
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def boot_id() -> str:
    """Tells a process number of before a reboot from one of after it; "" where the system does not say."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def host_name() -> str:
    return socket.gethostname()


def lock_for_running(descriptor: int, path: Path) -> None:
    """RefusedError: another runner has it. JournalError: this file system has no locks. It goes with the descriptor."""
    deadline_s = time.monotonic() + _PROBED_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline_s:
                time.sleep(0.02)
                continue
            raise RefusedError(
                f"Another process carries out operation {path.stem}",
                f"Follow it: quarterdeck ops attach {path.stem}",
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise JournalError(
                f"{path.parent} is on a file system without locks", "Set XDG_STATE_HOME to a folder on a local disk."
            ) from error
        return


def is_runner_alive(path: Path, operation: Operation) -> bool | None:
    """Whether a process carries it out now; None: it began on another host, and nothing here can tell.

    The lock decides: a process number may have been given away again, a lock ends with its process.
    """
    if operation.state.is_over:
        return False
    is_here = operation.runner_host in ("", host_name())
    if is_here and operation.runner_boot_id and operation.runner_boot_id != boot_id():
        return False
    is_locked = _is_locked(path)
    if is_locked:
        return True
    if not is_here:
        return None
    if is_locked is None:
        return operation.runner_pid is not None and _is_process(operation.runner_pid)
    return False


def _is_locked(path: Path) -> bool | None:
    """None where it cannot be found out."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
