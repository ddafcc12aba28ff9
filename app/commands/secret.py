"""`quarterdeck secret`: keep, list, test and remove what actions log in with. Values are typed or piped, never options."""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from argparse import Namespace
from typing import Any

from app.commands.signs import say, signs
from app.config import load_config
from app.options import Options
from app.places import state_folder
from app.secrets import secrets_of
from clients.secret_names import MOST_BYTES, PREFIX, Secret, check_name, variable_of
from clients.secrets import KNOWN, Found, Secrets
from domain import exit_codes
from domain.errors import ConfigError, QuarterdeckError, RefusedError


def run(options: Options, arguments: Namespace) -> int:
    if arguments.what != "list" and not arguments.name:
        raise ConfigError("Which secret?", f"Name it: `quarterdeck secret {arguments.what} prometheus`.")
    if arguments.name:
        check_name(arguments.name)
    code: int = asyncio.run(_DOING[arguments.what](secrets_of(load_config(options)), arguments))
    return code


async def _list(secrets: Secrets, _arguments: Namespace) -> int:
    marks = signs()
    say("Looked for in this order:")
    for number, place in enumerate(secrets.states(), 1):
        say(f"  {number} {marks.good if place.is_usable else marks.dot} {place.name}: {place.words}")
    names = sorted({*secrets.names(), *KNOWN})
    asks_command = secrets.states()[1].is_usable
    say()
    for name in names:
        say(f"{name}: {await _where(secrets, name, asks_command)}")
    given = [key for key in os.environ if key.startswith(PREFIX) and key not in {variable_of(name) for name in names}]
    for key in sorted(given):
        say(f"{key}: in the environment")
    return exit_codes.OK


async def _where(secrets: Secrets, name: str, asks_command: bool) -> str:
    """Without running a command: whoever lists does not mean to unlock anything."""
    if variable_of(name) in os.environ:
        return "in the environment"
    if asks_command:
        return f"the command knows; `quarterdeck secret test {name}` asks it"
    try:
        found = await secrets.find(name)
    except QuarterdeckError as error:
        return f"not known: {error.message}"
    return f"in the {found.where}" if found else "not set"


async def _set(secrets: Secrets, arguments: Namespace) -> int:
    secret = await asyncio.to_thread(_read, arguments.name)
    try:
        state_folder()
    except OSError as error:
        hint = "XDG_STATE_HOME names another."
        raise ConfigError(f"The state folder cannot be written: {error.strerror}.", hint) from error
    where = await secrets.set(arguments.name, secret)
    say(f"{arguments.name}: kept in the {where}.")
    found = await secrets.find(arguments.name)
    if found is not None and found.secret != secret:
        say(f"{signs().warning} The {found.where} comes first, and has another value.")
    return exit_codes.OK


async def _test(secrets: Secrets, arguments: Namespace) -> int:
    found = await secrets.find(arguments.name)
    if found is None:
        await secrets.get(arguments.name)
        raise AssertionError("what is not found is not got")
    say(f"{signs().good} {arguments.name}: found in the {found.where}{_shape(found)}.")
    return exit_codes.OK


def _shape(found: Found) -> str:
    """What often goes wrong in copying, without a word of what it is."""
    value = found.secret.reveal()
    if value != value.strip():
        return "; it begins or ends with a space"
    return "" if value.isprintable() else "; it holds characters that cannot be printed"


async def _rm(secrets: Secrets, arguments: Namespace) -> int:
    removed = await secrets.remove(arguments.name)
    if removed:
        say(f"{arguments.name}: taken out of the {' and the '.join(removed)}.")
    elif variable_of(arguments.name) not in os.environ:
        raise RefusedError(f"There is no secret {arguments.name!r} that could be removed here.", "Nothing was done.")
    if variable_of(arguments.name) in os.environ:
        say(f"{signs().warning} It is still in the environment: {variable_of(arguments.name)}.")
    return exit_codes.OK


def _read(name: str) -> Secret:
    """Typed without being shown, or all of a pipe less the line's end."""
    if sys.stdin is not None and sys.stdin.isatty():
        import getpass

        with warnings.catch_warnings():
            # Rather not at all than on the screen.
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                text = getpass.getpass(f"{name} (not shown): ")
            except getpass.GetPassWarning:
                raise RefusedError("This terminal cannot hide what is typed.", "Pipe the value in.") from None
            except EOFError:
                text = ""
    else:
        data = sys.stdin.buffer.read(MOST_BYTES + 1) if sys.stdin is not None else b""
        text = _text(data)
    if not text:
        raise RefusedError("No value was given.", "Nothing was done. Type it, or pipe it in.")
    return Secret(text)


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise RefusedError(f"More than {MOST_BYTES} bytes are no secret.", "Nothing was done.")
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Without the cause: its traceback would show the bytes.
        raise RefusedError("The value is not UTF-8.", "Nothing was done.") from None


_DOING: dict[str, Any] = {"set": _set, "list": _list, "test": _test, "rm": _rm}
