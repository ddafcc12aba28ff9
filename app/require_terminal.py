"""The screen needs a terminal that can move its cursor; a script is told what to use instead."""

from __future__ import annotations

import os
import sys

from domain.errors import ConfigError

LEAST_COLUMNS, LEAST_ROWS = 40, 10
_INSTEAD = "For a script or a log use `quarterdeck status` or `quarterdeck watch WORKLOAD`."


def require_terminal() -> None:
    """ConfigError where the screen cannot be drawn: no terminal, a dumb one, or one too small to read."""
    for name, stream in (("input", sys.__stdin__), ("output", sys.__stdout__)):
        if stream is None or not stream.isatty():
            raise ConfigError(f"The screen needs a terminal, and the {name} is not one.", _INSTEAD)
    kind = os.environ.get("TERM", "")
    if kind in ("", "dumb", "unknown"):
        raise ConfigError(
            f"The screen cannot be drawn on this terminal (TERM={kind or 'not set'}).",
            f"Set TERM to what your terminal is, for instance `TERM=xterm-256color`. {_INSTEAD}",
            key="TERM",
        )
    columns, rows = os.get_terminal_size(sys.__stdout__.fileno()) if sys.__stdout__ else (0, 0)
    # A terminal that does not know its size says 0x0: it is asked again later.
    if columns and rows and (columns < LEAST_COLUMNS or rows < LEAST_ROWS):
        raise ConfigError(
            f"The terminal is {columns}x{rows}; the screen needs at least {LEAST_COLUMNS}x{LEAST_ROWS}.",
            f"Make the window larger: from 80x24 on nothing is cut. {_INSTEAD}",
        )
