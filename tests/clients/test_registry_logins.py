"""References as Docker reads them, and logins as docker and podman leave them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from clients.registry import parse_reference
from clients.registry_logins import Login, docker_login
from domain.errors import ConfigError

DIGEST = "sha256:" + "a" * 64
AUTH = base64.b64encode(b"ops:hunter2:x").decode()


@pytest.mark.parametrize(
    ("text", "whole", "address"),
    [
        ("nginx", "docker.io/library/nginx:latest", "registry-1.docker.io"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "registry-1.docker.io"),
        ("shop/backend", "docker.io/shop/backend:latest", "registry-1.docker.io"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", "registry-1.docker.io"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest", "registry-1.docker.io"),
        ("ghcr.io/shop/backend:v1", "ghcr.io/shop/backend:v1", "ghcr.io"),
        ("localhost/backend:v1", "localhost/backend:v1", "localhost"),
        ("jump1:5000/backend", "jump1:5000/backend:latest", "jump1:5000"),
        (f"ghcr.io/a/b/c@{DIGEST}", f"ghcr.io/a/b/c@{DIGEST}", "ghcr.io"),
        (f"ghcr.io/a/b:v1@{DIGEST}", f"ghcr.io/a/b@{DIGEST}", "ghcr.io"),
    ],
)
def test_what_is_left_out_is_filled_in(text: str, whole: str, address: str) -> None:
    image = parse_reference(text)
    assert (str(image), image.address) == (whole, address)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":v1", "a b", "Shop/backend", "shop/../x", "shop//x", "x@sha256:12", "x:v1/..", "http://ghcr.io/x"),
        *("ghcr.io/x:v 1", "ghcr.io/\r\nx", "x@md5:" + "a" * 32, "ghcr.io/" + "a" * 300, "user:pw@ghcr.io/x"),
        "gh\x1bcr.io/x",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_reference(text)
    assert caught.value.message.isprintable()


def put(home: Path, config: Any) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))


@pytest.mark.parametrize(
    ("config", "host", "login"),
    [
        ({"auths": {"ghcr.io": {"auth": AUTH}}}, "ghcr.io", Login("ops", "hunter2:x")),
        ({"auths": {"https://ghcr.io/v1/": {"auth": AUTH}}}, "ghcr.io", Login("ops", "hunter2:x")),
        ({"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}}, "docker.io", Login("ops", "hunter2:x")),
        ({"auths": {"ghcr.io": {"username": "ops", "password": "p"}}}, "ghcr.io", Login("ops", "p")),
        ({"auths": {"ghcr.io": {"identitytoken": "t"}}}, "ghcr.io", Login(identity_token="t")),
        ({"auths": {"ghcr.io": {"auth": AUTH}}}, "quay.io", None),
        ({"auths": {"ghcr.io": {}}}, "ghcr.io", None),
        ({"auths": {"ghcr.io": {"auth": "%%%"}}}, "ghcr.io", None),
        ({"auths": []}, "ghcr.io", None),
        ({"credsStore": "../../bin/sh"}, "ghcr.io", None),
        ({"credsStore": "not-installed", "auths": {"ghcr.io": {"auth": AUTH}}}, "ghcr.io", Login("ops", "hunter2:x")),
        ("{", "ghcr.io", None),
        ("[]", "ghcr.io", None),
    ],
    ids=str,
)
async def test_what_docker_login_left_is_found(home: Path, config: Any, host: str, login: Login | None) -> None:
    put(home, config)
    assert await docker_login(host) == login


async def test_without_any_file_nobody_is_known() -> None:
    assert await docker_login("ghcr.io") is None


async def test_podmans_file_and_one_that_is_named_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, {"auths": {"ghcr.io": {"username": "docker", "password": "p"}}})
    for variable, name, path in (
        ("XDG_RUNTIME_DIR", "podman", home / "run" / "containers" / "auth.json"),
        ("REGISTRY_AUTH_FILE", "named", home / "named.json"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        hosts = ("quay.io", "ghcr.io")
        path.write_text(json.dumps({"auths": {host: {"username": name, "password": "p"} for host in hosts}}))
        monkeypatch.setenv(variable, str(home / "run" if name == "podman" else path))
        assert await docker_login("quay.io") == Login(name, "p")
        assert await docker_login("ghcr.io") == Login("docker" if name == "podman" else "named", "p")


HELPER = """#!/bin/sh
read -r server
[ "$1" = get ] || exit 9
case "$server" in
  ghcr.io) echo '{"ServerURL":"ghcr.io","Username":"ops","Secret":"from-helper"}';;
  azure.example.test) echo '{"Username":"<token>","Secret":"refresh"}';;
  slow.example.test) sleep 60;;
  junk.example.test) echo 'Please log in: '; ;;
  *) echo "credentials not found in native keychain"; exit 1;;
esac
"""


@pytest.mark.parametrize(
    ("config", "host", "login"),
    [
        ({"credsStore": "practice"}, "ghcr.io", Login("ops", "from-helper")),
        ({"credHelpers": {"azure.example.test": "practice"}}, "azure.example.test", Login(identity_token="refresh")),
        ({"credHelpers": {"azure.example.test": "practice"}}, "ghcr.io", None),
        ({"credsStore": "practice"}, "quay.io", None),
        ({"credsStore": "practice"}, "junk.example.test", None),
        ({"credsStore": "practice"}, "slow.example.test", None),
    ],
    ids=str,
)
async def test_credential_helpers_are_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch, config: Any, host: str, login: Login | None
) -> None:
    put(home, config)
    helper = home / "docker-credential-practice"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=":")
    monkeypatch.setattr("clients.registry_logins.HELPER_S", 0.5)
    assert await docker_login(host) == login


def test_nothing_of_a_login_gets_into_a_trace() -> None:
    assert "hunter2" not in repr(Login("ops", "hunter2", "hunter2"))
