"""Health endpoints and the named checks in their answers (`{"status": "healthy", "checks": {"database": "ok"}}`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedCheck:
    name: str
    is_ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class HealthEndpoint:
    """Where to ask: a URL from this host, or a path behind a service or pod through the API server's proxy."""

    title: str
    """What is shown: "/health/ready"."""
    url: str
    """Absolute for `via == "direct"`, else the API server's proxy path."""
    via: str
    """"direct", "service" or "pod"."""


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    endpoint: HealthEndpoint
    at: float
    status_code: int | None
    """None: no HTTP answer at all; `error` says why."""
    latency_ms: float
    is_healthy: bool
    word: str = ""
    """The answer's own `status`, for instance "healthy" or "degraded"."""
    version: str = ""
    checks: tuple[NamedCheck, ...] = ()
    error: str = ""
