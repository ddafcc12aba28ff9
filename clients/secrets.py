"""The one place that secrets come from: environment, then a command, then a keyring, then an encrypted file.

The first that has it counts. Nothing in here asks on a terminal, and no place is chosen behind a person's back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clients.secret_command import SecretCommand
from clients.secret_names import PREFIX, Secret, check_name, variable_of
from clients.secret_vaults import EncryptedFile, Keyring
from domain.errors import NotFoundError, OutsideError, QuarterdeckError, RefusedError

SYSTEM = "secrets"
KNOWN = ("prometheus",)
"""Names that something asks for, beside registry/HOST."""


@dataclass(frozen=True, slots=True)
class Found:
    secret: Secret
    where: str
    """ "the keyring (secret service)"."""


@dataclass(frozen=True, slots=True)
class PlaceState:
    """One of the places, in their order. `is_usable` with what it is, or why it is not."""

    name: str
    is_usable: bool
    words: str
    is_wanted: bool = True
    """Configured, or there by itself: worth a warning where it cannot be used."""


class Place(Protocol):
    """Raises OutsideError where it should work and does not."""

    name: str

    def why_not(self) -> str:
        """Why it cannot be used here; "" where it can. Asks nobody anything."""
        ...

    @property
    def words(self) -> str: ...
    @property
    def is_wanted(self) -> bool: ...
    async def get(self, name: str) -> Secret | None: ...


class Vault(Place, Protocol):
    """A place that can be written to."""

    async def set(self, name: str, secret: Secret) -> None: ...
    async def remove(self, name: str) -> bool:
        """False: it was not there."""
        ...


class Environment:
    """$QUARTERDECK_SECRET_<NAME>: for systemd's credentials, containers and CI."""

    name = "environment"
    words = f"variables called {PREFIX}…"
    is_wanted = True

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def why_not(self) -> str:
        return ""

    @property
    def count(self) -> int:
        return sum(key.startswith(PREFIX) for key in self._environ)

    async def get(self, name: str) -> Secret | None:
        value = self._environ.get(variable_of(name), "")
        return Secret(value) if value else None


class Secrets:
    """`folder` is the user's own for state: names are listed there, never values."""

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = (),
        keyring: str = "",
        file: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._environment = Environment(environ)
        self._command = SecretCommand(command, environ)
        self._vaults: tuple[Vault, ...] = (
            Keyring(keyring, environ),
            EncryptedFile(Path(file).expanduser() if file else folder / "secrets.cfg", environ, is_wanted=bool(file)),
        )
        self._names = folder / "secret-names"

    @property
    def places(self) -> tuple[Place, ...]:
        return (self._environment, self._command, *self._vaults)

    def states(self) -> tuple[PlaceState, ...]:
        return tuple(PlaceState(p.name, not p.why_not(), p.why_not() or p.words, p.is_wanted) for p in self.places)

    async def find(self, name: str) -> Found | None:
        """None: no place has it. OutsideError: one cannot be asked; where it was configured those after it are not, because
        another value than the wanted one could be in them."""
        check_name(name)
        trouble: OutsideError | None = None
        for place in self.places:
            try:
                secret = None if place.why_not() else await place.get(name)
            except OutsideError as error:
                if place.is_wanted:
                    raise
                trouble = trouble or error
                continue
            if secret is not None:
                return Found(secret, f"{place.name} ({place.words})")
        if trouble is not None:
            raise trouble
        return None

    async def get(self, name: str) -> Secret:
        """NotFoundError says where it could be put."""
        found = await self.find(name)
        if found is None:
            raise NotFoundError(
                f"There is no secret {name!r}",
                f"`quarterdeck secret set {name}`, or {variable_of(name)} in the environment.",
                system=SYSTEM,
            )
        return found.secret

    async def set(self, name: str, secret: Secret) -> str:
        """Where it was put. RefusedError where no place can be written to."""
        vault = self._vault(check_name(name))
        await vault.set(name, secret)
        self._remember({*self.names(), name})
        return f"{vault.name} ({vault.words})"

    async def remove(self, name: str) -> tuple[str, ...]:
        """The places it was taken from."""
        check_name(name)
        usable = [vault for vault in self._vaults if not vault.why_not()]
        removed = [vault.name for vault in usable if await vault.remove(name)]
        self._remember(set(self.names()) - {name})
        return tuple(removed)

    def names(self) -> tuple[str, ...]:
        """Those that were set on this host."""
        try:
            lines = self._names.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return ()
        return tuple(sorted({line for line in lines if _is_name(line)}))

    def _vault(self, name: str) -> Vault:
        for vault in self._vaults:
            if not vault.why_not():
                return vault
        why = "; ".join(f"{vault.name}: {vault.why_not()}" for vault in self._vaults)
        raise RefusedError(
            f"No place on this host can keep it: {why}.",
            f"Put it into {variable_of(name)}, or name a command in `[secrets]` of quarterdeck.toml.",
        )

    def _remember(self, names: Iterable[str]) -> None:
        """The list only helps to list: it is nothing to fail for."""
        text = "".join(f"{name}\n" for name in sorted(names))
        beside = self._names.with_suffix(".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            beside.replace(self._names)
        except OSError:
            return


def _is_name(text: str) -> bool:
    try:
        return bool(check_name(text))
    except QuarterdeckError:
        return False
