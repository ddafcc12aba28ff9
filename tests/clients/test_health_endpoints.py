"""Which endpoints a workload has, and how they are reached."""

from __future__ import annotations

import pytest

from domain.health import endpoints_of, pod_to_ask, proxy_path
from domain.pods import ContainerState, Pod
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe
from domain.workloads import Workload, WorkloadKind

POD = "/api/v1/namespaces/shop/pods"
SERVICE = "/api/v1/namespaces/shop/services"


def probe(kind: str, path: str, port: str = "http", scheme: str = "HTTP") -> Probe:
    return Probe(kind, path, port, scheme, 0, 10, 3, 1)


def workload(*probes: Probe, role: ContainerRole = ContainerRole.MAIN) -> Workload:
    container = ContainerSpec("app", role, "shop:1", probes, (("http", 8080), ("", 9000)))
    return Workload("u", "shop", "web", WorkloadKind.DEPLOYMENT, 1, 1, 0.0, 1, 1, 1, 1, 1, PodTemplate((container,)))


LIVE, READY = probe("liveness", "/health/live"), probe("readiness", "/health/ready")


def test_probes_are_asked_once_each_and_the_usual_path_as_a_guess() -> None:
    found = endpoints_of(workload(READY, LIVE, probe("startup", "/health/live")), "web-1")
    assert [(e.title, e.url, e.is_guess) for e in found] == [
        ("/health/live", f"{POD}/web-1:8080/proxy/health/live", False),
        ("/health/ready", f"{POD}/web-1:8080/proxy/health/ready", False),
        ("/health", f"{POD}/web-1:8080/proxy/health", True),
    ]


def test_a_probed_usual_path_is_no_guess() -> None:
    (found,) = endpoints_of(workload(probe("readiness", "/health")), "web-1")
    assert not found.is_guess


def test_a_service_stands_in_where_no_pod_runs() -> None:
    (found, *_) = endpoints_of(workload(LIVE), service="web:http")
    assert (found.url, found.via, found.where) == (f"{SERVICE}/http:web:http/proxy/health/live", "service", "web:http")


def test_configured_urls_come_first() -> None:
    found = endpoints_of(workload(LIVE), "web-1", urls=["https://app.shop.example/health"])
    assert [e.via for e in found] == ["direct", "pod", "pod"]
    assert found[0].where == "app.shop.example"


def test_https_probes_are_asked_over_https() -> None:
    (found, *_) = endpoints_of(workload(probe("liveness", "/live", "8443", "HTTPS")), "web-1")
    assert found.url == f"{POD}/https:web-1:8443/proxy/live"


@pytest.mark.parametrize(
    "found",
    [
        endpoints_of(workload(LIVE)),
        endpoints_of(workload(probe("liveness", "")), "web-1"),
        endpoints_of(workload(LIVE, role=ContainerRole.SIDECAR), "web-1"),
        endpoints_of(workload(), "web-1"),
    ],
    ids=["nobody to ask", "not an HTTP probe", "a sidecar's", "no probe"],
)
def test_nothing_to_ask(found: tuple[object, ...]) -> None:
    assert found == ()


@pytest.mark.parametrize(
    "path", ["/../../secrets", "/a/..", "/a/%2e%2e/b", "/%252e%252e/b", "/a\\..\\b", "/./x", "/a/..?x=1"]
)
def test_a_path_that_would_leave_the_proxy_is_not_asked(path: str) -> None:
    assert proxy_path("shop", "pods", "web-1", "8080", path) == ""
    assert all("/proxy/health" in e.url for e in endpoints_of(workload(probe("liveness", path)), "web-1"))


@pytest.mark.parametrize(
    ("path", "tail"),
    [
        ("/a b", "a%20b"),
        ("/a%20b", "a%20b"),
        ("/a?x=1&y=a b", "a?x=1&y=a%20b"),
        ("/a#b", "a%23b"),
        ("/a\r\nX: 1", "a%0D%0AX:%201"),
        ("//evil.example/x", "evil.example/x"),
        ("health", "health"),
        ("/é", "%C3%A9"),
    ],
)
def test_paths_are_quoted(path: str, tail: str) -> None:
    assert proxy_path("shop", "pods", "web-1", "8080", path) == f"{POD}/web-1:8080/proxy/{tail}"


@pytest.mark.parametrize(
    ("namespace", "name", "port"), [("a/b", "web", "80"), ("shop", "we/b", "80"), ("shop", "web", "8/0"), ("", "web", "80")]
)
def test_a_name_that_is_none_makes_no_path(namespace: str, name: str, port: str) -> None:
    assert proxy_path(namespace, "pods", name, port, "/") == ""


def pod(
    name: str, created_at: float, *, ready: bool = True, state: str = "running", deleted_at: float | None = None
) -> Pod:
    container = ContainerState("app", ContainerRole.MAIN, "shop:1", "", ready, True, 0, state)
    return Pod(
        *(name, "shop", name, "n1", "Running", created_at, deleted_at, "", "", ready, None, True, "", ""),
        *("ReplicaSet", "web-1", "r", "h", (container,), "Running", 1, 1, 0, None, False),
    )


def test_the_youngest_ready_pod_is_asked() -> None:
    ready = [pod("old", 1), pod("young", 2)]
    others = [pod("unready", 3, ready=False), pod("leaving", 4, deleted_at=5), pod("waiting", 6, state="waiting")]
    found = pod_to_ask(ready + others)
    assert found is not None and found.name == "young"
    assert pod_to_ask(others[1:]) is None
