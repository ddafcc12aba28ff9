"""The harness itself: what other tests stand on is real and does what its stages say."""

from __future__ import annotations

import time

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.kube_api import RefusedByApiError
from tests.cluster.manifests import Manifest, deployment_manifest
from tests.cluster.processes import wait_until

pytestmark = pytest.mark.cluster


def _containers(control_plane: ControlPlane, namespace: str, app: str) -> list[Manifest]:
    pods = control_plane.pods(namespace, app=app)
    return [status for pod in pods for status in pod["status"].get("containerStatuses", ())]


def _waiting_reasons(control_plane: ControlPlane, namespace: str, app: str) -> set[str]:
    states = [status["state"] for status in _containers(control_plane, namespace, app)]
    return {state["waiting"]["reason"] for state in states if "waiting" in state}


def _events(control_plane: ControlPlane, namespace: str) -> list[str]:
    items = control_plane.api.get(f"/api/v1/namespaces/{namespace}/events")["items"]
    return [f"{item['reason']}: {item['message']}" for item in items]


def test_a_deployment_rolls_to_its_new_version(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.apply(deployment_manifest("shop-backend", "backend:v1", 3, namespace))
    control_plane.wait_rolled_out("shop-backend", namespace)
    control_plane.set_image("shop-backend", "backend:v2", namespace, cause="release 2")
    control_plane.wait_rolled_out("shop-backend", namespace)

    images = {status["image"] for status in _containers(control_plane, namespace, "shop-backend")}
    assert images == {"registry.example.test/shop/backend:v2"}
    assert "release 2" in control_plane.kubectl("rollout", "history", "deployment/shop-backend", "-n", namespace)


def test_a_missing_image_sticks_and_an_undo_heals_it(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.apply(deployment_manifest("shop-backend", "backend:v1", 4, namespace))
    control_plane.wait_rolled_out("shop-backend", namespace)
    control_plane.set_image("shop-backend", "backend:missing", namespace)
    wait_until(
        "ImagePullBackOff",
        lambda: _waiting_reasons(control_plane, namespace, "shop-backend") == {"ImagePullBackOff"},
        timeout_s=20,
    )
    status = control_plane.deployment("shop-backend", namespace)["status"]
    assert (status["availableReplicas"], status["unavailableReplicas"]) == (3, 2)
    assert any(
        text.startswith("Failed: Failed to pull image") and "not found" in text
        for text in _events(control_plane, namespace)
    )

    control_plane.kubectl("rollout", "undo", "deployment/shop-backend", "-n", namespace)
    control_plane.wait_rolled_out("shop-backend", namespace)


def test_crashing_pods_restart_again_and_again(control_plane: ControlPlane, namespace: str) -> None:
    ends = {"shop-worker": ("crash", 3, "Error"), "shop-backend": ("oom", 137, "OOMKilled")}
    for name, (tag, _, _) in ends.items():
        control_plane.apply(deployment_manifest(name, f"shop:{tag}", 1, namespace))

    def are_looping() -> bool:
        statuses = _containers(control_plane, namespace, "")
        waiting = [one["state"].get("waiting", {}).get("reason") for one in statuses if one["restartCount"] >= 2]
        return waiting == ["CrashLoopBackOff"] * 2

    wait_until("CrashLoopBackOff with two restarts", are_looping, timeout_s=30)
    for name, (_, exit_code, reason) in ends.items():
        (status,) = _containers(control_plane, namespace, name)
        last = status["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (exit_code, reason)
    backed_off = [
        text
        for text in _events(control_plane, namespace)
        if text.startswith("BackOff: Back-off restarting failed container")
    ]
    assert len(backed_off) == 2


def test_a_missing_secret_is_a_config_error(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.apply(deployment_manifest("shop-web", "web:config", 1, namespace))
    wait_until(
        "the config error",
        lambda: _waiting_reasons(control_plane, namespace, "shop-web") == {"CreateContainerConfigError"},
        timeout_s=20,
    )


def test_a_slow_pod_runs_before_it_is_ready(control_plane: ControlPlane, namespace: str) -> None:
    slow = deployment_manifest("shop-web", "web:slow", 1, namespace, pod_annotations={"quarterdeck.test/ready-after": "2s"})
    control_plane.apply(slow)
    wait_until(
        "a pod that runs unready",
        lambda: [one["ready"] for one in _containers(control_plane, namespace, "shop-web")] == [False],
    )
    control_plane.wait_rolled_out("shop-web", namespace)


def test_the_operator_reads_and_does_not_write(control_plane: ControlPlane) -> None:
    may = [
        control_plane.kubectl("auth", "can-i", *what, kubeconfig=control_plane.operator_kubeconfig, check=False).strip()
        for what in (("list", "pods", "-A"), ("delete", "pods"), ("get", "secrets"))
    ]
    assert may == ["yes", "no", "no"]
    asked = {
        (entry["verb"], entry["objectRef"]["resource"])
        for entry in control_plane.requests_of("oncall")
        if "objectRef" in entry
    }
    assert asked == {("create", "selfsubjectaccessreviews")}, "the audit log has every request of a user"


def test_the_pods_only_user_sees_pods_and_nothing_else(control_plane: ControlPlane) -> None:
    may = [
        control_plane.kubectl(
            "auth", "can-i", "list", what, kubeconfig=control_plane.pods_only_kubeconfig, check=False
        ).strip()
        for what in ("pods", "events", "replicasets.apps")
    ]
    assert may == ["yes", "no", "no"]


def test_a_frozen_api_server_answers_nothing_and_comes_back(control_plane: ControlPlane) -> None:
    control_plane.freeze_api_server()
    try:
        with pytest.raises(TimeoutError):
            control_plane.api.request("GET", "/livez", timeout_s=0.5)
    finally:
        control_plane.thaw_api_server()
    wait_until("the API server to answer again", lambda: control_plane.api.get("/livez") == "ok", timeout_s=10)


def test_a_killed_api_server_starts_again_where_it_was(control_plane: ControlPlane, namespace: str) -> None:
    certificate = control_plane.certificate.read_bytes()
    control_plane.kill_api_server()
    with pytest.raises(OSError):
        control_plane.api.get("/livez")
    started = time.monotonic()
    control_plane.start_api_server()
    assert time.monotonic() - started < 60
    assert control_plane.certificate.read_bytes() == certificate
    assert control_plane.api.get(f"/api/v1/namespaces/{namespace}")["metadata"]["name"] == namespace


def test_an_answer_of_refusal_is_an_error_with_its_status(control_plane: ControlPlane) -> None:
    with pytest.raises(RefusedByApiError) as refused:
        control_plane.api.get("/api/v1/namespaces/nowhere")
    assert refused.value.status == 404
