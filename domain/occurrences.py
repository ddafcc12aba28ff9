"""What Kubernetes calls events; named apart so that "event" stays free for what happens inside this program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One Kubernetes event, core/v1 or events.k8s.io, with its best timestamp already chosen."""

    uid: str
    namespace: str
    name: str
    type: str
    """"Normal" or "Warning"."""
    reason: str
    message: str
    count: int
    first_at: float
    last_at: float
    about_kind: str
    about_name: str
    about_uid: str
    source: str
    is_remembered: bool = False
    """Read back from the local log: Kubernetes itself has forgotten it (its limit is one hour)."""
