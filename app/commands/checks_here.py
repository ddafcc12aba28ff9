"""What can be said without a cluster: the terminal, this host, and the files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from app.commands.checks import Check, State, failed, good, warning
from app.config import Config
from app.require_terminal import LEAST_COLUMNS, LEAST_ROWS, require_terminal
from domain.errors import ConfigError
from domain.sanitise import sanitise
from domain.scope import Scope


def configuration_checks(config: Config) -> Iterator[Check]:
    group = "configuration"
    if not config.file:
        yield good(group, "quarterdeck.toml", "none: the kubeconfig decides (`quarterdeck init` writes one)")
        return
    yield good(group, "quarterdeck.toml", config.file)
    for environment in config.environments.values():
        words = ["production" if environment.is_production else "not production"]
        words += [environment.context or "current context", environment.namespace or "the context's namespace"]
        words += ["read-only"] if environment.is_read_only else []
        yield good(group, f"environment {environment.name}", ", ".join(words))


def scope_check(scope: Scope) -> Check:
    words = [
        scope.environment,
        f"context {scope.context}",
        f"namespace {scope.namespace}" if scope.namespace else "all namespaces",
    ]
    words += ["production" if scope.is_production else "not production"]
    words += [f"read-only ({scope.read_only_reason})"] if scope.is_read_only else []
    return good("configuration", "looking at", ", ".join(words))


def terminal_checks() -> Iterator[Check]:
    group = "terminal"
    try:
        require_terminal()
    except ConfigError as error:
        # A doctor run from a script is not ill for want of a screen.
        yield failed(group, "screen", error, state=State.WARNING)
    columns, rows = shutil.get_terminal_size((0, 0))
    size = f"{columns}x{rows}"
    if columns and (columns < 80 or rows < 24):
        hint = f"From 80x24 on every pane has room; below {LEAST_COLUMNS}x{LEAST_ROWS} the screen does not open."
        yield warning(group, "size", size, hint)
    else:
        yield good(group, "size", size if columns else "not known")
    yield _colours(group)
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    if "utf" in encoding:
        yield good(group, "characters", encoding)
    else:
        yield warning(
            group, "characters", f"{encoding}: signs and frames are ASCII", "`export LC_ALL=C.UTF-8` shows them all."
        )


def _colours(group: str) -> Check:
    term = os.environ.get("TERM", "")
    if os.environ.get("NO_COLOR"):
        return good(group, "colours", "none, because NO_COLOR is set")
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return good(group, "colours", f"16 million ({term})")
    count = _terminfo_colours()
    if count < 8:
        return warning(
            group, "colours", f"{term or 'TERM is not set'}: no colours", "Set TERM, for instance xterm-256color."
        )
    return good(group, "colours", f"{count} ({term}); 16 are enough")


def _terminfo_colours() -> int:
    try:
        import curses

        curses.setupterm(fd=1)
        return curses.tigetnum("colors")
    except (ImportError, curses.error, OSError):
        return 256 if "256color" in os.environ.get("TERM", "") else -1


def host_checks() -> Iterator[Check]:
    group = "this host"
    number = ".".join(map(str, sys.version_info[:3]))
    yield good(group, "python", number)
    yield _state_folder(group)
    yield _helm(group)


def _state_folder(group: str) -> Check:
    from app.places import state_folder

    try:
        folder = state_folder()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return warning(
            group,
            "state folder",
            f"{error.filename or state_folder(create=False)} cannot be written: {error.strerror}",
            "Events older than an hour and last known good versions are forgotten; XDG_STATE_HOME names another folder.",
        )
    return good(group, "state folder", str(folder))


def _helm(group: str) -> Check:
    """Only looked for: releases can be read without it."""
    path = shutil.which("helm")
    return good(group, "helm", sanitise(path) if path else "not on PATH; only rolling releases back needs it")


def secret_checks(config: Config) -> Iterator[Check]:
    """Where secrets would come from. Nobody is asked: choosing a keyring can ask for a password on the terminal."""
    from app.secrets import secrets_of

    group = "secrets"
    for number, place in enumerate(secrets_of(config).states(), 1):
        name = f"{number} {place.name}"
        if place.is_usable:
            yield good(group, name, place.words)
        elif place.is_wanted:
            yield warning(group, name, place.words, "It is configured, and cannot be used; those after it are.")
        else:
            yield good(group, name, f"not used: {place.words}")
