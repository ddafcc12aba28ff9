"""One cluster, as everything else sees it: implements `domain.ports.ClusterReader` over one connection."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from clients.kubernetes import log_stream, objects, proxying, reviews, services, shell, watching
from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.decoding import Codecs
from clients.kubernetes.gate import Counters, Kind, ReadOnlyGate
from clients.kubernetes.limits import Limits
from clients.kubernetes.proxying import ProxyAnswer
from clients.kubernetes.refusals import Asked, refusal, server_time
from clients.kubernetes.services import ServiceRef
from clients.kubernetes.shell import Shell
from clients.kubernetes.watching import Stream, Trail
from domain.facts import Fact
from domain.log_lines import LogLine
from domain.streams import Source

if TYPE_CHECKING:
    from clients.kubernetes.leases import ClusterLeases
    from clients.kubernetes.write_connection import WriteConnection
    from clients.kubernetes.writing import Writer


class Cluster:
    """Every method raises OutsideError, ConfigError or RefusedError, each with a hint. Use it in one event loop."""

    def __init__(
        self,
        access: ClusterAccess,
        *,
        is_read_only: bool = False,
        read_only_reason: str = "",
        counters: Counters | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives the `at` of facts: seconds since the epoch."""
        self.access = access
        self.gate = ReadOnlyGate(is_read_only, read_only_reason, counters)
        self.limits = limits or Limits()
        self._clock = clock
        self._connection = Connection(access, self.gate, self.limits)
        self._sending: WriteConnection | None = None
        self._codecs = Codecs()
        self._trails: dict[tuple[Source, str], Trail] = {}

    @property
    def counters(self) -> Counters:
        return self.gate.counters

    async def close(self) -> None:
        await self._connection.close()
        if self._sending is not None:
            await self._sending.close()

    @cached_property
    def writer(self) -> Writer:
        """What operations change the cluster by; read-only holds for it too."""
        from clients.kubernetes.write_connection import WriteConnection
        from clients.kubernetes.writing import Writer

        self._sending = WriteConnection(self.access, self.gate, self.limits)
        return Writer(self._connection, self._sending)

    @cached_property
    def leases(self) -> ClusterLeases:
        """Keep it for as long as locks matter: it knows since when it has seen a lease unchanged."""
        from clients.kubernetes.leases import ClusterLeases

        return ClusterLeases(self.writer, self._clock)

    def watch(self, source: Source, namespace: str) -> AsyncGenerator[Fact, None]:
        """One attempt: pages of a list (or none, where the last attempt's version is still good), `StreamChanged` LIVE,
        then what happens. LIVE comes again with every sign of life. `namespace` "" is all of them. It ends only by raising.
        """
        trail = self._trails.setdefault((source, namespace), Trail())
        stream = Stream(self._connection, source, namespace, self._codecs[source], trail, self._clock)
        return watching.poll(stream) if source is Source.POD_USAGE else watching.follow(stream)

    def forget_versions(self) -> None:
        """The next attempt of every stream lists anew: for whoever has not kept what was told."""
        self._trails.clear()

    def follow_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        tail: int | None = 200,
        since_at: float | None = None,
    ) -> AsyncGenerator[LogLine, None]:
        """Sanitised lines, oldest first; ends when the container does. NotFoundError says why there is no log (yet)."""
        log = log_stream.LogOf(namespace, pod, container, previous, True, tail, since_at)
        return log_stream.follow_log(self._connection, log, self._clock)

    async def read_log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 200
    ) -> tuple[LogLine, ...]:
        """The last `tail` lines there are now."""
        log = log_stream.LogOf(namespace, pod, container, previous, False, tail)
        return tuple([line async for line in log_stream.follow_log(self._connection, log, self._clock)])

    async def read_yaml(self, kind: str, namespace: str, name: str) -> str:
        """Sanitised, without managedFields; of a secret only the keys and the sizes."""
        return objects.as_yaml(await objects.read_object(self._connection, kind, namespace, name))

    async def probe(self) -> float:
        """`GET /livez`; the server's clock (epoch seconds). Any answer below 500 is one: it lives, even if it refuses."""
        ask = Ask("/livez", Asked("get", "/livez"), Kind.PROBE, accept="*/*")
        async with self._connection.open(ask, timeout_s=self.limits.probe_s, is_refusal_raised=False) as answer:
            body = await answer.read()
            if answer.status >= 500 or answer.status == 429:
                raise refusal(answer.status, answer.headers, body, ask.asked)
            return server_time(answer.headers.get("Date", "")) or self._clock()

    async def who_am_i(self) -> str:
        """The user name as the API server knows it."""
        return await reviews.who_am_i(self._connection)

    async def is_permitted(
        self, verb: str, resource: str, *, group: str = "", subresource: str = "", namespace: str = "", name: str = ""
    ) -> bool:
        return await reviews.is_permitted(
            self._connection, verb, resource, group=group, subresource=subresource, namespace=namespace, name=name
        )

    async def proxy_get(self, path: str, *, timeout_s: float = 5, limit_bytes: int = 65536) -> ProxyAnswer:
        """GET behind a service or pod: `/api/v1/namespaces/N/services/http:NAME:PORT/proxy/PATH?QUERY`."""
        return await proxying.proxy_get(self._connection, path, timeout_s=timeout_s, limit_bytes=limit_bytes)

    async def read_services(self, namespace: str = "") -> tuple[ServiceRef, ...]:
        return await services.read_services(self._connection, namespace)

    async def read_namespaces(self) -> tuple[str, ...]:
        return await services.read_namespaces(self._connection)

    async def open_shell(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, greeting: str = ""
    ) -> int | None:
        """On this process's own terminal, which must be free; the exit code once it has ended, None where none is told."""
        from clients.kubernetes.terminal_session import lend_terminal

        async with self.execute(namespace, pod, container, command) as running:
            return await lend_terminal(running, greeting)

    def execute(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        is_tty: bool = True,
        has_input: bool = True,
    ) -> AbstractAsyncContextManager[Shell]:
        """`async with cluster.execute(…) as shell: async for output in shell: …`; then `shell.exit_code`."""
        return shell.open_shell(self._connection, namespace, pod, container, command, is_tty=is_tty, has_input=has_input)
