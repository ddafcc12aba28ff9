"""The outside world of an operation, made from the place that its plan names: one session, and the ports on top of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.boot import open_scope
from app.options import Options
from app.places import state_folder
from app.session import Session
from domain.errors import RefusedError
from domain.fleet import Fleet
from domain.metrics import MetricQuery, Series
from domain.operations import Place
from domain.workloads import WorkloadKey

if TYPE_CHECKING:
    from actions.ports import Ports
    from clients.kubernetes.access import ClusterAccess
    from clients.prometheus import PrometheusSource

CONNECT_WITHIN_S = 30.0


class LiveFleets:
    """Implements `domain.operation_ports.FleetWatcher` on a session's snapshots."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._changed = asyncio.Event()

    def publish(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._changed.set()

    async def watch(self) -> AsyncIterator[Fleet]:
        """The newest snapshot first, then each newer one; what comes faster than it is looked at is passed over."""
        while True:
            fleet, changed = self._fleet, self._changed
            if changed.is_set():
                self._changed = asyncio.Event()
            if fleet is not None:
                yield fleet
            if fleet is self._fleet:
                await self._changed.wait()


class SessionClock:
    """Implements `domain.operation_ports.Clock`: the API server's time, because this host's may be wrong."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def now(self) -> float:
        return self._session.feeds.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FoundMetrics:
    """Implements `domain.ports.MetricSource`: Prometheus is looked for when first asked, not before the first write."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._source: PrometheusSource | None = None

    async def read(
        self, queries: Sequence[MetricQuery], workload: WorkloadKey, labels: Mapping[str, str], *, since_at: float | None
    ) -> tuple[Series, ...]:
        if self._source is None:
            from app.sources import find_metrics

            session = self._session
            self._source = await find_metrics(session.cluster, session.config, session.scope)
        return await self._source.read(queries, workload, labels, since_at=since_at)

    async def close(self) -> None:
        if self._source is not None:
            await self._source.close()


def place_of(session: Session) -> Place:
    scope = session.scope
    kubeconfig = os.environ.get("KUBECONFIG", "")
    paths = [str(Path(path).expanduser().absolute()) for path in kubeconfig.split(os.pathsep) if path]
    return Place(
        scope.context,
        scope.namespace,
        scope.server,
        scope.environment,
        scope.is_production,
        os.pathsep.join(paths),
        session.config.file,
    )


def helm_context(access: ClusterAccess) -> str:
    """As `helm --kube-context` takes it; "" inside a cluster, where there is no kubeconfig."""
    return "" if access.context == "in-cluster" and not access.user else access.context


def session_at(place: Place, fleets: LiveFleets) -> Session:
    """Blocking. RefusedError where the context now leads to another cluster than the one that was confirmed."""
    if place.kubeconfig:
        os.environ["KUBECONFIG"] = place.kubeconfig
    options = Options(
        context=place.context,
        namespace=place.namespace,
        config_file=place.config_file,
        no_config=not place.config_file,
    )
    access, scope, config = open_scope(options)
    if scope.server != place.server:
        raise RefusedError(
            f"Context {place.context} leads to {scope.server} now; the plan was made for {place.server}.",
            "Make the plan anew.",
        )
    return Session(access, scope, config, fleets.publish)


@asynccontextmanager
async def outside(session: Session, fleets: LiveFleets) -> AsyncIterator[Ports]:
    """While the session, which must have been started, can be used."""
    from actions.ports import Ports
    from app.secrets import secrets_of
    from app.sources import health_source
    from clients.commands import HostCommands
    from clients.helm import HelmClient
    from clients.registry import ImageRegistry
    from clients.secret_logins import registry_logins

    async with asyncio.timeout(CONNECT_WITHIN_S):
        await session.is_up.wait()
    metrics, registry = FoundMetrics(session), ImageRegistry(registry_logins(secrets_of(session.config)))
    yield Ports(
        cluster=session.cluster.writer,
        leases=session.cluster.leases,
        fleet=fleets,
        commands=HostCommands(),
        clock=SessionClock(session),
        health=health_source(session.cluster, session.config),
        metrics=metrics,
        registry=registry,
        helm=HelmClient(
            session.cluster.writer,
            helm_context(session.access),
            folder=state_folder(create=False) / "operations",
            is_read_only=session.scope.is_read_only,
        ),
        queries=session.config.metric_queries(session.scope.environment),
    )
    await metrics.close()
    await registry.close()
