"""Which Service of a cluster is its Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from clients.prometheus import configured_path, find_prometheus, service_path
from domain.errors import ConfigError


@dataclass(frozen=True)
class Found:
    namespace: str
    name: str
    ports: tuple[tuple[str, int], ...] = (("http-web", 9090),)
    labels: Mapping[str, str] = field(default_factory=dict)


NOISE = [
    Found("monitoring", "prometheus-alertmanager", (("http", 80),), {"app.kubernetes.io/name": "alertmanager"}),
    Found("monitoring", "prometheus-pushgateway", (("http", 9091),)),
    Found("monitoring", "prometheus-node-exporter", (("metrics", 9100),)),
    Found("monitoring", "kube-prometheus-stack-operator", (("https", 443),), {"app": "kube-prometheus-stack-operator"}),
    Found("monitoring", "prometheus-kube-state-metrics", (("http", 8080),), {"app.kubernetes.io/part-of": "prometheus"}),
    Found("shop", "shop-web", (("http", 80),)),
    Found("shop", "thanos-prometheus", (("http", 80),)),
]


@pytest.mark.parametrize(
    ("service", "path"),
    [
        (Found("monitoring", "kube-prometheus-stack-prometheus", (("http-web", 9090), ("reloader-web", 8080))), "http-web"),
        (Found("monitoring", "prometheus-k8s", (("web", 9090), ("reloader-web", 8080))), "web"),
        (Found("monitoring", "prometheus-server", (("http", 80),)), "http"),
        (Found("monitoring", "prometheus", (("", 9090),)), "9090"),
        (Found("monitoring", "prometheus-operated", (("web", 9090), ("grpc", 10901))), "web"),
        (Found("monitoring", "stack-kube-prometheus-prometheus", (("http-web", 9090),)), "http-web"),
        (Found("observe", "metrics", (("api", 9090),), {"app.kubernetes.io/name": "prometheus"}), "api"),
        (Found("observe", "acme-prometheus-server", (("", 80),)), "80"),
    ],
    ids=lambda value: value.name if isinstance(value, Found) else "",
)
def test_the_usual_installations_are_recognised(service: Found, path: str) -> None:
    assert find_prometheus([*NOISE, service]) is service
    assert service_path(service) == f"/api/v1/namespaces/{service.namespace}/services/http:{service.name}:{path}/proxy/"


def test_what_is_not_prometheus_is_not_taken_for_it() -> None:
    assert find_prometheus(NOISE) is None


def test_the_namespaces_own_comes_first() -> None:
    services = [Found("monitoring", "kube-prometheus-stack-prometheus"), Found("shop", "prometheus")]
    assert find_prometheus(services, "shop") is services[1]
    assert find_prometheus(services) is services[0]


def test_https_ports_are_asked_over_https() -> None:
    assert "/services/https:prometheus:https-web/" in service_path(Found("m", "prometheus", (("https-web", 9090),)))


def test_a_configured_service() -> None:
    assert configured_path("m/prom:web") == "/api/v1/namespaces/m/services/http:prom:web/proxy/"
    assert configured_path("m/prom") == "/api/v1/namespaces/m/services/http:prom:9090/proxy/"


@pytest.mark.parametrize("text", ["", "prom", "m/", "/prom", "m/../secrets", "m/prom:9090/x", "m/prom/x"])
def test_a_configured_service_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        configured_path(text)
