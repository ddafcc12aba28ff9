"""Health endpoints and the named checks in their answers (`{"status": "healthy", "checks": {"database": "ok"}}`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from domain.pods import Pod
from domain.sanitise import sanitise
from domain.templates import ContainerRole, ContainerSpec
from domain.workloads import Workload

USUAL_PATH = "/health"
"""SOP row 8.1: asked for beside the paths of the probes, on the same port."""


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
    where: str = ""
    """Who is asked: the pod's or service's name, or the URL's host."""
    is_guess: bool = False
    """Nothing says that it exists: where it answers 404 or the like, it is not an endpoint and is left out."""


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


@dataclass(frozen=True, slots=True)
class _Place:
    scheme: str
    port: str
    path: str


def endpoints_of(
    workload: Workload, pod: str = "", *, service: str = "", urls: Sequence[str] = ()
) -> tuple[HealthEndpoint, ...]:
    """What to ask about a workload: the configured `urls` from this host, then its probes' paths through the API server.

    `pod` is the pod to ask (`pod_to_ask`); without one, `service` ("name" or "name:port") stands in. Probes that are not
    HTTP, and paths that would lead out of the proxy ("/../"), give no endpoint.
    """
    places = dict.fromkeys(_places(workload.template.containers), False)
    for place in tuple(places):
        places.setdefault(_Place(place.scheme, place.port, USUAL_PATH), True)
    proxied = [_proxied(workload.namespace, place, is_guess, pod, service) for place, is_guess in places.items()]
    found = [direct_endpoint(url) for url in urls] + [e for e in proxied if e.url]
    return tuple({e.url: e for e in reversed(found)}.values())[::-1]


def _proxied(namespace: str, place: _Place, is_guess: bool, pod: str, service: str) -> HealthEndpoint:
    kind, name, port = "pods", pod, place.port
    if not pod:
        kind = "services"
        name, _, port = service.partition(":")
    url = proxy_path(namespace, kind, name, port, place.path, scheme=place.scheme)
    return HealthEndpoint(sanitise(place.path, 200), url, kind.removesuffix("s"), where=pod or service, is_guess=is_guess)


def direct_endpoint(url: str) -> HealthEndpoint:
    """A configured URL, asked from this host."""
    parts = urlsplit(url)
    return HealthEndpoint(sanitise(parts.path or "/", 200), url, "direct", where=sanitise(parts.hostname or "", 200))


def pod_to_ask(pods: Iterable[Pod]) -> Pod | None:
    """The pod whose word counts most: running, ready before not ready, then the youngest; None where none runs."""
    running = [p for p in pods if p.deleted_at is None and any(c.state == "running" for c in p.containers)]
    return max(running, key=lambda p: (p.ready, p.created_at, p.name), default=None)


def _places(containers: Sequence[ContainerSpec]) -> Iterator[_Place]:
    order = {"liveness": 0, "readiness": 1, "startup": 2}
    for container in containers:
        if container.role is not ContainerRole.MAIN:
            continue
        numbers = {name: str(number) for name, number in container.ports if name}
        for probe in sorted(container.probes, key=lambda p: order.get(p.kind, 3)):
            if probe.path:
                yield _Place(probe.scheme.lower(), numbers.get(probe.port, probe.port), probe.path)


_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_PORT = re.compile(r"[a-z0-9-]*")
_DOTS = re.compile(r"(^|/|\\)\.{1,2}(/|\\|$)")


def proxy_path(namespace: str, kind: str, name: str, port: str, path: str, *, scheme: str = "http") -> str:
    """The API server's path to `path` behind a pod or service (KUBERNETES: `/pods/[https:]POD:PORT/proxy/PATH`).

    "" where `path`, which is text from outside, would be normalised into a path of the API server's own.
    """
    wanted, _, query = path.partition("?")
    plain = unquote(unquote(wanted))
    if not all(map(_NAME.fullmatch, (namespace, name))) or not _PORT.fullmatch(port) or _DOTS.search(plain):
        return ""
    scheme_part = "https:" if scheme == "https" else ("http:" if kind == "services" and port else "")
    port_part = f":{port}" if port or scheme_part else ""
    tail = quote(wanted.lstrip("/"), safe="/%:@!$&'()*+,;=~-._")
    tail += f"?{quote(query, safe='/%:@!$()*+,;=~-._?&')}" if query else ""
    return f"/api/v1/namespaces/{namespace}/{kind}/{scheme_part}{name}{port_part}/proxy/{tail}"
