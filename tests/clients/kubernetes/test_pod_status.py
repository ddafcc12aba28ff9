"""STATUS, READY and RESTARTS are what kubectl prints, for every shape a pod can have."""

from __future__ import annotations

import json
import re

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.decoding import Codecs
from clients.kubernetes.kubeconfig import load_access
from domain.facts import Listed
from domain.pods import Pod
from domain.streams import Source
from tests.clients.kubernetes.pod_shapes import SHAPES, Shape
from tests.cluster.control_plane import ControlPlane


def decoded(shape: Shape) -> Pod:
    meta = {"name": shape.name, "namespace": "shop", "uid": shape.name, "creationTimestamp": "2026-11-23T15:00:00Z"}
    if shape.is_deleted:
        meta["deletionTimestamp"] = "2026-11-23T16:00:00Z"
    document = {"metadata": {}, "items": [{"metadata": meta, "spec": shape.spec, "status": shape.status_object}]}
    (pod,) = Codecs()[Source.PODS].page(json.dumps(document).encode()).values
    assert isinstance(pod, Pod)
    return pod


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_pod_reads_as_it_should(shape: Shape) -> None:
    pod = decoded(shape)
    assert (f"{pod.ready_count}/{pod.total_count}", pod.status, pod.restarts) == (shape.ready, shape.status, shape.restarts)
    assert (pod.last_restart_at is not None) == shape.has_restart_time
    assert pod.is_faulty == shape.is_faulty


@pytest.mark.cluster
async def test_pods_as_kubectl_prints_them(control_plane: ControlPlane, namespace: str) -> None:
    _create(control_plane, namespace)
    printed = _printed(control_plane, namespace)
    cluster = Cluster(load_access(environ={"KUBECONFIG": str(control_plane.operator_kubeconfig)}), is_read_only=True)
    facts = cluster.watch(Source.PODS, namespace)
    try:
        listed = await anext(facts)
    finally:
        await facts.aclose()
        await cluster.close()
    assert isinstance(listed, Listed) and listed.is_first and listed.is_last
    ours = {}
    for pod in listed.values:
        assert isinstance(pod, Pod)
        ours[pod.name] = (f"{pod.ready_count}/{pod.total_count}", pod.status, pod.restarts, pod.last_restart_at is not None)
    assert ours == printed
    assert len(ours) == len(SHAPES)


def _create(plane: ControlPlane, namespace: str) -> None:
    """On a node that nobody plays, so that they stay as they are written; a finalizer keeps those that are deleted."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    for shape in SHAPES:
        meta = {"name": shape.name, "namespace": namespace}
        if shape.is_deleted:
            meta["finalizers"] = ["example.com/keep"]  # type: ignore[assignment]
        plane.api.create(path, {"metadata": meta, "spec": {**shape.spec, "nodeName": "nowhere"}})
        change = {"status": shape.status_object}
        plane.api.patch(f"{path}/{shape.name}/status", change, content_type="application/merge-patch+json")
        if shape.is_deleted:
            plane.api.delete(f"{path}/{shape.name}")


def _printed(plane: ControlPlane, namespace: str) -> dict[str, tuple[str, str, int, bool]]:
    lines = plane.kubectl("get", "pods", "-n", namespace, "--no-headers").splitlines()
    found = {}
    for line in lines:
        match = re.fullmatch(r"(\S+)\s+(\S+)\s+(\S+)\s+(\d+)( \(.* ago\))?\s+\S+\s*", line)
        assert match, line
        name, ready, status, restarts, ago = match.groups()
        found[name] = (ready, status, int(restarts), ago is not None)
    return found
