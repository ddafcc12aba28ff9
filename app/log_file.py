"""What the program says about itself goes to a file in the state folder: a terminal that is being drawn on is no log."""

from __future__ import annotations

import logging
import os
from typing import TextIO

from app.report_error import redact

MOST_BYTES = 4 * 2**20


def log_to_file() -> None:
    """Warnings and worse, from us and from the libraries. The file is made when there is something to say."""
    root = logging.getLogger()
    if not any(isinstance(handler, _StateFolderFile) for handler in root.handlers):
        root.addHandler(_StateFolderFile())


class _StateFolderFile(logging.StreamHandler[TextIO]):
    """Beginning anew beyond `MOST_BYTES`. A state folder that cannot be written costs the log, nothing else."""

    def __init__(self) -> None:
        logging.Handler.__init__(self, logging.WARNING)
        self.stream: TextIO | None = None  # type: ignore[assignment]
        self.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is None:
                self.stream = _open()
            super().emit(record)
        except OSError:
            logging.getLogger().removeHandler(self)
            logging.getLogger().addHandler(logging.NullHandler())

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Nothing: there is no other place to say that the log cannot be written."""


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _open() -> TextIO:
    from app.places import state_folder

    path = state_folder() / "quarterdeck.log"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    if path.exists() and path.stat().st_size > MOST_BYTES:
        flags |= os.O_TRUNC
    return os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8", errors="backslashreplace")
