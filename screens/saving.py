"""Writes what a view shows to a new file on this host; the one thing a screen ever writes."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def default_name(title: str, ending: str) -> str:
    """`shop-backend-20260102T140233Z.log`."""
    stem = _PLAIN.sub("-", title).strip("-.")[:80] or "quarterdeck"
    return f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{ending}"


def save_text(text: str, name: str) -> Path:
    """The absolute path written to, readable by its owner only. Raises OSError; FileExistsError rather than overwrite."""
    path = Path(name).expanduser().absolute()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
