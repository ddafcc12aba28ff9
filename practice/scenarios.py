"""Scenarios are data: who does what to the shop, when, and what the images do that come with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from domain.errors import ConfigError
from practice.images import Image, read_images

_FOLDER = Path(__file__).with_name("scenarios")
VERBS = ("set-image", "scale", "pause", "resume", "restart", "take-right", "give-right")


@dataclass(frozen=True, slots=True)
class Step:
    """`at_s` is practice seconds after the start; before it where negative: that is how history is made."""

    at_s: float
    do: str
    deployment: str = ""
    image: str = ""
    """A tag, or a whole reference."""
    replicas: int = 0
    cause: str = ""
    by: str = "ci"
    verb: str = ""
    resource: str = ""
    user: str = ""
    """Whose right is taken or given; "" is everybody's."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    teaches: str = ""
    steps: tuple[Step, ...] = ()
    images: tuple[Image, ...] = ()


def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load(name: str) -> Scenario:
    """A scenario of ours by name, or of somebody's by the path of its file."""
    path = Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ConfigError(f"There is no scenario {name!r}.", f"Known scenarios: {', '.join(names())}.", key="scenario")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}", "Mend the file.", file=str(path)) from error
    return Scenario(
        name=path.stem,
        title=str(data.get("title", path.stem)),
        teaches=str(data.get("teaches", "")),
        steps=tuple(_step(row, path.name) for row in data.get("step", ())),
        images=read_images(data.get("image", ()), path.name),
    )


def past() -> tuple[Step, ...]:
    path = Path(__file__).with_name("past.toml")
    return tuple(_step(row, path.name) for row in tomllib.loads(path.read_text(encoding="utf-8"))["step"])


def _step(row: Mapping[str, Any], file: str) -> Step:
    known = [each.name for each in fields(Step)]
    wrong = next((key for key in row if key not in known), "")
    if wrong or row.get("do") not in VERBS:
        what = f"unknown key {wrong!r}" if wrong else f"cannot do {row.get('do')!r}"
        hint = f"Keys: {', '.join(known)}. What can be done: {', '.join(VERBS)}."
        raise ConfigError(f"{file}: a [[step]] with {what}.", hint, file=file, key=wrong or "do")
    return Step(**row)
