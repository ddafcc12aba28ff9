"""What containers write: the same lines for the same container at the same moment, without keeping any."""

from __future__ import annotations

import hashlib
import math

from practice.container import Container, Run

_EVERY_S = 1.7
_KEPT = 1000
"""Lines that are left of a long run, as after log rotation."""
_PATHS = ("/api/orders", "/api/cart", "/api/products", "/api/status", "/api/search?q=boots")

Line = tuple[float, str]
"""(epoch seconds, text)."""


def lines_of(container: Container, run: Run, until: float, *, most: int = _KEPT) -> list[Line]:
    """The last `most` lines of a run up to `until`, oldest first."""
    image = container.image
    end = min(until, run.finished) if run.finished is not None else until
    opening = [(run.started + 0.05 * (place + 1), text) for place, text in enumerate(image.log)]
    closing: list[Line] = []
    if run.finished is not None:
        closing = [(run.finished - 0.01, text) for text in image.last_words]
    routine: list[Line] = []
    if image.outcome == "runs" and image.checks:
        first = run.started + 1.0
        count = max(0, math.floor((end - first) / _EVERY_S) + 1)
        routine = [_routine(container, run, first, number) for number in range(max(0, count - most), count)]
    lines = [line for line in (*opening, *routine, *closing) if line[0] <= end]
    return sorted(lines, key=lambda line: line[0])[-most:] if most else []


def next_line_at(container: Container, run: Run, after: float) -> float:
    """When to look again."""
    return after + (_EVERY_S if container.image.checks else 1.0) / 4


def _routine(container: Container, run: Run, first: float, number: int) -> Line:
    digest = hashlib.blake2s(f"{container.name}{run.started}{number}".encode(), digest_size=8).digest()
    path = _PATHS[digest[0] % len(_PATHS)]
    took_ms = max(1, round(container.image.p95_s * 1000 * (0.1 + digest[1] / 320)))
    is_bad = int.from_bytes(digest[2:4], "big") / 65536 < container.image.errors
    text = f"GET {path} {500 if is_bad else 200} {took_ms}ms"
    return first + number * _EVERY_S, text
