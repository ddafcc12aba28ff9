"""What the contract tests put into a server: small, and without a health endpoint, so that any node can run it."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]
REGISTRY = "registry.example.test/shop"


def deployment(name: str, tag: str = "v1", *, replicas: int = 2, **spec: Any) -> Manifest:
    labels = {"app": name}
    containers = [
        {"name": "main", "image": f"{REGISTRY}/{name}:{tag}", "env": [{"name": "LEVEL", "value": "info"}]},
        {"name": "side", "image": f"{REGISTRY}/side:v1"},
    ]
    pod_spec = {"terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False, "containers": containers}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"kubernetes.io/change-cause": tag}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
            **spec,
        },
    }


def config(name: str, value: str = "1", **labels: str) -> Manifest:
    return {"metadata": {"name": name, "labels": labels}, "data": {"value": value}}


def lease(name: str, stamp: str = "2026-11-23T15:50:00.000000Z") -> Manifest:
    spec = {"holderIdentity": "oncall", "leaseDurationSeconds": 15, "acquireTime": stamp, "renewTime": stamp}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
