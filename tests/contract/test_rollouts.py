"""A deployment's life: how it rolls, what its status and events say, and what becomes of a version that cannot run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cluster.processes import wait_until
from tests.contract.manifests import REGISTRY, deployment
from tests.contract.servers import Server

REVISION = "deployment.kubernetes.io/revision"
_ROLLING = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}}


def _path(namespace: str, name: str = "web") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def _made(server: Server, namespace: str, *, replicas: int = 4, **spec: Any) -> None:
    body = deployment("web", replicas=replicas, **{**_ROLLING, **spec})
    server.must(server.api.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", body), 201)
    _wait_done(server, namespace)


def _roll(server: Server, namespace: str, tag: str) -> None:
    containers = [{"name": "main", "image": f"{REGISTRY}/web:{tag}"}]
    change = {
        "metadata": {"annotations": {"kubernetes.io/change-cause": tag}},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    server.must(server.api.patch(_path(namespace), change, "strategic-merge-patch"))


def _is_done(found: dict[str, Any]) -> bool:
    status, wanted = found["status"], found["spec"]["replicas"]
    counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= found["metadata"]["generation"] and counts == [wanted] * 3


def _wait_done(server: Server, namespace: str) -> None:
    wait_until("the rollout to end", lambda: _is_done(server.api.get(_path(namespace)).json))


def _conditions(server: Server, namespace: str) -> dict[str, tuple[str, str]]:
    found = server.api.get(_path(namespace)).json["status"]["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in found}


def _sets(server: Server, namespace: str) -> list[dict[str, Any]]:
    items = server.api.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets").json["items"]
    return sorted(items, key=lambda each: int(each["metadata"]["annotations"][REVISION]))


def _pods(server: Server, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.api.get(f"/api/v1/namespaces/{namespace}/pods").json["items"]
    return found


def _waiting(server: Server, namespace: str) -> set[str]:
    statuses = [each for pod in _pods(server, namespace) for each in pod["status"].get("containerStatuses", ())]
    return {each["state"]["waiting"]["reason"] for each in statuses if "waiting" in each["state"]}


def _events(server: Server, namespace: str) -> list[tuple[str, str]]:
    items = server.api.get(f"/api/v1/namespaces/{namespace}/events").json["items"]
    return [(item["reason"], item["message"]) for item in items]


def test_a_rollout_ends_with_new_pods_only(server: Server, namespace: str) -> None:
    _made(server, namespace)
    _roll(server, namespace, "v2")
    _wait_done(server, namespace)
    old, new = _sets(server, namespace)
    assert (old["spec"]["replicas"], new["spec"]["replicas"]) == (0, 4)
    assert old["metadata"]["annotations"]["kubernetes.io/change-cause"] == "v1"
    assert new["metadata"]["annotations"]["kubernetes.io/change-cause"] == "v2"
    assert new["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] == "4"
    assert new["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] == "5"
    hash_ = new["metadata"]["labels"]["pod-template-hash"]
    assert (
        new["metadata"]["name"] == f"web-{hash_}" and new["spec"]["selector"]["matchLabels"]["pod-template-hash"] == hash_
    )
    owner = new["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Deployment", "web", True)
    found = server.api.get(_path(namespace)).json
    assert found["metadata"]["annotations"][REVISION] == "2"
    assert found["metadata"]["generation"] == found["status"]["observedGeneration"] == 2
    wait_until("the verdict", lambda: _conditions(server, namespace)["Progressing"][1] == "NewReplicaSetAvailable")
    assert _conditions(server, namespace)["Available"] == ("True", "MinimumReplicasAvailable")


def test_a_rollout_stays_within_its_bounds(server: Server, namespace: str) -> None:
    _made(server, namespace)
    found = server.api.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets").json
    version = found["metadata"]["resourceVersion"]
    _roll(server, namespace, "v2")
    _wait_done(server, namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}"
    sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in found["items"]}
    most = 0
    for event in server.api.watch(f"{path}/replicasets", resourceVersion=version):
        sizes[event["object"]["metadata"]["name"]] = event["object"]["spec"]["replicas"]
        most = max(most, sum(sizes.values()))
    assert most == 5
    changes = server.api.watch(f"{path}/deployments", resourceVersion=version)
    statuses = [event["object"]["status"] for event in changes if event["type"] == "MODIFIED"]
    assert min(each["availableReplicas"] for each in statuses) >= 3
    assert len(statuses) > 4


def test_pods_belong_to_their_set_and_are_told_of(server: Server, namespace: str) -> None:
    _made(server, namespace)
    replica_set = _sets(server, namespace)[0]
    pods = _pods(server, namespace)
    assert len(pods) == 4
    for pod in pods:
        owner = pod["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["uid"]) == ("ReplicaSet", replica_set["metadata"]["uid"])
        assert re.fullmatch(re.escape(replica_set["metadata"]["name"]) + "-[a-z0-9]{5}", pod["metadata"]["name"])
        assert pod["metadata"]["labels"] == replica_set["spec"]["template"]["metadata"]["labels"]
    told = _events(server, namespace)
    name = replica_set["metadata"]["name"]
    assert ("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 4") in told
    assert {("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}") for pod in pods} <= set(told)
    scheduled = [message for reason, message in told if reason == "Scheduled"]
    assert any(re.fullmatch(rf"Successfully assigned {namespace}/{name}-\w+ to \S+", message) for message in scheduled)


def test_an_old_template_takes_its_set_again_with_a_new_number(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    first = _sets(server, namespace)[0]["metadata"]["uid"]
    _roll(server, namespace, "v2")
    _wait_done(server, namespace)
    _roll(server, namespace, "v1")
    _wait_done(server, namespace)
    sets = _sets(server, namespace)
    notes = [each["metadata"]["annotations"] for each in sets]
    assert [note[REVISION] for note in notes] == ["2", "3"]
    assert sets[1]["metadata"]["uid"] == first
    assert notes[1]["deployment.kubernetes.io/revision-history"] == "1"


def test_a_paused_deployment_waits(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    server.api.patch(_path(namespace), {"spec": {"paused": True}})
    _roll(server, namespace, "v2")
    wait_until(
        "the pause to be seen", lambda: _conditions(server, namespace)["Progressing"] == ("Unknown", "DeploymentPaused")
    )
    assert len(_sets(server, namespace)) == 1
    server.api.patch(_path(namespace), {"spec": {"paused": None}})
    _wait_done(server, namespace)
    assert len(_sets(server, namespace)) == 2


def test_scaling_changes_no_revision(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    server.api.patch(f"{_path(namespace)}/scale", {"spec": {"replicas": 5}})
    wait_until("five pods", lambda: server.api.get(_path(namespace)).json["status"].get("availableReplicas") == 5)
    server.api.patch(f"{_path(namespace)}/scale", {"spec": {"replicas": 1}})
    wait_until("one pod", lambda: len(_pods(server, namespace)) == 1)
    notes = _sets(server, namespace)[0]["metadata"]["annotations"]
    assert (notes[REVISION], notes["deployment.kubernetes.io/desired-replicas"]) == ("1", "1")


@pytest.mark.parametrize(
    ("tag", "reasons"),
    [
        ("missing", {"ErrImagePull", "ImagePullBackOff"}),
        ("crash", {"CrashLoopBackOff"}),
        ("config", {"CreateContainerConfigError"}),
    ],
)
def test_a_version_that_cannot_run_gets_stuck_and_can_be_taken_back(
    server: Server, namespace: str, tag: str, reasons: set[str]
) -> None:
    _made(server, namespace, minReadySeconds=3)
    _roll(server, namespace, tag)
    wait_until("the trouble", lambda: reasons & _waiting(server, namespace), timeout_s=40)
    found = server.api.get(_path(namespace)).json
    assert found["status"]["availableReplicas"] == 3 and not _is_done(found)
    assert found["status"]["unavailableReplicas"] == 2 and found["status"]["updatedReplicas"] == 2
    _roll(server, namespace, "v1")
    _wait_done(server, namespace)
    wait_until("the failed pods to go", lambda: len(_pods(server, namespace)) == 4)


def test_a_rollout_that_stands_still_too_long_is_late(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2, progressDeadlineSeconds=4)
    _roll(server, namespace, "missing")
    late = ("False", "ProgressDeadlineExceeded")
    wait_until("the deadline", lambda: _conditions(server, namespace)["Progressing"] == late)


def test_recreate_stops_the_old_before_it_starts_the_new(server: Server, namespace: str) -> None:
    body = deployment("web", strategy={"type": "Recreate"})
    server.must(server.api.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", body), 201)
    _wait_done(server, namespace)
    version = server.api.get(_path(namespace)).json["metadata"]["resourceVersion"]
    _roll(server, namespace, "v2")
    _wait_done(server, namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    events = server.api.watch(path, resourceVersion=version)
    assert (
        min(event["object"]["status"].get("availableReplicas", 0) for event in events if event["type"] == "MODIFIED") == 0
    )
    assert max(event["object"]["status"].get("replicas", 0) for event in events if event["type"] == "MODIFIED") == 2


def test_a_deleted_deployment_takes_its_pods_along(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    answer = server.must(server.api.delete(_path(namespace), {"propagationPolicy": "Background"})).json
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    wait_until("the pods to go", lambda: not _pods(server, namespace))
    assert not _sets(server, namespace)


def test_a_deleted_pod_is_replaced_after_it_said_goodbye(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    gone = _pods(server, namespace)[0]
    path = f"/api/v1/namespaces/{namespace}/pods/{gone['metadata']['name']}"
    left = server.must(server.api.delete(path)).json
    assert left["metadata"]["deletionTimestamp"] and left["metadata"]["deletionGracePeriodSeconds"] == 1
    wait_until("it to go", lambda: server.api.get(path).status == 404)
    _wait_done(server, namespace)
    assert gone["metadata"]["uid"] not in [pod["metadata"]["uid"] for pod in _pods(server, namespace)]


def test_a_pod_can_be_evicted(server: Server, namespace: str) -> None:
    _made(server, namespace, replicas=2)
    name = _pods(server, namespace)[0]["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    server.must(server.api.post(f"{path}/eviction", body, dryRun="All"), 201)
    assert "deletionTimestamp" not in server.api.get(path).json["metadata"]
    server.must(server.api.post(f"{path}/eviction", body), 201)
    wait_until("it to go", lambda: server.api.get(path).status == 404)
