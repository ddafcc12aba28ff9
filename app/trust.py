"""A quarterdeck.toml that lies in a checkout may be anybody's: where it names URLs or commands it is used only once the
person has said so, for exactly this content at exactly this place, as direnv does.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.places import state_folder
from domain.errors import ConfigError, QuarterdeckError

if TYPE_CHECKING:
    from app.config import Config
    from app.config_file import ConfigFile

_STORE = "trusted.json"


def require_trust(file: ConfigFile, config: Config) -> None:
    """ConfigError for a file that reaches out and has not been trusted as it is now."""
    reaches = config.reaches()
    if not reaches or is_trusted(file):
        return
    what = "an address or command" if len(reaches) == 1 else f"{len(reaches)} addresses or commands"
    raise ConfigError(
        f"This quarterdeck.toml names {what}, and has not been trusted as it is now.",
        "Read it, then run `quarterdeck trust`; `--no-config` goes without it.",
        file=str(file.path),
        key=reaches[0][0],
    )


def is_trusted(file: ConfigFile) -> bool:
    return mark_of(file) in _read()


def trust(file: ConfigFile) -> None:
    """OSError where the state folder cannot be written."""
    _write({**_read(), mark_of(file): {"file": str(file.real_path), "at": int(time.time())}})


def revoke(real_path: Path) -> bool:
    """Take back every trust in that file, whatever was in it; False where there was none."""
    known = _read()
    kept = {mark: entry for mark, entry in known.items() if entry.get("file") != str(real_path)}
    if len(kept) != len(known):
        _write(kept)
    return len(kept) != len(known)


def mark_of(file: ConfigFile) -> str:
    """The real place is in it: the same text in another checkout is another file, and a link leads where it leads."""
    return hashlib.sha256(os.fsencode(file.real_path) + b"\n" + file.content).hexdigest()


def _read() -> dict[str, dict[str, object]]:
    path = state_folder(create=False) / _STORE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if info.st_uid != os.getuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _unusable(path, "others may write to it")
        try:
            known = json.loads(file.read())
        except (ValueError, RecursionError) as error:
            raise _unusable(path, "it is not JSON") from error
    return known if isinstance(known, dict) else {}


def _write(known: dict[str, dict[str, object]]) -> None:
    folder = state_folder()
    descriptor, beside = tempfile.mkstemp(prefix=_STORE, dir=folder)  # mkstemp: 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(folder / _STORE)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _unusable(path: Path, why: str) -> QuarterdeckError:
    return ConfigError(
        f"The list of trusted files cannot be used: {why}.",
        "Remove it, and trust again what you have read.",
        file=str(path),
    )
