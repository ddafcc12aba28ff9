"""How each source of what is shown is doing: a dead stream is a value, not an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Everything a screen is fed from. The values are the words shown to people."""

    PODS = "pods"
    DEPLOYMENTS = "deployments"
    STATEFUL_SETS = "statefulsets"
    DAEMON_SETS = "daemonsets"
    REPLICA_SETS = "replicasets"
    CONTROLLER_REVISIONS = "controllerrevisions"
    OCCURRENCES = "events"
    POD_USAGE = "pod metrics"
    METRICS = "metrics"
    HEALTH = "health"
    API_SERVER = "API server"
    """The one liveness probe of the process (`GET /livez`)."""


class StreamPhase(StrEnum):
    LOADING = "loading"
    LIVE = "live"
    STALE = "stale"
    """Was live, is not now; what is shown is from `heard_at`."""
    FORBIDDEN = "forbidden"
    ABSENT = "absent"
    """The cluster has no such thing (no metrics-server, no Prometheus found)."""
    FAILED = "failed"
    """Never came up; being tried again."""


@dataclass(frozen=True, slots=True)
class StreamState:
    source: Source
    phase: StreamPhase = StreamPhase.LOADING
    since_at: float = 0.0
    """When this phase began."""
    heard_at: float = 0.0
    """When it last gave a sign of life."""
    reason: str = ""
    """One line for a person: what is wrong."""
    hint: str = ""
    """What to do about it: the missing verb and resource, the setting to make."""
    loaded: int = 0
    expected: int | None = None
    """While loading: how many there will be, where the server says so."""
