"""Who we say we are: every kind of user a kubeconfig knows, as one Authorization header that can be renewed once.

A credential is shared by threads (the first page is read before there is an event loop), so it blocks and locks; the
event loop asks it in a thread wherever `is_instant` is False. No secret is ever in a repr or an error.
"""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path

from domain.errors import ConfigError

_TOKEN_FILE_KEPT_S = 60.0
"""client-go's `cachingTokenSource`: a token file is read again after a minute at the latest."""


class Credential:
    """Subclasses implement `_obtain`. The header is kept until somebody says that the server refused it."""

    is_instant = True
    """False: getting the header may take seconds (a plugin runs, another server is asked)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._header = ""
        self._keep_until = 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def authorization(self) -> str:
        """The Authorization header, "" for none. Blocks where not `is_instant`. UnauthorizedError or ConfigError."""
        with self._lock:
            if time.monotonic() >= self._keep_until:
                self._header, kept_s = self._obtain()
                self._keep_until = time.monotonic() + kept_s
            return self._header

    def forget(self, refused: str) -> bool:
        """The server refused this header (401). True where asking again may give another one.

        Of many requests refused with the same header, the first one makes the next `authorization` renew it; the others
        find that it has been renewed meanwhile.
        """
        with self._lock:
            if self._header == refused:
                self._keep_until = 0.0
            return True

    def client_certificate(self) -> tuple[str, str] | None:
        """(certificate, key) as PEM where the credential is one; call after `authorization`."""
        return None

    def close(self) -> None:
        """The program ends: nothing that was started for this credential may be left running."""

    def _obtain(self) -> tuple[str, float]:
        """(header, seconds for which it may be kept)."""
        raise NotImplementedError


class Anonymous(Credential):
    """Nothing is sent: the context names no user, or the client certificate says it all."""

    def authorization(self) -> str:
        return ""

    def forget(self, refused: str) -> bool:
        return False


class StaticToken(Credential):
    def __init__(self, token: str) -> None:
        super().__init__()
        self._header = f"Bearer {token}"

    def authorization(self) -> str:
        return self._header

    def forget(self, refused: str) -> bool:
        return False


class BasicAuth(StaticToken):
    def __init__(self, username: str, password: str) -> None:
        super().__init__("")
        self._header = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class TokenFile(Credential):
    """Read again once a minute and after a refusal: whoever writes the file may have rotated it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def _obtain(self) -> tuple[str, float]:
        try:
            token = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The token file {self._path} cannot be read: {_why(error)}",
                "Put the token back, or name another file in the kubeconfig (users[].user.tokenFile).",
                file=str(self._path),
                key="tokenFile",
            ) from error
        if not token or not is_header_safe(token):
            raise ConfigError(
                f"The token file {self._path} holds no token",
                "Write the bearer token into it, alone on one line.",
                file=str(self._path),
                key="tokenFile",
            )
        return f"Bearer {token}", _TOKEN_FILE_KEPT_S


def is_header_safe(token: str) -> bool:
    """Whether it can stand in a header as it is: a line break in a token would begin a header of its own."""
    return token.isascii() and token.isprintable()


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not text"
