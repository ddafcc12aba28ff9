"""Secrets: where they come from, in which order, and that none of them is ever seen."""

from __future__ import annotations

import json
import os
import pickle
import pty
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.report_error import redact
from clients.registry_logins import Login
from clients.secret_command import SecretCommand
from clients.secret_logins import registry_logins
from clients.secret_names import FILE_KEY, Secret, check_name, variable_of, without_secrets
from clients.secret_vaults import Keyring
from clients.secrets import Secrets
from domain.errors import ConfigError, NotFoundError, OutsideError, RefusedError
from tests.app.command import COMMAND, environment, practice, quarterdeck

CANARY = "canary-secret-4f1d9b"
needs_keyring = pytest.mark.skipif(find_spec("keyring") is None, reason="keyring is not installed")
needs_cryptfile = pytest.mark.skipif(
    find_spec("keyring") is None or find_spec("keyrings") is None or find_spec("keyrings.cryptfile") is None,
    reason="keyrings.cryptfile is not installed",
)


def piped(*arguments: str, home: Path, value: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "secret", *arguments],
        env=environment(home, **more),
        cwd=home,
        input=value,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def printing(folder: Path, value: str) -> list[str]:
    """A command that knows one secret, complains with it, and says it."""
    script = folder / "vault"
    script.write_text(f"#!/bin/sh\necho 'about {value}' >&2\n[ \"$1\" = prometheus ] && echo '{value}'\nexit 0\n")
    script.chmod(0o755)
    return [str(script), "{name}"]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# ── what a secret is ────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_is_shown_by_nothing() -> None:
    secret = Secret(CANARY)

    shown = f"{secret} {secret!r} {[secret]} {secret!s:>20} %s" % secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)

    assert CANARY not in shown
    assert secret == Secret(CANARY)
    assert secret.reveal() == CANARY


def test_what_was_used_is_taken_out_of_every_log() -> None:
    Secret("v2lk-used-once-0a").reveal()

    assert redact("GET / failed with v2lk-used-once-0a!") == "GET / failed with •••!"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("prometheus", "QUARTERDECK_SECRET_PROMETHEUS"),
        ("registry/ghcr.io", "QUARTERDECK_SECRET_REGISTRY_GHCR_IO"),
        ("registry/10.0.0.1:5000", "QUARTERDECK_SECRET_REGISTRY_10_0_0_1_5000"),
    ],
)
def test_names_and_their_variables(name: str, variable: str) -> None:
    assert variable_of(check_name(name)) == variable


@pytest.mark.parametrize("name", ["", "A", "../x", "x y", "x\n", "-x", "x" * 300, "{name}", "a=b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ConfigError):
        check_name(name)


def test_other_programs_are_told_none() -> None:
    environ = {"PATH": "/bin", "QUARTERDECK_SECRET_X": CANARY, FILE_KEY: CANARY}

    assert without_secrets(environ) == {"PATH": "/bin"}


# ── where they come from ────────────────────────────────────────────────────────────────────────────────────


async def test_the_environment_comes_before_the_command(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], variable_of("prometheus"): "from-environment"}
    command = printing(tmp_path, "from-command")

    both = await Secrets(tmp_path, command=command, environ=environ).find("prometheus")
    one = await Secrets(tmp_path, command=command, environ={"PATH": os.environ["PATH"]}).find("prometheus")

    assert both is not None and both.secret.reveal() == "from-environment"
    assert one is not None and one.secret.reveal() == "from-command"


async def test_nothing_anywhere_says_where_to_put_it(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, environ={})

    assert await secrets.find("prometheus") is None
    with pytest.raises(NotFoundError) as error:
        await secrets.get("prometheus")
    assert "quarterdeck secret set prometheus" in error.value.hint
    assert "QUARTERDECK_SECRET_PROMETHEUS" in error.value.hint


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "ended with 3"),
        ("sleep 60", "has not answered within"),
        ("head -c 200000 /dev/zero", "prints more than"),
        ("printf '\\377\\376'", "does not print UTF-8"),
    ],
)
async def test_a_command_that_fails_says_how_and_no_more(script: str, says: str) -> None:
    command = SecretCommand(["sh", "-c", f"echo {CANARY} >&2; {script}"], dict(os.environ), limit_s=0.5)
    with pytest.raises(OutsideError, match=says) as error:
        await command.get("prometheus")
    assert "Run it in a shell" in error.value.hint


async def test_a_registry_is_logged_in_to_with_its_secret_else_as_docker_does(tmp_path: Path) -> None:
    async def docker(host: str) -> Login | None:
        return Login("docker", host)

    environ = {variable_of("registry/ghcr.io"): f"ci:{CANARY}", variable_of("registry/quay.io"): CANARY}
    logins = registry_logins(Secrets(tmp_path, environ=environ), docker)

    assert await logins("ghcr.io") == Login("ci", CANARY)
    assert await logins("quay.io") == Login(identity_token=CANARY)
    assert await logins("docker.io") == Login("docker", "docker.io")
    assert CANARY not in repr(await logins("ghcr.io"))


# ── keyring and file ────────────────────────────────────────────────────────────────────────────────────────


@needs_keyring
@pytest.mark.parametrize(
    ("wanted", "environ", "why"),
    [
        ("", {}, "DBUS_SESSION_BUS_ADDRESS is not set"),
        ("none", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}, "switched off"),
        ("secret-service", {}, "DBUS_SESSION_BUS_ADDRESS is not set"),
        ("", {"PYTHON_KEYRING_BACKEND": "keyring.backends.chainer.ChainerBackend"}, "asks on the terminal"),
        ("", {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}, "keeps nothing"),
        ("", {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}, "keeps nothing"),
    ],
)
def test_a_keyring_that_cannot_be_used_is_known_before_it_is_asked(wanted: str, environ: dict[str, str], why: str) -> None:
    assert why in Keyring(wanted, environ).why_not()


@needs_keyring
@pytest.mark.parametrize(
    ("wanted", "environ"),
    [
        ("secret-service", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}),
        ("", {"PYTHON_KEYRING_BACKEND": "no.such.Backend"}),
    ],
)
async def test_a_keyring_that_does_not_answer_is_said_so(wanted: str, environ: dict[str, str]) -> None:
    with pytest.raises(OutsideError) as error:
        await Keyring(wanted, environ, limit_s=10).set("prometheus", Secret(CANARY))
    assert CANARY not in str(error.value) + error.value.hint


@needs_cryptfile
async def test_the_encrypted_file_keeps_it_and_shows_nothing(tmp_path: Path) -> None:
    environ = {FILE_KEY: "a long enough key"}
    secrets = Secrets(tmp_path, environ=environ)

    assert "encrypted file" in await secrets.set("registry/ghcr.io", Secret(f"ci:{CANARY}"))
    found = await Secrets(tmp_path, environ=environ).find("registry/ghcr.io")

    assert found is not None and found.secret.reveal() == f"ci:{CANARY}"
    assert secrets.names() == ("registry/ghcr.io",)
    kept = files_in(tmp_path)
    assert not [p for p in kept if CANARY.encode() in p.read_bytes()]
    assert {p.stat().st_mode & 0o077 for p in kept} == {0}
    with pytest.raises(OutsideError, match="the key does not open it"):
        await Secrets(tmp_path, environ={FILE_KEY: "another"}).find("registry/ghcr.io")
    assert await secrets.remove("registry/ghcr.io") == ("encrypted file",)
    assert await secrets.find("registry/ghcr.io") is None


async def test_where_nothing_can_keep_it_it_is_refused_with_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No place on this host can keep it") as error:
        await Secrets(tmp_path, keyring="none", environ={}).set("prometheus", Secret(CANARY))
    assert "QUARTERDECK_SECRET_PROMETHEUS" in error.value.hint


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_is_never_an_argument(tmp_path: Path) -> None:
    answer = quarterdeck("secret", "set", "prometheus", CANARY, home=tmp_path)

    assert answer.code == 2


def test_typing_it_does_not_show_it(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(tmp_path)
        os.execvpe(sys.executable, [*COMMAND, "secret", "set", "prometheus"], environment(tmp_path))
    seen, is_typed, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            break
        if b"(not shown)" in seen and not is_typed:
            is_typed = True
            os.write(terminal, CANARY.encode() + b"\n")
    os.waitpid(pid, 0)
    os.close(terminal)

    assert is_typed
    assert CANARY.encode() not in seen
    assert b"kept in" in seen or b"No place on this host can keep it" in seen


def test_no_output_and_no_file_ever_shows_a_secret(home: Path, tmp_path: Path) -> None:
    """Planted wherever a secret can be, and every command run that could show it."""
    command = printing(tmp_path, CANARY)
    (home / "quarterdeck.toml").write_text(f"[secrets]\ncommand = {json.dumps(command)}\n")
    planted = {variable_of("registry/ghcr.io"): f"ci:{CANARY}", "QUARTERDECK_SECRET_LONE": CANARY, FILE_KEY: CANARY}
    told = []
    with practice("healthy", home) as kubeconfig:
        known = {"KUBECONFIG": kubeconfig, **planted}
        told.append(quarterdeck("trust", home=home, cwd=home, **known))
        for arguments in (
            ("secret", "list"),
            ("secret", "test", "prometheus"),
            ("secret", "test", "registry/ghcr.io"),
            ("secret", "test", "unknown"),
            ("secret", "rm", "registry/ghcr.io"),
            ("doctor",),
            ("doctor", "-o", "json"),
            ("status",),
            ("deploy", "shop-web", "--image", "v9", "--dry-run"),
            ("secret", "set", "prometheus"),
        ):
            told.append(quarterdeck(*arguments, home=home, cwd=home, **known))
        code, text = piped("set", "prometheus", home=home, value=f"{CANARY}\n", **known)
    spoken = text + "".join(answer.out + answer.err for answer in told)

    assert CANARY not in spoken
    assert "registry/ghcr.io: found in the environment" in spoken
    assert "prometheus: found in the command" in spoken
    assert "QUARTERDECK_SECRET_LONE: in the environment" in spoken
    assert "Traceback" not in spoken
    assert code in (0, 3), text
    assert not [p for p in files_in(home) if CANARY.encode() in p.read_bytes()]
