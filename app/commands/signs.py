"""Signs for text output: a word or sign always carries the meaning, and ASCII does where the output cannot do more."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from domain.errors import ConfigError
from domain.verdict import Degree


@dataclass(frozen=True, slots=True)
class Signs:
    good: str
    bad: str
    warning: str
    under_way: str
    dot: str

    def of(self, degree: Degree) -> str:
        if degree.is_failing:
            return self.bad
        if degree is Degree.SUSPECT:
            return self.warning
        return self.good if degree is Degree.HEALTHY else self.under_way


_UNICODE = Signs("✔", "✖", "!", "◐", "·")
_ASCII = Signs("ok", "X", "!", "~", "-")


def signs(is_ascii: bool | None = None) -> Signs:
    if is_ascii is None:
        is_ascii = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    return _ASCII if is_ascii else _UNICODE


def say(line: str = "") -> None:
    """One line to stdout at once, whatever its encoding can do. ConfigError where it cannot be written."""
    if sys.stdout is None:  # the caller has closed it
        return
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still in the buffer would be tried again at the end, and complained about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        hint = "Write to a place that has room, or leave the redirection out."
        raise ConfigError(f"The output cannot be written: {error.strerror}.", hint) from error


def note(line: str) -> None:
    """One line beside the output, for a person."""
    from app.report_error import say as to_stderr

    to_stderr([line])
