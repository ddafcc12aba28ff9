"""Which Prometheus and which health endpoints belong to what is being watched: configured first, else found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from app.resolve_scope import environment_of
from domain.errors import ForbiddenError, NotFoundError
from domain.fleet import Fleet
from domain.health import HealthEndpoint, endpoints_of, pod_to_ask
from domain.workloads import WorkloadKey

if TYPE_CHECKING:
    from app.config import Config
    from clients.health import HealthSource
    from clients.kubernetes.cluster import Cluster
    from clients.kubernetes.services import ServiceRef
    from clients.prometheus import PrometheusSource
    from domain.scope import Scope

USUAL_NAMESPACES = ("monitoring", "prometheus", "observability")


async def find_metrics(cluster: Cluster, config: Config, scope: Scope) -> PrometheusSource:
    """NotFoundError, with what to do, where there is none."""
    from clients.prometheus import (
        PrometheusSource,
        at_url,
        configured_path,
        find_prometheus,
        service_path,
        through_cluster,
    )

    place = config.prometheus_of(scope.environment)
    if place.url:
        connect = at_url(place.url)
    elif place.service:
        connect = through_cluster(cluster, configured_path(place.service))
    else:
        service = find_prometheus(await services_to_search(cluster, scope.namespace), scope.namespace)
        if service is None:
            raise NotFoundError(
                "no Prometheus was found in the cluster",
                "Set prometheus.url or prometheus.service in quarterdeck.toml.",
                system="Prometheus",
            )
        connect = through_cluster(cluster, service_path(service))
    return PrometheusSource(connect, labels=place.labels)


async def services_to_search(cluster: Cluster, namespace: str) -> Sequence[ServiceRef]:
    """All there are; where that is not permitted, those of the namespaces that a Prometheus usually lives in."""
    try:
        return await cluster.read_services()
    except ForbiddenError:
        found: list[ServiceRef] = []
        for place in dict.fromkeys((namespace, *USUAL_NAMESPACES)):
            with suppress(ForbiddenError, NotFoundError):
                found += await cluster.read_services(place) if place else ()
        return found


def health_source(cluster: Cluster, config: Config) -> HealthSource:
    from clients.health import HealthSource

    return HealthSource(cluster, allowed_hosts=config.health_hosts, timeout_s=config.health_timeout_s)


def health_endpoints(config: Config, fleet: Fleet, key: WorkloadKey) -> Sequence[HealthEndpoint]:
    """What to ask about the workload: the environment's URLs where it is the backend, and its probes' paths."""
    rollout = fleet.rollouts.get(key)
    if rollout is None:
        return ()
    environment = environment_of(fleet.scope, config)
    urls = environment.health_urls if environment and key.name == environment.backend else ()
    pods = [fleet.pods[uid] for uid in (*rollout.new_pods, *rollout.old_pods) if uid in fleet.pods]
    pod = pod_to_ask(pods)
    return endpoints_of(rollout.workload, pod.name if pod else "", urls=urls)
