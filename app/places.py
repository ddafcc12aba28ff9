"""Where files of ours live: the user's configuration, and what the program remembers."""

from __future__ import annotations

import functools
from pathlib import Path

CONFIG_NAME = "quarterdeck.toml"


@functools.cache
def _folders() -> tuple[Path, Path]:
    from platformdirs import PlatformDirs

    folders = PlatformDirs("quarterdeck", appauthor=False)
    return folders.user_config_path, folders.user_state_path


def user_config_file() -> Path:
    return _folders()[0] / CONFIG_NAME


def state_folder(*, create: bool = True) -> Path:
    """Logs, trust, history. For this user only; OSError where it cannot be made."""
    folder = _folders()[1]
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
