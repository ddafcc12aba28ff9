"""One cluster, as everything else sees it: implements `domain.ports.ClusterReader` over one connection."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.decoding import Codecs
from clients.kubernetes.gate import Counters, ReadOnlyGate
from clients.kubernetes.limits import Limits
from clients.kubernetes.watching import Stream, Trail, follow
from domain.facts import Fact
from domain.streams import Source

if TYPE_CHECKING:
    from clients.kubernetes.connection import Connection


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
        from clients.kubernetes.connection import Connection

        self.access = access
        self.gate = ReadOnlyGate(is_read_only, read_only_reason, counters)
        self.limits = limits or Limits()
        self._clock = clock
        self._connection: Connection = Connection(access, self.gate, self.limits)
        self._codecs = Codecs()
        self._trails: dict[tuple[Source, str], Trail] = {}

    async def close(self) -> None:
        await self._connection.close()

    def watch(self, source: Source, namespace: str) -> AsyncIterator[Fact]:
        """One attempt: pages of a list (or nothing, where the last attempt's version is still good), `StreamChanged` LIVE,
        then what happens. LIVE comes again with every sign of life. It ends only by raising.
        """
        trail = self._trails.setdefault((source, namespace), Trail())
        return follow(Stream(self._connection, source, namespace, self._codecs[source], trail, self._clock))
