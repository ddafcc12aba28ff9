"""A line of a container's log, and how the stream it comes from is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class LogLine(NamedTuple):
    """Sanitised. `at` is when the kubelet wrote it down where the stream says so, else when it arrived (epoch seconds)."""

    pod: str
    container: str
    text: str
    at: float


class LogPhase(StrEnum):
    WAITING = "waiting"
    """The container has not started, or the first answer is still out."""
    LIVE = "live"
    LOST = "lost"
    """It will be tried again."""
    ENDED = "ended"
    """The container has; nothing more will come."""
    REFUSED = "refused"
    """Not permitted, or there is no such log."""


@dataclass(frozen=True, slots=True)
class LogStream:
    """`reason` is one line for a person: the exit code, the missing right, what the network said."""

    pod: str
    container: str
    phase: LogPhase
    reason: str = ""
