"""How an error reaches a person: what, where, what next. A traceback goes to a file, without local variables."""

from __future__ import annotations

import re
import sys

from domain import exit_codes
from domain.errors import ConfigError, QuarterdeckError
from domain.sanitise import sanitise

_SECRET = re.compile(
    r"(?i)\b((?:bearer|basic)\s+|(?:authorization|token|password|passwd|secret|api[-_]?key)[\"']?\s*[:=]\s*[\"']?)(?!bearer|basic)[^\s\"',;]+"
)


def report(error: QuarterdeckError) -> int:
    """Print it on stderr; the exit code."""
    end = "" if error.message.endswith(("?", "!", ".")) else "."
    lines = [f"quarterdeck: {error.message}{end}"]
    if isinstance(error, ConfigError) and (error.file or error.key):
        lines.append(f"  {': '.join(part for part in (error.file, error.key) if part)}")
    if error.hint:
        lines.append(f"  → {error.hint}")
    say(lines)
    return error.exit_code


def report_defect(error: BaseException) -> int:
    """An error that is ours: a short notice, and the path of the file that holds the rest. The exit code."""
    say(defect_lines(error))
    return exit_codes.INTERNAL


def defect_lines(error: BaseException | None) -> list[str]:
    """The notice, once the details are in a file: nothing of what the program held, tokens among it, is on the screen."""
    try:
        hint = f"The details are in {_write_log(error)}: send it along when you report this." if error else ""
    except OSError as failure:
        hint = f"No log could be written ({failure.strerror}); `quarterdeck doctor` says more."
    except ImportError as failure:
        hint = f"The installation is not whole ({sanitise(str(failure))}): install quarterdeck again."
    lines = [f"quarterdeck: Something in quarterdeck itself went wrong ({type(error).__name__})."]
    return [*lines, f"  → {hint}"] if hint else lines


def say(lines: list[str]) -> None:
    """To stderr, whatever its encoding, with nothing in it that a terminal obeys."""
    stream = sys.stderr
    if stream is None:
        return
    text = "".join(sanitise(line) + "\n" for line in lines)
    try:
        stream.write(text.encode(stream.encoding or "ascii", "replace").decode(stream.encoding or "ascii"))
        stream.flush()
    except OSError:
        return


def redact(text: str) -> str:
    names = sys.modules.get("clients.secret_names")
    if names is not None:
        text = names.hide(text)
    return _SECRET.sub(r"\1[redacted]", text)


def _write_log(error: BaseException) -> str:
    import os
    import time
    import traceback

    from app.places import state_folder

    path = state_folder() / time.strftime("defect-%Y%m%dT%H%M%SZ.log", time.gmtime())
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(redact(text))
    return str(path)
