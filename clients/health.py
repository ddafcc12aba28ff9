"""Asks health endpoints: configured URLs from this host, probes' paths through the API server's proxy. Only GET."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from clients.cluster_proxy import ClusterProxy, own_words
from clients.health_body import first_words, read_body
from clients.kubernetes.daemon_threads import call_in_daemon_thread
from domain.errors import ConfigError, QuarterdeckError
from domain.health import HealthAnswer, HealthEndpoint

if TYPE_CHECKING:
    from clients.health_direct import DirectClient

TIMEOUT_S = 5.0
LIMIT_BYTES = 64 * 1024
_AT_ONCE = 8


class HealthSource:
    """Implements `domain.ports.HealthSource`. Without `cluster` only direct endpoints are answered.

    `allowed_hosts` are the hosts that may be asked although their address is link-local, loopback or a cloud's metadata
    service: for a direct endpoint only, and only by configuration. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        cluster: ClusterProxy | None = None,
        *,
        allowed_hosts: frozenset[str] = frozenset(),
        timeout_s: float = TIMEOUT_S,
        limit_bytes: int = LIMIT_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cluster = cluster
        self._allowed_hosts = allowed_hosts
        self._timeout_s = timeout_s
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._direct: DirectClient | None = None
        self._making_direct = asyncio.Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, endpoints: Sequence[HealthEndpoint]) -> tuple[HealthAnswer, ...]:
        """All at once, in the order given; a guessed endpoint that turns out not to exist, or not for us, is left out.
        Never raises for an endpoint: what went wrong stands in its answer."""
        answers = await asyncio.gather(*(self._one(endpoint) for endpoint in endpoints))
        return tuple(a for a in answers if not a.endpoint.is_guess or _is_found(a))

    async def close(self) -> None:
        if self._direct is not None:
            await self._direct.close()
            self._direct = None

    async def _one(self, endpoint: HealthEndpoint) -> HealthAnswer:
        async with self._turns:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    status, body, latency_ms = await self._fetch(endpoint)
            except TimeoutError:
                return self._unanswered(endpoint, f"no answer within {self._timeout_s:g} s", began)
            except QuarterdeckError as error:
                return self._unanswered(endpoint, error.message, began)
        said = own_words(status, body) if endpoint.via != "direct" else ""
        if said:
            # A pod's own 404 and the API server's "no such pod" must not look the same.
            return self._unanswered(endpoint, said, began)
        return self._answered(endpoint, status, body, latency_ms)

    async def _fetch(self, endpoint: HealthEndpoint) -> tuple[int, bytes, float]:
        if endpoint.via != "direct":
            if self._cluster is None:
                raise ConfigError("there is no cluster to ask through", "Choose a context, or configure a URL.")
            answer = await self._cluster.proxy_get(endpoint.url, timeout_s=self._timeout_s, limit_bytes=self._limit_bytes)
            return answer.status, answer.body, answer.latency_ms
        async with self._making_direct:
            if self._direct is None:
                # Importing httpx and reading the certificates takes a tenth of a second: not on the screen's time.
                self._direct = await call_in_daemon_thread(self._make_direct)
        return await self._direct.get(endpoint.url)

    def _make_direct(self) -> DirectClient:
        from clients.health_direct import DirectClient

        return DirectClient(self._allowed_hosts, self._timeout_s, self._limit_bytes)

    def _unanswered(self, endpoint: HealthEndpoint, error: str, began: float) -> HealthAnswer:
        took_ms = (time.monotonic() - began) * 1000
        return HealthAnswer(endpoint, self._clock(), None, took_ms, is_healthy=False, error=error)

    def _answered(self, endpoint: HealthEndpoint, status: int, body: bytes, latency_ms: float) -> HealthAnswer:
        told = read_body(body)
        is_welcome = 200 <= status < 300
        error = ""
        if 300 <= status < 400:
            error = "answers with a redirect that leads elsewhere; it is not followed"
        elif not is_welcome and not told.word:
            error = first_words(body)
        return HealthAnswer(
            endpoint,
            self._clock(),
            status,
            latency_ms,
            is_healthy=is_welcome and told.is_well is not False,
            word=told.word,
            version=told.version,
            checks=told.checks,
            error=error,
        )


def _is_found(answer: HealthAnswer) -> bool:
    return answer.status_code is not None and not 300 <= answer.status_code < 500
