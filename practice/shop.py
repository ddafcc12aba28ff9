"""The demo application: three deployments of a small shop, as their owners would have written them down."""

from __future__ import annotations

from dataclasses import dataclass

from practice.objects import Json

NAMESPACE = "shop-practice"
MONITORING = "monitoring"
REGISTRY = "registry.practice.example/shop"


@dataclass(frozen=True, slots=True)
class Part:
    """`requests_per_s` is what all its pods together serve; the limits are those of one pod."""

    name: str
    image: str
    replicas: int
    requests_per_s: float
    cpu: str
    memory: str
    surge: int = 1

    @property
    def repository(self) -> str:
        return f"{REGISTRY}/{self.image}"


PARTS = (
    Part("shop-backend", "backend", 6, 412.0, "500m", "512Mi", surge=2),
    Part("shop-worker", "worker", 3, 24.0, "300m", "256Mi"),
    Part("shop-web", "web", 2, 180.0, "200m", "128Mi"),
)
PORT = 8080


def part_of(container: str) -> Part | None:
    return next((part for part in PARTS if part.name == container), None)


def _labels(name: str, product: str) -> Json:
    return {"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": product}


def _probe(path: str, *, delay_s: int, period_s: int, failures: int) -> Json:
    get = {"path": path, "port": "http", "scheme": "HTTP"}
    return {"httpGet": get, "initialDelaySeconds": delay_s, "periodSeconds": period_s, "failureThreshold": failures}


def deployment(part: Part, tag: str) -> Json:
    container: Json = {
        "name": part.name,
        "image": f"{part.repository}:{tag}",
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "env": [
            {"name": "DATABASE_HOST", "value": "postgres.shop-practice.svc"},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "SESSION_KEY", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "session-key"}}},
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"cpu": part.cpu, "memory": part.memory},
        },
        "readinessProbe": _probe("/health/ready", delay_s=5, period_s=10, failures=3),
        "livenessProbe": _probe("/health/live", delay_s=10, period_s=10, failures=3),
    }
    labels = _labels(part.name, "shop")
    notes = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT)}
    return {
        "metadata": {"name": part.name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": part.replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": part.surge, "maxUnavailable": 0}},
            "selector": {"matchLabels": {"app": part.name}},
            "template": {
                "metadata": {"labels": dict(labels), "annotations": notes},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 30},
            },
        },
    }


def service(part: Part, address: str) -> Json:
    return {
        "metadata": {"name": part.name, "namespace": NAMESPACE, "labels": _labels(part.name, "shop")},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "selector": {"app": part.name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def prometheus() -> tuple[Json, Json]:
    """(deployment, service)."""
    labels = _labels("prometheus", "monitoring")
    container = {
        "name": "prometheus",
        "image": "registry.practice.example/prometheus:v3.7.3",
        "ports": [{"name": "web", "containerPort": 9090, "protocol": "TCP"}],
    }
    template = {"metadata": {"labels": dict(labels)}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "prometheus"}}, "template": template}
    meta = {"name": "prometheus", "namespace": MONITORING, "labels": labels}
    ports = [{"name": "web", "port": 9090, "targetPort": "web", "protocol": "TCP"}]
    address = "10.96.0.90"
    serve = {
        "clusterIP": address,
        "clusterIPs": [address],
        "type": "ClusterIP",
        "selector": {"app": "prometheus"},
        "ports": ports,
    }
    return {"metadata": meta, "spec": spec}, {"metadata": {**meta}, "spec": serve}
