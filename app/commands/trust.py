"""`quarterdeck trust`: shows what a configuration file reaches, and allows it as it is now."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from app import trust as store
from app.commands.signs import say
from app.config_file import FoundBy, config_from_here, read_config
from app.config_values import config_from
from app.options import Options
from domain import exit_codes
from domain.errors import ConfigError
from domain.sanitise import sanitise


def run(options: Options, arguments: Namespace) -> int:
    path = Path(arguments.file or options.config_file) if arguments.file or options.config_file else config_from_here()
    if path is None:
        raise ConfigError("There is no quarterdeck.toml here.", "Name the file: `quarterdeck trust FILE`.")
    try:
        return _revoke(path) if arguments.revoke else _trust(path)
    except OSError as error:
        raise ConfigError(
            f"The list of trusted files cannot be written: {error.strerror}.",
            "The state folder must be yours to write to; XDG_STATE_HOME names another.",
            file=error.filename or "",
        ) from error


def _trust(path: Path) -> int:
    file = read_config(path, FoundBy.FOLDER)
    reaches = config_from(file).reaches()
    shown = sanitise(str(file.real_path))
    if not reaches:
        say(f"{shown} names no address outside the cluster: it is used without being trusted.")
        return exit_codes.OK
    say(f"{shown} makes quarterdeck ask:")
    for key, url in reaches:
        say(f"  {url}   ({key})")
    store.trust(file)
    say("Trusted as it is now; after any change it asks again. `quarterdeck trust --revoke` takes it back.")
    return exit_codes.OK


def _revoke(path: Path) -> int:
    real_path = Path(os.path.realpath(path))
    was_trusted = store.revoke(real_path)
    say(f"{sanitise(str(real_path))} is {'no longer' if was_trusted else 'not'} trusted.")
    return exit_codes.OK
