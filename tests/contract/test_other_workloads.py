"""Stateful sets and daemon sets: numbered pods, a pod on each node, and their histories."""

from __future__ import annotations

from typing import Any

from tests.cluster.processes import wait_until
from tests.contract.manifests import REGISTRY, Manifest, deployment
from tests.contract.servers import Server


def _manifest(tag: str = "v1", **spec: Any) -> Manifest:
    body = deployment("db", tag)
    del body["spec"]["replicas"]
    body["spec"] |= spec
    return body


def _path(namespace: str, resource: str, name: str = "db") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{resource}/{name}"


def _make(server: Server, namespace: str, resource: str, body: Manifest) -> None:
    server.must(server.api.post(f"/apis/apps/v1/namespaces/{namespace}/{resource}", body), 201)


def _roll(server: Server, namespace: str, resource: str, tag: str) -> None:
    inner = {"containers": [{"name": "main", "image": f"{REGISTRY}/db:{tag}"}]}
    change = {"metadata": {"annotations": {"kubernetes.io/change-cause": tag}}, "spec": {"template": {"spec": inner}}}
    server.must(server.api.patch(_path(namespace, resource), change, "strategic-merge-patch"))


def _status(server: Server, namespace: str, resource: str) -> dict[str, Any]:
    found = server.api.get(_path(namespace, resource)).json
    status: dict[str, Any] = found["status"]
    return status if status.get("observedGeneration") == found["metadata"]["generation"] else {}


def _pods(server: Server, namespace: str) -> dict[str, dict[str, Any]]:
    items = server.api.get(f"/api/v1/namespaces/{namespace}/pods").json["items"]
    return {item["metadata"]["name"]: item for item in items}


def _revisions(server: Server, namespace: str) -> list[dict[str, Any]]:
    items = server.api.get(f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions").json["items"]
    return sorted(items, key=lambda item: int(item["revision"]))


def _wait_numbered(server: Server, namespace: str, count: int) -> dict[str, Any]:
    def is_done() -> bool:
        status = _status(server, namespace, "statefulsets")
        counts = [status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas", "currentReplicas")]
        return counts == [count] * 4 and status["currentRevision"] == status["updateRevision"]

    wait_until("the stateful set", is_done)
    return _status(server, namespace, "statefulsets")


def test_a_stateful_set_counts_its_pods(server: Server, namespace: str) -> None:
    _make(server, namespace, "statefulsets", _manifest(replicas=3, serviceName="db"))
    status = _wait_numbered(server, namespace, 3)
    pods = _pods(server, namespace)
    assert sorted(pods) == ["db-0", "db-1", "db-2"]
    labels = pods["db-1"]["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-1" and labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["controller-revision-hash"] == status["updateRevision"]
    events = server.api.get(f"/api/v1/namespaces/{namespace}/events").json["items"]
    assert "create Pod db-2 in StatefulSet db successful" in [event["message"] for event in events]


def test_a_stateful_set_is_replaced_from_the_top_and_remembers(server: Server, namespace: str) -> None:
    _make(server, namespace, "statefulsets", _manifest(replicas=2, serviceName="db"))
    first = _wait_numbered(server, namespace, 2)["updateRevision"]
    version = server.api.get(f"/api/v1/namespaces/{namespace}/pods").json["metadata"]["resourceVersion"]
    _roll(server, namespace, "statefulsets", "v2")
    _wait_numbered(server, namespace, 2)
    told = server.api.watch(f"/api/v1/namespaces/{namespace}/pods", resourceVersion=version)
    gone = [each["object"]["metadata"]["name"] for each in told if each["type"] == "DELETED"]
    assert list(dict.fromkeys(gone)) == ["db-1", "db-0"]
    old, new = _revisions(server, namespace)
    assert (old["metadata"]["name"], old["revision"], new["revision"]) == (first, 1, 2)
    assert old["data"]["spec"]["template"]["$patch"] == "replace"
    assert new["metadata"]["annotations"]["kubernetes.io/change-cause"] == "v2"
    _roll(server, namespace, "statefulsets", "v1")
    _wait_numbered(server, namespace, 2)
    assert [(each["metadata"]["name"], each["revision"]) for each in _revisions(server, namespace)][-1] == (first, 3)


def test_a_broken_pod_holds_up_its_stateful_set_until_it_is_deleted(server: Server, namespace: str) -> None:
    _make(server, namespace, "statefulsets", _manifest(replicas=2, serviceName="db"))
    good = _wait_numbered(server, namespace, 2)["updateRevision"]
    _roll(server, namespace, "statefulsets", "missing")
    wait_until("the trouble", lambda: "PullBackOff" in str(_pods(server, namespace).get("db-1", {}).get("status")))
    _roll(server, namespace, "statefulsets", "v1")
    wait_until("the way back", lambda: _status(server, namespace, "statefulsets").get("updateRevision") == good)
    broken = _pods(server, namespace)["db-1"]
    assert "missing" in str(broken["spec"]["containers"])
    server.api.delete(f"/api/v1/namespaces/{namespace}/pods/db-1")
    _wait_numbered(server, namespace, 2)


def test_a_partition_keeps_the_lower_pods_back(server: Server, namespace: str) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    _make(server, namespace, "statefulsets", _manifest(replicas=2, serviceName="db", updateStrategy=strategy))
    _wait_numbered(server, namespace, 2)
    _roll(server, namespace, "statefulsets", "v2")

    def is_half_way() -> bool:
        status = _status(server, namespace, "statefulsets")
        return (status.get("updatedReplicas"), status.get("readyReplicas"), status.get("currentReplicas")) == (1, 2, 1)

    wait_until("one updated pod", is_half_way)
    status = _status(server, namespace, "statefulsets")
    assert status["currentRevision"] != status["updateRevision"]


def test_a_daemon_set_has_a_pod_on_every_node(server: Server, namespace: str) -> None:
    nodes = {item["metadata"]["name"] for item in server.api.get("/api/v1/nodes").json["items"]}
    _make(server, namespace, "daemonsets", _manifest())

    def is_done() -> bool:
        status = _status(server, namespace, "daemonsets")
        keys = (
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        )
        return [status.get(key, 0) for key in keys] == [len(nodes)] * 5 and "numberUnavailable" not in status

    wait_until("the daemon set", is_done)
    pods = _pods(server, namespace).values()
    assert {pod["spec"]["nodeName"] for pod in pods} == nodes
    first = _revisions(server, namespace)[0]["metadata"]["labels"]["controller-revision-hash"]
    assert {pod["metadata"]["labels"]["controller-revision-hash"] for pod in pods} == {first}
    _roll(server, namespace, "daemonsets", "v2")
    wait_until("the daemon set", is_done)
    assert [each["revision"] for each in _revisions(server, namespace)] == [1, 2]
    _roll(server, namespace, "daemonsets", "v1")
    wait_until("the daemon set", is_done)
    revisions = [
        (each["metadata"]["labels"]["controller-revision-hash"], each["revision"]) for each in _revisions(server, namespace)
    ]
    assert revisions[-1] == (first, 3)


def test_kubectl_knows_their_histories(kubectl: Server, namespace: str) -> None:
    _make(kubectl, namespace, "statefulsets", _manifest(replicas=2, serviceName="db"))
    _make(kubectl, namespace, "daemonsets", {**_manifest(), "metadata": {"name": "agent"}})
    for workload in ("sts/db", "ds/agent"):
        kubectl.kubectl("-n", namespace, "rollout", "status", workload, "--timeout=40s")
        kubectl.kubectl("-n", namespace, "set", "image", workload, f"main={REGISTRY}/db:v2")
        kubectl.kubectl("-n", namespace, "rollout", "status", workload, "--timeout=40s")
        kubectl.kubectl("-n", namespace, "rollout", "undo", workload)
        kubectl.kubectl("-n", namespace, "rollout", "status", workload, "--timeout=40s")
        history = kubectl.kubectl("-n", namespace, "rollout", "history", workload)
        assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["2", "3"]
        kubectl.kubectl("-n", namespace, "rollout", "restart", workload)
    assert "2/2" in kubectl.kubectl("-n", namespace, "get", "sts", "db")
