"""What stands around the workloads: metrics-server, Prometheus, health endpoints. Each is good to have, none is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from app.commands.checks import Check, State, failed, good, warning
from app.commands.observing import observing
from app.config import Config
from app.sources import find_metrics, health_endpoints, health_source
from domain.errors import QuarterdeckError
from domain.fleet import Fleet
from domain.scope import Scope
from domain.workloads import WorkloadKey, WorkloadKind

if TYPE_CHECKING:
    from clients.kubernetes.cluster import Cluster

_MOST_ASKED = 12


async def usage_check(cluster: Cluster) -> Check:
    name = "metrics-server"
    try:
        answer = await cluster.proxy_get("/apis/metrics.k8s.io/v1beta1")
    except QuarterdeckError as error:
        return failed("around", name, error, state=State.WARNING)
    if answer.status == 200:
        return good("around", name, "CPU and memory of pods are known")
    hint = "Install metrics-server to see them; everything else works without."
    return warning("around", name, f"metrics.k8s.io is not served ({answer.status}): no CPU and memory of pods", hint)


async def prometheus_check(cluster: Cluster, config: Config, scope: Scope) -> Check:
    place = config.prometheus_of(scope.environment)
    name = "Prometheus"
    try:
        source = await find_metrics(cluster, config, scope)
        workload = WorkloadKey(scope.namespace or "default", WorkloadKind.DEPLOYMENT, "quarterdeck-doctor")
        try:
            (series,) = await source.read(config.metric_queries(scope.environment)[:1], workload, {}, since_at=None)
        finally:
            await source.close()
    except QuarterdeckError as error:
        return failed("around", name, error, state=State.WARNING)
    if series.error:
        return warning("around", name, series.error, series.hint or "Set prometheus.url or prometheus.service.")
    return good("around", name, f"answers ({place.url or place.service or 'found in the cluster'})")


async def health_checks(cluster: Cluster, config: Config, fleet: Fleet) -> AsyncIterator[Check]:
    keys = [key for key in fleet.rollouts if health_endpoints(config, fleet, key)]
    source = health_source(cluster, config)
    try:
        for key in keys[:_MOST_ASKED]:
            for answer in await source.ask(health_endpoints(config, fleet, key)):
                what = f"{key} {answer.endpoint.title}"
                said = answer.error or f"{answer.status_code} {answer.word}".rstrip()
                if answer.is_healthy:
                    yield good("health endpoints", what, f"{said}, {answer.latency_ms:.0f} ms")
                else:
                    yield warning("health endpoints", what, said, _health_hint(answer.endpoint.via))
    finally:
        await source.close()
    if not keys:
        yield good("health endpoints", "none", "no workload here has an HTTP probe, and none is configured")
    elif len(keys) > _MOST_ASKED:
        yield good("health endpoints", "more", f"{len(keys) - _MOST_ASKED} workloads were not asked")


def _health_hint(via: str) -> str:
    if via == "direct":
        return "Try it with `curl -v` from this host; environments.NAME.health in quarterdeck.toml names the address."
    return "The workload itself may be unwell; or ask for the right to get pods/proxy."


async def look_around(cluster: Cluster, config: Config, scope: Scope) -> AsyncIterator[Check]:
    yield await usage_check(cluster)
    yield await prometheus_check(cluster, config, scope)
    try:
        async with observing(cluster.access, scope, config) as observation:
            fleet = observation.fleet
    except QuarterdeckError as error:
        yield failed("health endpoints", "workloads", error, state=State.WARNING)
        return
    async for check in health_checks(cluster, config, fleet):
        yield check
