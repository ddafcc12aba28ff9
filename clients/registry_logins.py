"""Who we are to an image registry: what `docker login` and `podman login` have left, and their credential helpers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

DOCKER_HUB = "docker.io"
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HELPER_S = 10.0
_MOST_BYTES = 2**20
_TOKEN_USER = "<token>"
"""A helper's user name where its secret is an identity token (docker/cli, config/types)."""


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, or an identity token (OAuth 2 refresh token). None of it is ever shown."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


Logins = Callable[[str], Awaitable[Login | None]]
"""Host (with its port, "docker.io" for Docker Hub) -> who we are there; None: nobody, ask anonymously."""


async def docker_login(host: str) -> Login | None:
    """From $REGISTRY_AUTH_FILE, Docker's config.json, podman's auth.json: the first that knows the host. What cannot be
    read is passed over: the registry then says what it misses."""
    keys = _HUB_KEYS if host == DOCKER_HUB else (host, f"https://{host}", f"https://{host}/", f"https://{host}/v1/")
    for path in _files():
        config = _read(path)
        helper = _helper_for(config, keys)
        found = await _ask_helper(helper, keys[0]) if helper else None
        found = found or _stored(config, keys)
        if found is not None:
            return found
    return None


def _files() -> list[Path]:
    docker = os.environ.get("DOCKER_CONFIG")
    files = [Path(docker) if docker else Path.home() / ".docker"]
    paths = [folder / "config.json" for folder in files]
    if own := os.environ.get("REGISTRY_AUTH_FILE"):
        paths.insert(0, Path(own))
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        paths.append(Path(runtime) / "containers" / "auth.json")
    return paths


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        with path.open("rb") as file:
            config = msgspec.json.decode(file.read(_MOST_BYTES))
        if isinstance(config, dict):
            return config
    return {}


def _helper_for(config: dict[str, Any], keys: tuple[str, ...]) -> str:
    helpers = config.get("credHelpers")
    named = next((helpers[key] for key in keys if key in helpers), None) if isinstance(helpers, dict) else None
    helper = named or config.get("credsStore") or ""
    return helper if isinstance(helper, str) and _HELPER.fullmatch(helper) else ""


def _stored(config: dict[str, Any], keys: tuple[str, ...]) -> Login | None:
    auths = config.get("auths")
    entry = next((auths[key] for key in keys if key in auths), None) if isinstance(auths, dict) else None
    if not isinstance(entry, dict):
        return None
    if token := entry.get("identitytoken"):
        return Login(identity_token=str(token))
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if packed := entry.get("auth"):
        with contextlib.suppress(binascii.Error, UnicodeDecodeError, ValueError):
            user, _, password = base64.b64decode(str(packed)).decode().rstrip("\0").partition(":")
    return Login(user, password) if user and password else None


async def _ask_helper(helper: str, server: str) -> Login | None:
    """`docker-credential-NAME get`: the server on stdin, {"Username", "Secret"} on stdout."""
    try:
        process = await asyncio.create_subprocess_exec(
            f"docker-credential-{helper}",
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(server.encode()), HELPER_S)
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode:
        return None
    try:
        answer = msgspec.json.decode(output[:_MOST_BYTES], type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    user, secret = answer.get("Username", ""), answer.get("Secret", "")
    if not secret:
        return None
    return Login(identity_token=secret) if user == _TOKEN_USER else Login(user, secret)
