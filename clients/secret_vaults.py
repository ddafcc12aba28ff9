"""Where secrets are kept on this host: a keyring that is named, never the one that `keyring` would choose; a file."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from clients.kubernetes.daemon_threads import call_in_daemon_thread
from clients.secret_names import FILE_KEY, Secret
from domain.errors import OutsideError
from domain.sanitise import sanitise

SERVICE = "quarterdeck"
BACKENDS = {
    "secret-service": ("keyring.backends.SecretService.Keyring", "secret service"),
    "kwallet": ("keyring.backends.kwallet.DBusKeyring", "KWallet"),
    "macos": ("keyring.backends.macOS.Keyring", "keychain"),
}
"""What `secrets.keyring` may say, beside "none"."""
_REFUSED = ("chainer.", "fail.", "null.")
"""Of $PYTHON_KEYRING_BACKEND: the chainer asks for passwords on the terminal, the others keep nothing."""
_CALL_S = 60.0
"""A keyring may ask its owner to unlock it, in a window of its own."""
T = TypeVar("T")


class Keyring:
    """Every call is made in a thread that nobody has to wait for: D-Bus blocks for as long as a person thinks."""

    name = "keyring"

    def __init__(self, wanted: str, environ: Mapping[str, str], *, limit_s: float = _CALL_S) -> None:
        """`wanted`: a key of BACKENDS, "none", or "": as $PYTHON_KEYRING_BACKEND says, else the desktop's."""
        self._wanted = wanted
        self._environ = environ
        self._limit_s = limit_s
        self._backend: Any = None

    @property
    def is_wanted(self) -> bool:
        return self._wanted not in ("", "none")

    @property
    def words(self) -> str:
        chosen = self._chosen()
        return next((title for path, title in BACKENDS.values() if path == chosen), sanitise(chosen, 100))

    def why_not(self) -> str:
        if self._wanted == "none":
            return "switched off in `secrets.keyring`"
        if find_spec("keyring") is None:
            return "the package `keyring` is not installed"
        chosen = self._chosen()
        if not chosen:
            return "no desktop session here (DBUS_SESSION_BUS_ADDRESS is not set)"
        if any(chosen.startswith(f"keyring.backends.{name}") for name in _REFUSED):
            return f"{sanitise(chosen, 100)} keeps nothing, or asks on the terminal"
        if "SecretService" in chosen and not self._environ.get("DBUS_SESSION_BUS_ADDRESS"):
            return "no secret service to talk to (DBUS_SESSION_BUS_ADDRESS is not set)"
        return ""

    async def get(self, name: str) -> Secret | None:
        value = await self._call(lambda backend: backend.get_password(SERVICE, name))
        return Secret(str(value)) if value else None

    async def set(self, name: str, secret: Secret) -> None:
        await self._call(lambda backend: backend.set_password(SERVICE, name, secret.reveal()))
        if await self.get(name) != secret:
            raise _trouble(self.words, "it took the secret, and does not have it")

    async def remove(self, name: str) -> bool:
        if await self.get(name) is None:
            return False
        await self._call(lambda backend: backend.delete_password(SERVICE, name))
        return True

    def _chosen(self) -> str:
        """The dotted name of the backend's class; "" for none."""
        if self._wanted:
            return BACKENDS[self._wanted][0] if self._wanted in BACKENDS else ""
        if named := self._environ.get("PYTHON_KEYRING_BACKEND"):
            return named
        if sys.platform == "darwin":
            return BACKENDS["macos"][0]
        return BACKENDS["secret-service"][0] if self._environ.get("DBUS_SESSION_BUS_ADDRESS") else ""

    async def _call(self, call: Callable[[Any], T]) -> T:
        return await _in_time(lambda: call(self._opened()), self.words, self._limit_s)

    def _opened(self) -> Any:
        if self._backend is None:
            module, _, name = self._chosen().rpartition(".")
            self._backend = getattr(importlib.import_module(module), name)()
        return self._backend


class EncryptedFile:
    """`keyrings.cryptfile` (Argon2id, AES-GCM), opened with $QUARTERDECK_SECRETS_KEY. Used where that package is
    installed: nothing in here does cryptography of its own."""

    name = "encrypted file"

    def __init__(self, path: Path, environ: Mapping[str, str], *, is_wanted: bool, limit_s: float = _CALL_S) -> None:
        self._path = path
        self._environ = environ
        self._limit_s = limit_s
        self.is_wanted = is_wanted

    @property
    def words(self) -> str:
        return sanitise(str(self._path), 200)

    def why_not(self) -> str:
        # Not by its full name: that would import the package above it.
        if find_spec("keyrings") is None or find_spec("keyrings.cryptfile") is None:
            return "the package `keyrings.cryptfile` is not installed"
        if not self._environ.get(FILE_KEY):
            return f"{FILE_KEY}, which opens it, is not set"
        return ""

    async def get(self, name: str) -> Secret | None:
        if not self._path.exists():
            return None
        value = await self._call(lambda store: store.get_password(SERVICE, name))
        return Secret(str(value)) if value else None

    async def set(self, name: str, secret: Secret) -> None:
        await self._call(lambda store: store.set_password(SERVICE, name, secret.reveal()))
        if await self.get(name) != secret:
            raise _trouble(self.words, "it took the secret, and does not have it")

    async def remove(self, name: str) -> bool:
        if await self.get(name) is None:
            return False
        await self._call(lambda store: store.delete_password(SERVICE, name))
        return True

    async def _call(self, call: Callable[[Any], T]) -> T:
        return await _in_time(lambda: call(self._opened()), self.words, self._limit_s)

    def _opened(self) -> Any:
        store = importlib.import_module("keyrings.cryptfile.cryptfile").CryptFileKeyring()
        store.file_path = str(self._path)
        store.keyring_key = self._environ[FILE_KEY]
        return store


async def _in_time(call: Callable[[], T], what: str, limit_s: float) -> T:
    """Whatever the backend raises becomes one sentence: no text of theirs, which might quote the secret."""
    try:
        async with asyncio.timeout(limit_s):
            return await call_in_daemon_thread(call)
    except TimeoutError:
        raise _trouble(what, f"no answer within {limit_s:g} s; is it waiting to be unlocked?") from None
    except Exception as error:  # noqa: BLE001 - third-party backends raise anything: RuntimeError, EOFError, ValueError
        raise _trouble(what, _REASONS.get(type(error).__name__, type(error).__name__)) from None


_REASONS = {
    "KeyringLocked": "it is locked",
    "InitError": "it cannot be opened",
    "NoKeyringError": "no backend works here",
    "PasswordSetError": "it does not take the secret",
    "PasswordDeleteError": "it does not let go of the secret",
    "ValueError": "the key does not open it",
    "ModuleNotFoundError": "that backend is not installed",
    "RuntimeError": "its service does not answer",
}


def _trouble(what: str, why: str) -> OutsideError:
    hint = "Unlock it, or use another place: `quarterdeck secret list` shows them in their order."
    return OutsideError(f"{what}: {why}", hint, system="secrets")
