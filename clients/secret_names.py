"""What secrets are called, here and in the environment, and how one is carried so that nothing shows it by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from domain.errors import ConfigError
from domain.sanitise import sanitise

PREFIX = "QUARTERDECK_SECRET_"
FILE_KEY = "QUARTERDECK_SECRETS_KEY"
"""What the encrypted file is opened with."""
MOST_BYTES = 65536
_NAME = re.compile(r"[a-z0-9]([a-z0-9._:/-]{0,198}[a-z0-9])?")
HIDDEN = "•••"
_revealed: set[str] = set()
_SHORTEST_HIDDEN = 6
"""A shorter one would be found in half of all words."""


class Secret:
    """A value that no `print`, log, traceback or encoder shows: `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """To be handed to whatever asks for it, and kept nowhere."""
        _revealed.add(self._value)
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


def check_name(name: str) -> str:
    """The name, if it is one: "prometheus", "registry/ghcr.io". ConfigError."""
    if _NAME.fullmatch(name):
        return name
    raise ConfigError(
        f"{sanitise(repr(name), 80)} is not a secret's name.",
        "Lower-case letters, digits and . : / - in between: `prometheus`, `registry/registry.example.com:5000`.",
    )


def variable_of(name: str) -> str:
    """ "registry/ghcr.io" -> QUARTERDECK_SECRET_REGISTRY_GHCR_IO."""
    return PREFIX + re.sub(r"[^A-Z0-9]", "_", name.upper())


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What another program may be told."""
    return {key: text for key, text in environ.items() if not key.startswith(PREFIX) and key != FILE_KEY}


def hide(text: str) -> str:
    """Without any secret that was used in this process, wherever it may have got into."""
    for value in sorted(_revealed, key=len, reverse=True):
        if len(value) >= _SHORTEST_HIDDEN:
            text = text.replace(value, HIDDEN)
    return text
