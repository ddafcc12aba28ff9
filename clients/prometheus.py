"""Reads the metrics beside a rollout from Prometheus: at a configured URL, or behind a Service found in the cluster."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from clients.cluster_proxy import ClusterProxy
from clients.kubernetes.daemon_threads import call_in_daemon_thread
from domain.errors import ConfigError, OutsideError
from domain.health import proxy_path
from domain.metrics import DEFAULT_LABELS, MetricQuery, Series, filled_in, narrowed, window_around
from domain.workloads import WorkloadKey

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

TIMEOUT_S = 5.0
LIMIT_BYTES = 2**20
"""A drawn series is one, of at most some hundred points of about 30 bytes."""


class QueryError(OutsideError):
    """Prometheus understood who asks and not what was asked: one query is wrong, not the whole source."""


Connect = Callable[[asyncio.AbstractEventLoop], "PrometheusConnect"]


class PrometheusSource:
    """Implements `domain.ports.MetricSource`. `labels` scope every query to its workload (see `domain.metrics`); the
    workload's own labels do not, because Prometheus seldom keeps them on what it scrapes."""

    def __init__(
        self, connect: Connect, *, labels: Mapping[str, str] = DEFAULT_LABELS, clock: Callable[[], float] = time.time
    ) -> None:
        self._connect = connect
        self._labels = labels
        self._clock = clock
        self._connected: PrometheusConnect | None = None
        self._connecting = asyncio.Lock()

    async def read(
        self,
        queries: Sequence[MetricQuery],
        workload: WorkloadKey,
        labels: Mapping[str, str],
        *,
        since_at: float | None,
    ) -> tuple[Series, ...]:
        """One series a query, in order. A query's own trouble stands in its series; OutsideError where every query met
        the same: Prometheus is not there, or does not want us. ConfigError for labels that cannot be."""
        try:
            selector = narrowed(self._labels, workload)
        except ValueError as error:
            raise ConfigError(f"prometheus.labels: {error}", "Correct the label.", key="prometheus.labels") from error
        async with self._connecting:
            if self._connected is None:
                # Importing requests takes a tenth of a second: not on the screen's time.
                self._connected = await call_in_daemon_thread(partial(self._connect, asyncio.get_running_loop()))
        now = self._clock()
        read = partial(self._read_one, self._connected, selector, now, since_at)
        reads = (call_in_daemon_thread(partial(read, query)) for query in queries)
        found = await asyncio.gather(*reads, return_exceptions=True)
        return tuple(self._settled(queries, found, now, bool(selector)))

    async def close(self) -> None:
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def _read_one(
        self, connected: PrometheusConnect, selector: str, now: float, since_at: float | None, query: MetricQuery
    ) -> Series:
        window = window_around(now, since_at)
        try:
            promql = filled_in(query, selector, None if since_at is None else now - since_at)
        except ValueError as error:
            return Series(query, at=now, error=str(error), hint="Correct the query in the configuration.")
        try:
            answer = connected.custom_query_range(promql, _moment(window.start), _moment(window.end), str(window.step_s))
            points = _points_of(answer)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Series(query, at=now, error="what answers is not Prometheus", hint="Look at prometheus.url.")
        hint = "" if points else f"Nothing has {selector}: set prometheus.labels to labels it has." if selector else ""
        return Series(query, points, at=now, hint=hint)

    @staticmethod
    def _settled(
        queries: Sequence[MetricQuery], found: Sequence[Series | BaseException], now: float, is_narrowed: bool
    ) -> Iterator[Series]:
        errors = [e for e in found if isinstance(e, BaseException)]
        first = errors[0] if errors else None
        if first is not None and len(errors) == len(queries) and not isinstance(first, QueryError):
            raise first
        for query, one in zip(queries, found, strict=True):
            if isinstance(one, OutsideError):
                one = Series(query, at=now, error=one.message, hint=one.hint)
            elif isinstance(one, BaseException):
                raise one
            yield replace(one, is_scoped=query.is_scoped and is_narrowed)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _points_of(answer: Any) -> tuple[tuple[float, float], ...]:
    """The one series of a range query's answer; none for an empty answer."""
    if not isinstance(answer, list):
        raise TypeError
    if len(answer) > 1:
        message = f"the query gives {len(answer)} series, and one can be drawn"
        raise QueryError(message, "Let it add up: sum(…), max(…) or topk(1, …).", system="Prometheus")
    values = answer[0]["values"] if answer else ()
    return tuple((float(at), value) for at, text in values if math.isfinite(value := float(text)))


def at_url(url: str, *, timeout_s: float = TIMEOUT_S, limit_bytes: int = LIMIT_BYTES, ca_file: str = "") -> Connect:
    """For `PrometheusSource`: a configured address, asked from this host. Nothing is imported before it is called."""

    def connect(_: asyncio.AbstractEventLoop) -> PrometheusConnect:
        from clients.prometheus_session import direct

        return direct(url, timeout_s, limit_bytes, ca_file)

    return connect


def through_cluster(
    cluster: ClusterProxy, path: str, *, timeout_s: float = TIMEOUT_S, limit_bytes: int = LIMIT_BYTES
) -> Connect:
    """For `PrometheusSource`: behind the API server's proxy, with the cluster client's gate and credentials. `path` is
    `service_path(…)`."""

    def connect(loop: asyncio.AbstractEventLoop) -> PrometheusConnect:
        from clients.prometheus_session import through

        return through(cluster, loop, path, timeout_s, limit_bytes)

    return connect


class Service(Protocol):
    """`clients.kubernetes`' ServiceRef; `ports` are (name, number)."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def ports(self) -> Sequence[tuple[str, int]]: ...


# kube-prometheus-stack, kube-prometheus, the prometheus chart, the operator's own headless one, hand-made ones.
_NAMES = (
    "kube-prometheus-stack-prometheus",
    "prometheus-k8s",
    "prometheus-server",
    "prometheus",
    "prometheus-operated",
)
_NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")
_ENDINGS = ("-kube-prometheus-stack-prometheus", "-kube-prometheus-prometheus", "-prometheus-server", "-prometheus")
_OTHERS = ("alertmanager", "pushgateway", "exporter", "operator", "kube-state-metrics", "adapter", "thanos", "blackbox")
_PORT_NAMES = ("http-web", "web", "http", "http-prometheus", "https", "https-web")
_PORT_NUMBERS = (9090, 80)

S = TypeVar("S", bound=Service)


def find_prometheus(services: Iterable[S], namespace: str = "") -> S | None:
    """The Service that is most likely the cluster's Prometheus, one in `namespace` before others; None where none is."""
    likely = [(rank, s) for s in services if (rank := _rank(s)) is not None]
    best = min(likely, key=lambda f: (f[1].namespace != namespace, f[0], f[1].namespace, f[1].name), default=None)
    return best[1] if best else None


def _rank(service: Service) -> int | None:
    if _port_of(service) is None:
        return None
    name = service.name
    if name in _NAMES:
        return _NAMES.index(name)
    if any(other in name for other in _OTHERS):
        return None
    if any(service.labels.get(label) in ("prometheus", *_NAMES) for label in _NAME_LABELS):
        return len(_NAMES)
    return len(_NAMES) + 1 if name.endswith(_ENDINGS) else None


def _port_of(service: Service) -> tuple[str, int] | None:
    for name in _PORT_NAMES:
        if found := next((p for p in service.ports if p[0] == name), None):
            return found
    known = next((p for number in _PORT_NUMBERS for p in service.ports if p[1] == number), None)
    return known or (service.ports[0] if len(service.ports) == 1 else None)


def service_path(service: Service) -> str:
    """The API server's proxy path to a Service's web port, for `through_cluster`."""
    name, number = _port_of(service) or ("", 9090)
    scheme = "https" if name.startswith("https") or number in (443, 8443, 9091) else "http"
    return proxy_path(service.namespace, "services", service.name, name or str(number), "/", scheme=scheme)


def configured_path(text: str) -> str:
    """As `service_path`, for the configuration's "namespace/name:port" (the port may be left out: 9090). ConfigError."""
    namespace, _, rest = text.partition("/")
    name, _, port = rest.partition(":")
    path = proxy_path(namespace, "services", name, port or "9090", "/")
    if not path:
        raise ConfigError(f"prometheus.service is {text!r}", 'Write it as "namespace/name:port".', key="prometheus.service")
    return path
