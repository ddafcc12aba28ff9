"""What the shop's pods answer over HTTP: health with named checks, metrics, version."""

from __future__ import annotations

from dataclasses import dataclass

from practice.container import Container
from practice.images import version_of
from practice.objects import Json
from practice.shapes import encoded


@dataclass(frozen=True, slots=True)
class Said:
    """An HTTP answer."""

    code: int
    body: bytes
    content_type: str = "application/json"


def answer(container: Container, path: str, exposition: str) -> Said:
    """`path` without its query; `exposition` is what stands behind /metrics."""
    version = version_of(container.reference)
    match path.rstrip("/"):
        case "/health/live":
            return _json(200, {"status": "healthy", "version": version})
        case "/health/ready" | "/health":
            return _health(container, version)
        case "/metrics":
            return Said(200, exposition.encode(), "text/plain; version=0.0.4")
        case "/version":
            return _json(200, {"version": version})
        case "/api/status":
            return _json(200, {"status": "ok", "version": version})
        case "":
            return Said(200, b"<!doctype html><title>shop</title><h1>shop</h1>\n", "text/html")
    return _json(404, {"error": "not found", "path": path})


def _health(container: Container, version: str) -> Said:
    checks = dict(container.image.checks)
    if not container.is_ready:
        first = next(iter(checks), "startup")
        checks[first] = "timeout" if container.image.outcome == "never-ready" else "starting"
    is_healthy = container.is_ready and all(each == "ok" for each in checks.values())
    body = {"status": "healthy" if is_healthy else "unhealthy", "checks": checks, "version": version}
    return _json(200 if is_healthy else 503, body)


def _json(code: int, body: Json) -> Said:
    return Said(code, encoded(body) + b"\n")
