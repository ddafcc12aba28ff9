"""What containers do is decided by their image: a table of patterns, from images.toml and from the scenario."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from domain.errors import ConfigError

OUTCOMES = ("runs", "never-ready", "exits", "not-found", "no-config")


@dataclass(frozen=True, slots=True)
class Image:
    """One row. Times are practice seconds, pairs are the least and the most. `match` is a shell pattern over the whole
    reference; `errors` is the share of requests answered with 5xx, `p95_s` the time that 95 % of them stay under."""

    match: str
    outcome: str = "runs"
    pull_s: tuple[float, float] = (0.5, 1.5)
    ready_s: tuple[float, float] = (0.5, 1.5)
    stop_s: tuple[float, float] = (0.6, 1.4)
    exit_code: int = 0
    exit_reason: str = ""
    exit_after_s: float = 1.0
    message: str = ""
    log: tuple[str, ...] = ()
    last_words: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    errors: float = 0.002
    p95_s: float = 0.18
    cpu_m: int = 120
    memory_mib: int = 180

    @property
    def reason(self) -> str:
        return self.exit_reason or ("Completed" if self.exit_code == 0 else "Error")


def read_images(rows: Sequence[Mapping[str, Any]], file: str) -> tuple[Image, ...]:
    return tuple(_image(row, file) for row in rows)


def _image(row: Mapping[str, Any], file: str) -> Image:
    known = {each.name for each in fields(Image)}
    unknown = sorted(set(row) - known)
    if unknown or "match" not in row:
        key = unknown[0] if unknown else "match"
        raise ConfigError(
            f"{file}: an [[image]] with an unknown or missing key: {key}",
            f"Known keys: {', '.join(sorted(known))}.",
            file=file,
            key=key,
        )
    if row.get("outcome", "runs") not in OUTCOMES:
        raise ConfigError(
            f"{file}: unknown outcome {row['outcome']!r}", f"It is one of {', '.join(OUTCOMES)}.", file=file, key="outcome"
        )
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Image(**values)


def known_images() -> tuple[Image, ...]:
    path = Path(__file__).with_name("images.toml")
    return read_images(tomllib.loads(path.read_text(encoding="utf-8"))["image"], path.name)


class Registry:
    """First match wins; the scenario's rows stand before the known ones."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = tuple(images)
        self._found: dict[str, Image] = {}

    def find(self, reference: str) -> Image:
        found = self._found.get(reference)
        if found is None:
            found = next((each for each in self._images if fnmatchcase(reference, each.match)), _NOWHERE)
            self._found[reference] = found
        return found


_NOWHERE = Image("*", outcome="not-found")


def digest_of(reference: str) -> str:
    return f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


def image_id(reference: str) -> str:
    """`repository@sha256:…`, as containerd reports what really runs."""
    repository = reference.partition("@")[0]
    head, _, tag = repository.rpartition(":")
    return f"{head if head and '/' not in tag else repository}@{digest_of(reference)}"


def version_of(reference: str) -> str:
    tail = reference.rpartition("/")[2]
    return tail.partition(":")[2].partition("@")[0] or "latest"
