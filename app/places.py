"""Where files of ours live: the user's configuration, and what the program remembers."""

from __future__ import annotations

from pathlib import Path

CONFIG_NAME = "quarterdeck.toml"


def user_config_file() -> Path:
    from platformdirs import user_config_path

    return user_config_path("quarterdeck", appauthor=False) / CONFIG_NAME


def operations_folder() -> Path:
    """The journals of operations, a file each. OSError where it cannot be made."""
    folder = state_folder() / "operations"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def state_folder(*, create: bool = True) -> Path:
    """Logs, trust, history. For this user only; OSError where it cannot be made."""
    from platformdirs import user_state_path

    folder = user_state_path("quarterdeck", appauthor=False)
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
