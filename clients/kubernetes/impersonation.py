"""As whom a kubeconfig says we act (`as`, `as-groups`, …): left out, we would act with more rights than were meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from clients.kubernetes.credentials import is_header_safe
from domain.errors import ConfigError

Headers = tuple[tuple[str, str], ...]


def impersonation(user: Mapping[str, Any], error: Callable[[str, str, str], ConfigError]) -> Headers:
    """Headers as client-go's `transport.ImpersonationConfig` sends them; `error(key, what, hint)` names the place."""
    found: list[tuple[str, str, Any]] = [
        ("as", "Impersonate-User", user.get("as")),
        ("as-uid", "Impersonate-Uid", user.get("as-uid")),
    ]
    found += [("as-groups", "Impersonate-Group", group) for group in user.get("as-groups") or ()]
    extras = user.get("as-user-extra") or {}
    for name, values in extras.items() if isinstance(extras, dict) else ():
        header = "Impersonate-Extra-" + quote(str(name).lower(), safe="")
        found += [("as-user-extra", header, value) for value in values or ()]
    headers = []
    for key, header, value in found:
        if value is None or value == "":
            continue
        if not isinstance(value, str) or not is_header_safe(value):
            raise error(key, "must be plain text", "Write the name of the user or group there.")
        headers.append((header, value))
    if headers and headers[0][0] != "Impersonate-User":
        raise error("as", "is missing", "Groups are only impersonated together with a user.")
    return tuple(headers)
