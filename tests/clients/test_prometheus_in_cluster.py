"""A real Prometheus behind a real control plane: found by itself, and asked through the API server's proxy."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clients.health import HealthSource
from clients.kubernetes.cluster import Cluster
from clients.kubernetes.kubeconfig import load_access
from clients.prometheus import PrometheusSource, find_prometheus, service_path, through_cluster
from domain.errors import ForbiddenError
from domain.health import HealthEndpoint, proxy_path
from domain.metrics import DEFAULT_QUERIES
from domain.workloads import WorkloadKey, WorkloadKind
from tests.clients.prometheus_server import Exposed, real_prometheus
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kube_api import RefusedByApiError
from tests.cluster.manifests import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.prometheus]

SHOP = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend")
RESTARTS = (
    'kube_pod_container_status_restarts_total{namespace="shop",pod="shop-backend-7f9c4d-k2lxv",container="app",uid="1"}'
)


def own_address() -> str:
    """One that is not loopback: the API server refuses those for endpoints."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


@pytest.fixture
def service(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[str]:
    """The namespace where a Service called `prometheus` leads to the real one."""
    exposed = Exposed()
    exposed.values = {RESTARTS: 3.0}
    try:
        address = own_address()
    except OSError:
        pytest.skip("no address but loopback")
    with real_prometheus(tmp_path, exposed, address) as url:
        _place_pod(control_plane, namespace, address)
        control_plane.apply(_service(namespace), _endpoints(namespace, address, urlsplit(url).port or 0))
        control_plane.wait_for("the proxy to reach it", lambda: _is_reachable(control_plane, namespace), timeout_s=20)
        yield namespace


def _is_reachable(control_plane: ControlPlane, namespace: str) -> bool:
    try:
        control_plane.api.get(f"/api/v1/namespaces/{namespace}/services/http:prometheus:web/proxy/-/ready")
    except RefusedByApiError:
        return False
    return True


def _place_pod(control_plane: ControlPlane, namespace: str, address: str) -> None:
    """The API server's proxy goes to no address but a pod's: one of kwok's, that is said to have ours."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    containers = [{"name": "prometheus", "image": "prometheus:v2"}]
    pod = {"metadata": {"name": "prometheus-0"}, "spec": {"nodeName": "node-0", "containers": containers}}
    control_plane.api.create(path, pod)

    def is_running() -> bool:
        found = control_plane.api.get(f"{path}/prometheus-0")
        return bool(found["status"]["phase"] == "Running")

    control_plane.wait_for("the pod", is_running)
    status = {"podIP": address, "podIPs": [{"ip": address}]}
    control_plane.api.patch(f"{path}/prometheus-0/status", {"status": status})


def _service(namespace: str) -> Manifest:
    meta = {"name": "prometheus", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"name": "web", "port": 9090}]}}


def _endpoints(namespace: str, address: str, port: int) -> Manifest:
    target = {"kind": "Pod", "namespace": namespace, "name": "prometheus-0"}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "prometheus", "namespace": namespace},
        "subsets": [{"addresses": [{"ip": address, "targetRef": target}], "ports": [{"name": "web", "port": port}]}],
    }


@pytest.fixture
async def cluster(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    rights = [{"apiGroups": [""], "resources": ["services", "services/proxy", "pods/proxy"], "verbs": ["get", "list"]}]
    name = f"metrics-{time.time_ns()}"
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig_with_rights(name, rights)))
    it = Cluster(load_access(), is_read_only=True)
    yield it
    await it.close()


async def test_it_is_found_and_read_with_the_right_to_get_the_proxy(cluster: Cluster, service: str) -> None:
    found = find_prometheus(await cluster.read_services(), service)
    assert found is not None
    assert (found.namespace, found.name) == (service, "prometheus")
    source = PrometheusSource(through_cluster(cluster, service_path(found)))
    deadline = time.monotonic() + 30
    while True:
        (series,) = await source.read(DEFAULT_QUERIES[3:], SHOP, {}, since_at=time.time() - 600)
        if series.value is not None or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.2)
    assert not series.error
    assert series.value == 3
    await source.close()


async def test_its_own_health_is_asked_through_the_pods_proxy(
    control_plane: ControlPlane, cluster: Cluster, service: str
) -> None:
    endpoints = control_plane.api.get(f"/api/v1/namespaces/{service}/endpoints/prometheus")
    port = str(endpoints["subsets"][0]["ports"][0]["port"])
    paths = [proxy_path(service, "pods", pod, port, "/-/healthy") for pod in ("prometheus-0", "prometheus-1")]
    here, gone = await HealthSource(cluster).ask([HealthEndpoint("/-/healthy", path, "pod") for path in paths])
    assert (here.status_code, here.is_healthy) == (200, True)
    assert (gone.status_code, gone.error) == (None, 'pods "prometheus-1" not found')


async def test_without_that_right_its_name_is_told(
    control_plane: ControlPlane, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.operator_kubeconfig))
    cluster = Cluster(load_access())
    path = f"/api/v1/namespaces/{service}/services/http:prometheus:web/proxy/"
    source = PrometheusSource(through_cluster(cluster, path))
    with pytest.raises(ForbiddenError, match="services/proxy") as caught:
        await source.read(DEFAULT_QUERIES, SHOP, {}, since_at=None)
    assert (caught.value.verb, caught.value.resource) == ("get", "services/proxy")
    await cluster.close()
