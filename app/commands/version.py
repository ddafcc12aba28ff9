"""`quarterdeck version`: what a report of a defect has to begin with."""

from __future__ import annotations

import platform
from argparse import Namespace
from importlib import metadata

from app.commands.signs import say
from app.options import Options
from domain import exit_codes

_STANDS_ON = ("textual", "rich", "kubernetes", "aiohttp", "httpx", "prometheus-api-client", "msgspec")


def run(_options: Options, _arguments: Namespace) -> int:
    lines = [("quarterdeck", installed("quarterdeck")), ("python", platform.python_version())]
    lines += [(name, installed(name)) for name in _STANDS_ON]
    for name, number in [*lines, ("system", f"{platform.system()} {platform.machine()}")]:
        say(f"{name:<23}{number}")
    return exit_codes.OK


def installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
