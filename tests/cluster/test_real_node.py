"""The real node: what kwok only imitates."""

from __future__ import annotations

import pytest

from tests.cluster.kube_api import RefusedByApiError
from tests.cluster.manifests import Manifest
from tests.cluster.processes import wait_until
from tests.cluster.real_node import RealNode, demo_deployment

pytestmark = pytest.mark.node


def _running_pod(node: RealNode, namespace: str) -> str:
    node.control_plane.create_deployment(demo_deployment("shop-backend", 1, namespace))
    node.control_plane.wait_rolled_out("shop-backend", namespace)
    name: str = node.control_plane.pods(namespace)[0]["metadata"]["name"]
    return name


def _status(node: RealNode, namespace: str) -> Manifest:
    """The container of the only pod; as a container that has not started before there is one."""
    statuses = [one for pod in node.control_plane.pods(namespace) for one in pod["status"].get("containerStatuses", ())]
    return statuses[0] if statuses else {"ready": False, "restartCount": 0, "state": {}}


def test_exec_gives_the_true_exit_code_and_logs_follow(real_node: RealNode, node_namespace: str) -> None:
    pod = _running_pod(real_node, node_namespace)
    with pytest.raises(AssertionError, match="exit code 7"):
        real_node.control_plane.kubectl("exec", "-n", node_namespace, pod, "--", "sh", "-c", "exit 7")

    def has_ticked() -> bool:
        return "tick 2" in real_node.control_plane.kubectl("logs", "-n", node_namespace, pod)

    wait_until("a second tick in the log", has_ticked, timeout_s=20)
    assert "demo v1 listening on 8080" in real_node.control_plane.kubectl("logs", "-n", node_namespace, pod)


def test_health_comes_through_the_proxy_and_turns_with_readiness(real_node: RealNode, node_namespace: str) -> None:
    pod = _running_pod(real_node, node_namespace)
    path = f"/api/v1/namespaces/{node_namespace}/pods/{pod}:8080/proxy/health"
    assert real_node.control_plane.api.get(path)["checks"] == {"database": "ok", "redis": "ok", "storage": "ok"}

    real_node.control_plane.kubectl("exec", "-n", node_namespace, pod, "--", "touch", "/tmp/database-down")
    with pytest.raises(RefusedByApiError) as refused:
        real_node.control_plane.api.get(path)
    assert refused.value.status == 503
    wait_until("the pod to be unready", lambda: not _status(real_node, node_namespace)["ready"], timeout_s=30)

    real_node.control_plane.kubectl("exec", "-n", node_namespace, pod, "--", "rm", "/tmp/database-down")
    wait_until("the pod to be ready again", lambda: _status(real_node, node_namespace)["ready"], timeout_s=30)


def test_a_crash_loops_and_its_last_words_stay_readable(real_node: RealNode, node_namespace: str) -> None:
    crashing = demo_deployment("shop-worker", 1, node_namespace, environment={"CRASH": "3"})
    real_node.control_plane.create_deployment(crashing)

    def is_looping() -> object:
        status = _status(real_node, node_namespace)
        waiting: Manifest = status["state"].get("waiting", {})
        return status["restartCount"] >= 1 and waiting.get("reason") == "CrashLoopBackOff"

    wait_until("CrashLoopBackOff", is_looping, timeout_s=60)
    assert _status(real_node, node_namespace)["lastState"]["terminated"]["exitCode"] == 3
    said = real_node.control_plane.kubectl("logs", "-n", node_namespace, "--previous", "deploy/shop-worker")
    assert "FATAL: database refused the connection" in said


def test_a_rollout_to_an_image_that_is_not_there_is_rolled_back(real_node: RealNode, node_namespace: str) -> None:
    _running_pod(real_node, node_namespace)
    real_node.control_plane.set_image("shop-backend", "quarterdeck.test/demo:v9", node_namespace)

    def reasons() -> set[str]:
        pods = real_node.control_plane.pods(node_namespace)
        states = [one["state"] for pod in pods for one in pod["status"].get("containerStatuses", ())]
        return {state["waiting"]["reason"] for state in states if "waiting" in state}

    wait_until("ErrImageNeverPull", lambda: reasons() == {"ErrImageNeverPull"}, timeout_s=60)
    real_node.control_plane.kubectl("rollout", "undo", "deployment/shop-backend", "-n", node_namespace)
    real_node.control_plane.wait_rolled_out("shop-backend", node_namespace)
