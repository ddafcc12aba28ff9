"""The objects that tests put into a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Manifest = dict[str, Any]

REGISTRY = "registry.example.test/shop"


def deployment_manifest(
    name: str,
    image: str,
    replicas: int = 3,
    namespace: str = "default",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    pod_annotations: Mapping[str, str] | None = None,
    progress_deadline_s: int = 600,
    max_surge: int | str = "25%",
    max_unavailable: int | str = "25%",
    min_ready_s: int = 0,
    health_path: str = "/health",
    grace_s: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    """A Deployment with one container called as its last dash part, an HTTP readiness and liveness probe, and limits.

    `image` with no slash stands in REGISTRY. Tags that the stages know: missing, crash, oom, config, slow, unready.
    """
    full_image = image if "/" in image else f"{REGISTRY}/{image}"
    all_labels = {"app": name, **(labels or {})}
    probe = {"httpGet": {"path": health_path, "port": "http"}, "periodSeconds": 2, "failureThreshold": 3}
    container = {
        "name": name.rsplit("-", 1)[-1],
        "image": full_image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 10},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": all_labels,
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": min_ready_s,
            "progressDeadlineSeconds": progress_deadline_s,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": max_surge, "maxUnavailable": max_unavailable},
            },
            "template": {
                "metadata": {"labels": all_labels, "annotations": dict(pod_annotations or {})},
                "spec": {
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": grace_s,
                    "containers": [container],
                },
            },
        },
    }


def service_manifest(name: str, namespace: str = "default", *, port: int = 80, target: str | int = "http") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": target}]},
    }


def node_manifest(name: str, *, pods: int = 1000) -> Manifest:
    room = {"cpu": "64", "memory": "256Gi", "pods": str(pods)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"allocatable": room, "capacity": room},
    }


def cluster_role_manifest(name: str, rules: Sequence[Manifest]) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def cluster_role_binding_manifest(name: str, role: str, user: str) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


def service_account_binding_manifest(name: str, role: str, account: str, namespace: str) -> Manifest:
    binding = cluster_role_binding_manifest(name, role, account)
    binding["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
    return binding
