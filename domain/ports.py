"""What the deciding half asks of the outside world; `clients` implements these, `app` hands them over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from domain.facts import Fact
from domain.health import HealthAnswer, HealthEndpoint
from domain.log_lines import LogLine
from domain.metrics import MetricQuery, Series
from domain.streams import Source
from domain.workloads import WorkloadKey


class ClusterReader(Protocol):
    """A cluster, read only."""

    def watch(self, source: Source, namespace: str) -> AsyncIterator[Fact]:
        """One attempt: list, then follow, until the stream ends or raises an OutsideError. The supervisor restarts it."""
        ...

    def follow_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        tail: int | None = 200,
        since_at: float | None = None,
    ) -> AsyncIterator[LogLine]:
        """Sanitised lines, oldest first; ends when the container does."""
        ...

    async def read_yaml(self, kind: str, namespace: str, name: str) -> str:
        """The object as sanitised YAML without managedFields; the values of secrets are never in it."""
        ...

    async def probe(self) -> float:
        """`GET /livez` within 2 s; the server's clock (epoch seconds, from its Date header)."""
        ...


class MetricSource(Protocol):
    async def read(
        self,
        queries: Sequence[MetricQuery],
        workload: WorkloadKey,
        labels: Mapping[str, str],
        *,
        since_at: float | None,
    ) -> tuple[Series, ...]: ...


class HealthSource(Protocol):
    async def ask(self, endpoints: Sequence[HealthEndpoint]) -> tuple[HealthAnswer, ...]: ...
