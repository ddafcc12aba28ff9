"""Finds quarterdeck.toml and reads it, once: what is checked, trusted and used are the same bytes."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.options import Options
from app.places import CONFIG_NAME, user_config_file
from domain.errors import ConfigError

MOST_BYTES = 1 << 20


class FoundBy(StrEnum):
    OPTION = "--config"
    FOLDER = "current folder"
    """Somebody else may have put it there: see `app.trust`."""
    USER = "user's folder"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    path: Path
    """As it is shown; `real_path` is where symbolic links and `..` lead."""
    real_path: Path
    found_by: FoundBy
    content: bytes


def find_config(options: Options) -> ConfigFile | None:
    """The file that counts, read; None where there is none. ConfigError where it cannot be read."""
    if options.no_config:
        return None
    if options.config_file:
        path = Path(options.config_file).expanduser()
        if not os.path.lexists(path):
            raise ConfigError(
                "The configuration file is not there.", "Check the name after --config, or leave it out.", file=str(path)
            )
        return read_config(path, FoundBy.OPTION)
    users, here = user_config_file(), config_from_here()
    if here is not None:
        is_users_own = os.path.realpath(here) == os.path.realpath(users)
        return read_config(here, FoundBy.USER if is_users_own else FoundBy.FOLDER)
    return read_config(users, FoundBy.USER) if users.exists() else None


def config_from_here() -> Path | None:
    try:
        return config_in_folder(Path.cwd())
    except FileNotFoundError:
        return None  # the current folder has been removed


def config_in_folder(folder: Path) -> Path | None:
    """`quarterdeck.toml` in `folder`; inside a git checkout also in the folders above it, up to the checkout's root."""
    above = [folder, *folder.parents]
    root = next((number for number, place in enumerate(above) if (place / ".git").exists()), 0)
    return next((place / CONFIG_NAME for place in above[: root + 1] if os.path.lexists(place / CONFIG_NAME)), None)


def read_config(path: Path, found_by: FoundBy) -> ConfigFile:
    try:
        real_path = Path(os.path.realpath(path))
        # Neither a link put there in between nor a pipe that never ends.
        descriptor = os.open(real_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"The configuration file cannot be read: {error.strerror}.",
            "Check that it is a file, and that you may read it.",
            file=str(path),
        ) from error
    if len(content) > MOST_BYTES:
        raise ConfigError("The configuration file is larger than 1 MiB.", "Is it the right file?", file=str(path))
    return ConfigFile(path, real_path, found_by, content)


def parse(file: ConfigFile) -> dict[str, Any]:
    try:
        return tomllib.loads(file.content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = file.content[: error.start].count(b"\n") + 1
        raise ConfigError(
            "The configuration file is not UTF-8.", "Save it as UTF-8.", file=str(file.path), key=f"line {line}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        what, place = _place(str(error))
        raise ConfigError(
            f"The configuration file is not valid TOML: {what}.",
            "Texts stand in quotes, tables in [brackets], each key on its own line.",
            file=str(file.path),
            key=place,
        ) from error
    except RecursionError as error:
        raise ConfigError(
            "The configuration file is nested too deeply.", "No key needs more than three levels.", file=str(file.path)
        ) from error


def _place(message: str) -> tuple[str, str]:
    """tomllib ends its messages with the place: `… (at line 3, column 5)`."""
    match = re.fullmatch(r"(?s)(.*?)\s*\(at (line \d+, column \d+|end of document)\)", message)
    what, place = (match[1], match[2]) if match else (message, "")
    return what[:1].lower() + what[1:], place
