"""The program's own log: warnings and defects in a file of the state folder, never on the screen, never with a secret."""

from __future__ import annotations

import logging

from app.report_error import redact

MOST_BYTES = 2**20


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def log_to_file() -> None:
    """From now on. Where the file cannot be written nothing is logged: the watching goes on."""
    from app.places import state_folder

    try:
        path = state_folder() / "quarterdeck.log"
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch(mode=0o600)
    except OSError:
        handler: logging.Handler = logging.NullHandler()
    else:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
        handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("quarterdeck")
    logger.handlers[:] = [handler]
    logger.propagate = False
    # A library's "task exception was never retrieved" would otherwise be written across the screen.
    logging.getLogger("asyncio").handlers[:] = [handler]
    logging.getLogger("asyncio").propagate = False
