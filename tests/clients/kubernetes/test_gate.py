"""Read-only is decided in one place, before anything leaves: by method and path, never by who asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.first_page import read_first_page
from clients.kubernetes.gate import Counters, Kind, ReadOnlyGate
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.refusals import Asked
from domain.errors import OutsideError, RefusedError
from domain.streams import Source
from tests.cluster.control_plane import ControlPlane
from tests.faults.api_server import ApiServer, pod, serving
from tests.faults.following import QUICK

POD = "/api/v1/namespaces/shop/pods/web"
REVIEWS = "/apis/authorization.k8s.io/v1"
PASSED = (
    ("GET", "/livez"),
    ("GET", "/api/v1/pods"),
    ("HEAD", POD),
    ("GET", f"{POD}/log"),
    ("GET", f"{POD}/proxy/health/ready"),
    ("GET", f"{POD}/proxy/"),
    ("GET", "/api/v1/namespaces/shop/services/http:web:80/proxy/metrics"),
    ("GET", "/api/v1/namespaces/exec/pods/attach"),
    ("GET", "/api/v1/namespaces/exec"),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/portforward"),
    ("POST", f"{REVIEWS}/selfsubjectaccessreviews"),
    ("POST", f"{REVIEWS}/selfsubjectrulesreviews"),
    ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
)
REFUSED = (
    ("POST", POD),
    ("PUT", POD),
    ("PATCH", POD),
    ("DELETE", POD),
    ("OPTIONS", POD),
    ("get", POD),
    ("POST", f"{REVIEWS}/subjectaccessreviews"),
    ("POST", f"{REVIEWS}/selfsubjectaccessreviews/x"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews%2f..%2f..%2f..%2fapi"),
    ("POST", f"{POD}/eviction"),
    ("POST", f"{POD}/proxy/reset"),
    ("GET", f"{POD}/exec"),
    ("GET", f"{POD}/attach"),
    ("GET", f"{POD}/portforward"),
    ("GET", f"{POD}/%65xec"),
    ("GET", f"{POD}/%2565xec"),
    ("GET", f"{POD}//exec"),
    ("GET", f"{POD}/proxy/../exec"),
    ("GET", f"{POD}/proxy/%2e%2e/exec"),
    ("GET", "/api/v1/nodes/n1/proxy/run/shop/web/c"),
    ("GET", "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/vm/portforward"),
    ("GET", "api/v1/pods"),
    ("GET", ""),
)


@pytest.mark.parametrize(("method", "path"), PASSED)
def test_reading_passes(method: str, path: str) -> None:
    gate = ReadOnlyGate(is_read_only=True)
    gate.pass_request(method, path, Kind.OTHER)
    assert gate.counters.sent[Kind.OTHER] == 1


@pytest.mark.parametrize(("method", "path"), REFUSED)
def test_the_rest_is_refused_with_the_reason(method: str, path: str) -> None:
    gate = ReadOnlyGate(is_read_only=True, reason="environment production")
    with pytest.raises(RefusedError, match="environment production") as caught:
        gate.pass_request(method, path, Kind.OTHER)
    assert caught.value.hint
    assert (gate.counters.refused, gate.counters.sent.total()) == (1, 0)


@pytest.mark.parametrize("path", [f"{POD}/exec", f"{POD}/log", "/livez"])
def test_no_upgrade_passes_whatever_its_path(path: str) -> None:
    with pytest.raises(RefusedError):
        ReadOnlyGate(is_read_only=True).pass_request("GET", path, Kind.SHELL, is_upgrade=True)


@pytest.mark.parametrize(("method", "path"), REFUSED)
def test_without_read_only_everything_passes(method: str, path: str) -> None:
    ReadOnlyGate().pass_request(method, path, Kind.OTHER)


@pytest.fixture
async def strict_server() -> AsyncIterator[ApiServer]:
    """Answers reading, and keeps what must never arrive in `writes`."""
    server = ApiServer()
    server.put(pod("web-0"))
    async with serving(server) as running:
        yield running


async def test_whatever_is_asked_of_a_read_only_cluster_nothing_but_reading_arrives(strict_server: ApiServer) -> None:
    cluster = Cluster(strict_server.access(), is_read_only=True, limits=QUICK)
    connection: Connection = cluster._connection
    chance = random.Random(3)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE"]
    paths = [path for _, path in (*PASSED, *REFUSED)]
    for _ in range(300):
        ask = Ask(chance.choice(paths), Asked(), method=chance.choice(methods), body=b"{}")
        try:
            await connection.read(ask)
        except (RefusedError, OutsideError):
            continue
    with pytest.raises(RefusedError):
        async with cluster.execute("shop", "web", "c", ("sh",)):
            raise AssertionError("a shell was opened")
    await cluster.close()
    arrived = {(request.method, request.path) for request in strict_server.requests}
    assert arrived
    assert all(_is_reading(method, path) for method, path in arrived), arrived
    assert not any("Upgrade" in request.headers for request in strict_server.requests)


def _is_reading(method: str, path: str) -> bool:
    if method == "POST":
        return path.endswith(("/selfsubjectaccessreviews", "/selfsubjectrulesreviews", "/selfsubjectreviews"))
    return method in ("GET", "HEAD") and not path.startswith(
        tuple(f"{POD}/{verb}" for verb in ("exec", "attach", "portforward"))
    )


async def test_requests_are_counted_by_what_they_are_for(strict_server: ApiServer) -> None:
    counters = Counters()
    cluster = Cluster(strict_server.access(), counters=counters, limits=QUICK)
    facts = cluster.watch(Source.PODS, "shop")
    for _ in range(3):
        await anext(facts)
    await cluster.probe()
    await cluster.proxy_get(f"{POD}/proxy/health")
    await facts.aclose()
    await cluster.close()
    gate = ReadOnlyGate(counters=counters)
    assert await asyncio.to_thread(read_first_page, strict_server.access(), Source.PODS, "shop", gate=gate)
    assert counters.sent == {Kind.LIST: 2, Kind.WATCH: 1, Kind.PROBE: 1, Kind.OTHER: 1}
    assert counters.watching == 3
    assert counters.bytes_read > 0


@pytest.mark.cluster
async def test_a_real_server_sees_only_reading(control_plane: ControlPlane) -> None:
    cluster = Cluster(load_access(environ={"KUBECONFIG": str(control_plane.operator_kubeconfig)}), is_read_only=True)
    assert await cluster.who_am_i() == "oncall"
    assert await cluster.is_permitted("list", "pods")
    assert not await cluster.is_permitted("delete", "pods", namespace="default")
    assert not await cluster.is_permitted("create", "pods", subresource="exec", namespace="default")
    ask = Ask("/api/v1/namespaces/default/configmaps", Asked("create"), method="POST", body=b'{"metadata":{"name":"x"}}')
    with pytest.raises(RefusedError):
        await cluster._connection.read(ask)
    await cluster.close()
    verbs = {(entry["verb"], entry["objectRef"].get("resource")) for entry in control_plane.requests_of("oncall")}
    assert {resource for verb, resource in verbs if verb not in ("get", "list", "watch")} <= {
        "selfsubjectreviews",
        "selfsubjectaccessreviews",
    }
