"""Where the API keeps what we read: no discovery is asked, these paths are stable (all are v1 but the metrics)."""

from __future__ import annotations

from urllib.parse import quote

from clients.kubernetes.refusals import Asked
from domain.streams import Source

PREFIXES = {
    Source.PODS: "/api/v1",
    Source.OCCURRENCES: "/api/v1",
    Source.DEPLOYMENTS: "/apis/apps/v1",
    Source.STATEFUL_SETS: "/apis/apps/v1",
    Source.DAEMON_SETS: "/apis/apps/v1",
    Source.REPLICA_SETS: "/apis/apps/v1",
    Source.CONTROLLER_REVISIONS: "/apis/apps/v1",
    Source.POD_USAGE: "/apis/metrics.k8s.io/v1beta1",
}
"""The sources that a cluster has."""


def resource_of(source: Source) -> str:
    """As RBAC names it."""
    return "pods.metrics.k8s.io" if source is Source.POD_USAGE else source.value


def collection(source: Source, namespace: str) -> str:
    plural = "pods" if source is Source.POD_USAGE else source.value
    within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{PREFIXES[source]}{within}/{plural}"


def asked(source: Source, verb: str, namespace: str) -> Asked:
    return Asked(verb, resource_of(source), namespace)
