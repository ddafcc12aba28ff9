"""The demo application: its health, its logs, its metrics, as they are seen through the API server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from practice.kinds import PODS
from practice.scenarios import Step
from practice.serve import PracticeCluster
from tests.practice.http import PROMETHEUS, SHOP, Client, until

SERVICE = f"{SHOP}/services/shop-backend:http/proxy"
SCOPED = 'namespace="shop-practice",pod=~"shop-backend-.*"'


def _roll(cluster: PracticeCluster, tag: str) -> None:
    cluster.world.do(Step(0, "set-image", "shop-backend", tag, cause=tag))


async def _pod(cluster: PracticeCluster, tag: str, **wanted: Any) -> str:
    """The name of a pod of that version whose container status says so."""

    def found() -> str:
        for pod in cluster.world.store.each(PODS, "shop-practice"):
            status = (pod["status"].get("containerStatuses") or [{}])[0]
            image = pod["spec"]["containers"][0]["image"]
            if image.endswith(f"backend:{tag}") and all(str(status.get(k)) == str(v) for k, v in wanted.items()):
                return str(pod["metadata"]["name"])
        return ""

    await until(found)
    return found()


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_health_names_its_checks(client: Client, path: str) -> None:
    status, said = await client.get(f"{SERVICE}{path}")
    checks = {"database": "ok", "redis": "ok", "storage": "ok"}
    assert (status, said) == (200, {"status": "healthy", "checks": checks, "version": "v1.8.2"})
    assert (await client.get(f"{SERVICE}/health/live"))[1]["status"] == "healthy"
    assert (await client.get(f"{SERVICE}/nothing"))[0] == 404


async def test_one_pod_can_be_asked(client: Client) -> None:
    name = next(name for name in await client.names() if name.startswith("shop-web"))
    for pod in (name, f"{name}:8080", f"http:{name}:8080"):
        status, said = await client.get(f"{SHOP}/pods/{pod}/proxy/health/ready")
        assert (status, said["checks"]) == (200, {"backend": "ok"})
    status, said = await client.get(f"{SHOP}/pods/{name}:9999/proxy/health")
    assert status == 503 and "connection refused" in said["message"]
    assert (await client.get(f"{SHOP}/pods/gone/proxy/health"))[0] == 404
    assert (await client.get(f"{SHOP}/services/gone/proxy/health"))[0] == 404


async def test_a_pod_that_is_not_ready_says_why(cluster: PracticeCluster, client: Client) -> None:
    _roll(cluster, "unready")
    name = await _pod(cluster, "unready", started=True)
    status, said = await client.get(f"{SHOP}/pods/{name}/proxy/health/ready")
    assert (status, said["status"], said["checks"]["database"]) == (503, "unhealthy", "timeout")


async def test_a_crashed_container_leaves_its_last_words(cluster: PracticeCluster, client: Client) -> None:
    _roll(cluster, "crash")
    name = await _pod(cluster, "crash", restartCount=2)
    _, text = await client.get(f"{SHOP}/pods/{name}/log", previous="true")
    assert text.splitlines()[-1] == "cannot reach database"
    _, stamped = await client.get(f"{SHOP}/pods/{name}/log", previous="true", timestamps="true", tailLines="1")
    stamp, _, words = stamped.strip().partition(" ")
    assert words == "cannot reach database" and len(stamp) == len("2026-11-24T05:53:19.159984000Z")
    status, said = await client.get(f"{SHOP}/pods/{name}/log", container="nobody")
    assert (status, said["message"]) == (400, f"container nobody is not valid for pod {name}")


async def test_there_is_no_log_without_a_run(cluster: PracticeCluster, client: Client) -> None:
    _roll(cluster, "missing")
    name = await _pod(cluster, "missing", imageID="")
    await until(lambda: "waiting" in str(cluster.world.store.get(PODS, "shop-practice", name)["status"]))
    status, said = await client.get(f"{SHOP}/pods/{name}/log")
    assert status == 400 and f'container "shop-backend" in pod "{name}" is waiting to start: ' in said["message"]
    old = next(each for each in await client.names() if each.startswith("shop-worker"))
    status, said = await client.get(f"{SHOP}/pods/{old}/log", previous="true")
    assert (status, said["message"]) == (400, f'previous terminated container "shop-worker" in pod "{old}" not found')


async def test_a_log_can_be_followed(client: Client) -> None:
    name = next(name for name in await client.names() if name.startswith("shop-backend"))
    lines = []
    async with asyncio.timeout(10):
        async for line in client.stream(f"{SHOP}/pods/{name}/log", follow="true", tailLines="2"):
            lines.append(line)
            if len(lines) == 4:
                break
    assert len(set(lines)) > 1 and all(line.startswith(b"GET /api/") for line in lines)


async def test_a_followed_log_ends_with_its_container(cluster: PracticeCluster, client: Client) -> None:
    name = next(name for name in await client.names() if name.startswith("shop-web"))
    stream = client.stream(f"{SHOP}/pods/{name}/log", follow="true", tailLines="1")
    await anext(stream)
    await client.delete(f"{SHOP}/pods/{name}")
    async with asyncio.timeout(10):
        async for _ in stream:
            pass


async def test_metrics_are_exposed(client: Client) -> None:
    status, text = await client.get(f"{SERVICE}/metrics")
    assert status == 200
    assert 'http_requests_total{status="200",method="GET"}' in text
    assert 'http_request_duration_seconds_bucket{le="+Inf"}' in text


async def _query(client: Client, query: str, **more: str) -> tuple[int, Any]:
    return await client.get(f"{PROMETHEUS}/api/v1/query", query=query, **more)


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        (f"sum(rate(http_requests_total{{{SCOPED}}}[5m]))", 370, 450),
        (
            f'(sum(rate(http_requests_total{{status=~"5..",{SCOPED}}}[5m])) or vector(0))'
            f" / sum(rate(http_requests_total{{{SCOPED}}}[5m]))",
            0.001,
            0.004,
        ),
        (f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{SCOPED}}}[5m])))", 0.15, 0.21),
        (f"sum(kube_pod_container_status_restarts_total{{{SCOPED}}})", 0, 0),
        (f"sum(kube_pod_container_status_restarts_total{{{SCOPED}}} offset 300s)", 0, 0),
        ('count(up{namespace="shop-practice"} == 1)', 11, 11),
        ("vector(0) or vector(1)", 0, 0),
        ("max(http_requests_total) > bool 0", 1, 1),
        ("-sum(up) + 2 * 3", -6, -6),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_prometheus_answers_what_a_control_room_asks(client: Client, query: str, low: float, high: float) -> None:
    status, said = await _query(client, query)
    assert (status, said["data"]["resultType"]) == (200, "vector")
    assert len(said["data"]["result"]) == 1
    assert low <= float(said["data"]["result"][0]["value"][1]) <= high


async def test_prometheus_has_a_past(cluster: PracticeCluster, client: Client) -> None:
    now = cluster.world.clock.now()
    span = {"start": str(now - 1800), "end": str(now), "step": "60"}
    query = f"sum(rate(http_requests_total{{{SCOPED}}}[5m]))"
    status, said = await client.get(f"{PROMETHEUS}/api/v1/query_range", query=query, **span)
    assert (status, said["data"]["resultType"]) == (200, "matrix")
    points = said["data"]["result"][0]["values"]
    assert len(points) == 31 and all(370 < float(value) < 450 for _, value in points)
    assert (await client.get(f"{PROMETHEUS}/-/ready"))[1] == "Prometheus Server is Ready.\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("predict_linear(up[1h], 60)", 'does not know the function "predict_linear"'),
        ("sum(rate(up))", "expected type range vector"),
        ("up[5m]", "range vector"),
        ("up * on(pod) up", 'does not know "on"'),
        ("sum(", "unexpected end of input"),
        ("", "no expression found"),
        ('{job="a"}', "needs the name of a series"),
        ("up ~ 1", "unexpected character"),
        ('up{pod=~"["}', "regular expression"),
    ],
)
async def test_prometheus_refuses_the_rest_in_words(client: Client, query: str, said: str) -> None:
    status, answer = await _query(client, query)
    assert (status, answer["status"], answer["errorType"]) == (400, "error", "bad_data")
    assert said in answer["error"]


async def test_errors_show_in_the_series_of_a_bad_version(cluster: PracticeCluster, client: Client) -> None:
    from practice.images import Image

    bad = Image("*", errors=0.5)
    for series in cluster.world.traffic.pods.values():
        series.image = bad
    cluster.world.traffic._scrape(cluster.world.clock.now() + 15)
    query = f'rate(http_requests_total{{status="500",{SCOPED}}}[1m])'
    _, said = await _query(client, f"sum({query})", time=str(cluster.world.clock.now() + 16))
    assert float(said["data"]["result"][0]["value"][1]) > 20
