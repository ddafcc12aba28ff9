"""Health and metrics behind an API server's proxy, asked with the cluster's own client and past its read-only gate."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from clients.health import HealthSource
from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.cluster import Cluster
from clients.prometheus import PrometheusSource, configured_path, through_cluster
from domain.errors import ForbiddenError, NotFoundError, OutsideError, UnreachableError
from domain.health import HealthAnswer, endpoints_of
from domain.metrics import MetricQuery, Unit
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe
from domain.workloads import Workload, WorkloadKey, WorkloadKind
from tests.clients.http_stage import Play, Stage, answer, dripping, endless, never, redirect, staged

BACKEND = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend")
PROBE = Probe("liveness", "/health/live", "8080", "HTTP", 0, 10, 3, 1)
CONTAINER = ContainerSpec("app", ContainerRole.MAIN, "shop:1", (PROBE,))
WORKLOAD = Workload(
    "u", "shop", "shop-backend", WorkloadKind.DEPLOYMENT, 1, 1, 0.0, 1, 1, 1, 1, 1, PodTemplate((CONTAINER,))
)
ENDPOINTS = endpoints_of(WORKLOAD, "web-1")
POD = "/api/v1/namespaces/shop/pods/web-1:8080/proxy"
PROMETHEUS = "/api/v1/namespaces/monitoring/services/http:prometheus:web/proxy"
UP = MetricQuery("up", "up", "sum(up)", Unit.COUNT)
MATRIX = {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "1"], [2, "NaN"], [3, "4.5"]]}]}


def refusal(status: int, message: str) -> Play:
    """What an API server says in its own name."""
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
    return answer(status, json.dumps(told), {"Content-Type": "application/json"})


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as it:
        yield it


@pytest.fixture
async def cluster(stage: Stage) -> AsyncIterator[Cluster]:
    it = Cluster(ClusterAccess("t", "t", "oncall", "shop", stage.url), is_read_only=True)
    yield it
    await it.close()


async def ask(cluster: Cluster) -> tuple[HealthAnswer, ...]:
    return await HealthSource(cluster, timeout_s=0.5, limit_bytes=65536).ask(ENDPOINTS)


async def test_a_guessed_endpoint_that_is_not_there_is_left_out(stage: Stage, cluster: Cluster) -> None:
    stage.plays[f"{POD}/health/live"] = answer(200, '{"status": "healthy", "checks": {"database": "ok"}}')
    (told,) = await ask(cluster)
    assert told.is_healthy
    assert told.checks[0].name == "database"
    assert {path for path, _ in stage.seen} == {f"{POD}/health/live", f"{POD}/health"}


@pytest.mark.parametrize(
    ("play", "status", "error"),
    [
        (answer(404, "404 page not found"), 404, "404 page not found"),
        (refusal(404, 'pods "web-1" not found'), None, 'pods "web-1" not found'),
        (refusal(503, "error trying to reach service: dial tcp: connection refused"), None, "connection refused"),
        (refusal(403, 'pods "web-1" is forbidden: cannot get resource "pods/proxy"'), None, "pods/proxy"),
        (redirect("/login"), 302, "redirect"),
        (never, None, "o answer within"),
        (dripping, None, "o answer within"),
        (endless, 200, ""),
    ],
    ids=[
        "its own 404",
        "no such pod",
        "nobody listens",
        "forbidden",
        "redirect",
        "silent",
        "one byte at a time",
        "endless",
    ],
)
async def test_the_pods_word_is_told_from_the_api_servers(
    stage: Stage, cluster: Cluster, play: Play, status: int | None, error: str
) -> None:
    stage.plays[f"{POD}/health/live"] = play
    told = (await ask(cluster))[0]
    assert told.endpoint.title == "/health/live"
    assert told.status_code == status
    assert error in told.error


async def test_without_a_cluster_the_reason_is_told() -> None:
    told = await HealthSource().ask(ENDPOINTS)
    assert "no cluster" in told[0].error


async def read(cluster: Cluster) -> tuple[tuple[float, float], ...]:
    path = configured_path("monitoring/prometheus:web")
    source = PrometheusSource(through_cluster(cluster, path, timeout_s=0.5))
    (series,) = await source.read([UP], BACKEND, {}, since_at=None)
    assert not series.error
    return series.points


async def test_metrics_come_through_the_same_gate(stage: Stage, cluster: Cluster) -> None:
    stage.plays[f"{PROMETHEUS}/api/v1/query_range"] = answer(200, json.dumps({"status": "success", "data": MATRIX}))
    assert await read(cluster) == ((1.0, 1.0), (3.0, 4.5))
    assert len(stage.seen) == 1
    assert stage.seen[0][0].partition("?")[2].startswith("query=sum%28up%29&start=")


@pytest.mark.parametrize(
    ("play", "error", "words"),
    [
        (refusal(403, 'services "http:prometheus:web" is forbidden'), ForbiddenError, "is forbidden"),
        (refusal(404, 'services "prometheus" not found'), NotFoundError, "not found"),
        (refusal(503, "no endpoints available for service"), UnreachableError, "no endpoints"),
        (redirect("http://169.254.169.254/"), OutsideError, "elsewhere"),
        (never, UnreachableError, "o answer within"),
        (dripping, UnreachableError, "o answer within"),
    ],
    ids=["forbidden", "no such service", "no endpoints", "redirect", "silent", "one byte at a time"],
)
async def test_trouble_on_the_way_is_told(
    stage: Stage, cluster: Cluster, play: Play, error: type[OutsideError], words: str
) -> None:
    stage.plays[f"{PROMETHEUS}/*"] = play
    with pytest.raises(error, match=words) as caught:
        await read(cluster)
    assert caught.value.hint


async def test_a_forbidden_proxy_names_the_missing_right(stage: Stage, cluster: Cluster) -> None:
    stage.plays[f"{PROMETHEUS}/*"] = refusal(403, "no")
    with pytest.raises(ForbiddenError) as caught:
        await read(cluster)
    assert (caught.value.verb, caught.value.resource) == ("get", "services/proxy")
