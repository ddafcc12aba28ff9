"""The real kubectl drives every server alike."""

from __future__ import annotations

import json
import os
import re
import subprocess

from tests.contract.manifests import REGISTRY, deployment
from tests.contract.servers import Server


def _web(server: Server, namespace: str, *, replicas: int = 2) -> None:
    body = deployment("web", replicas=replicas)
    server.must(server.api.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", body), 201)
    server.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s")


def _to(server: Server, namespace: str, tag: str) -> str:
    said = server.kubectl("-n", namespace, "set", "image", "deploy/web", f"main={REGISTRY}/web:{tag}")
    server.kubectl("-n", namespace, "annotate", "--overwrite", "deploy/web", f"kubernetes.io/change-cause={tag}")
    return said


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_get_prints_tables(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    head, row = _rows(kubectl.kubectl("-n", namespace, "get", "deploy"))
    assert head == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"] and row[:4] == ["web", "2/2", "2", "2"]
    pods = _rows(kubectl.kubectl("-n", namespace, "get", "pods", "--no-headers"))
    assert [row[1:4] for row in pods] == [["2/2", "Running", "0"]] * 2
    assert re.fullmatch(r"\d+s", pods[0][4])
    sets = _rows(kubectl.kubectl("-n", namespace, "get", "rs", "--no-headers"))
    assert [row[1:4] for row in sets] == [["2", "2", "2"]]
    wide = kubectl.kubectl("-n", namespace, "get", "deploy", "-o", "wide", "--no-headers").split()
    assert wide[-1] == "app=web" and wide[-3] == "main,side"
    assert "deployment.apps/web" in kubectl.kubectl("-n", namespace, "get", "all")


def test_get_can_choose(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    names = ["-o", "jsonpath={.items[*].metadata.name}"]
    pods = kubectl.kubectl("-n", namespace, "get", "pods", "--field-selector=status.phase=Running", *names).split()
    assert len(pods) == 2
    assert kubectl.kubectl("-n", namespace, "get", "pods", "-l", "app!=web", *names) == ""
    assert len(kubectl.kubectl("-n", namespace, "get", "pods", "--chunk-size=1", *names).split()) == 2
    assert "NotFound" in kubectl.kubectl_fails("-n", namespace, "get", "deploy", "gone")


def test_get_w_follows_a_rollout(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    watching = subprocess.Popen(
        [kubectl.program, "-n", namespace, "get", "pods", "-w", "--no-headers", "--request-timeout=20s"],
        env={**os.environ, "KUBECONFIG": str(kubectl.kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        first = [watching.stdout.readline().split()[0] for _ in range(2)]
        _to(kubectl, namespace, "v2")
        seen: dict[str, set[str]] = {}
        for line in watching.stdout:
            name, _, status, *_ = line.split()
            seen.setdefault(name, set()).add(status)
            if all("Terminating" in seen.get(each, ()) for each in first):
                break
        new = [name for name in seen if name not in first]
        assert len(new) == 2 and all({"Pending", "Running"} <= seen[name] for name in new)
    finally:
        watching.kill()
        watching.communicate()


def test_describe_tells_the_story(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    _to(kubectl, namespace, "v2")
    kubectl.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s")
    text = kubectl.kubectl("-n", namespace, "describe", "deploy", "web")
    assert re.search(r"Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable", text)
    assert re.search(r"Progressing +True +NewReplicaSetAvailable", text)
    assert re.search(r"NewReplicaSet: +web-\w+ \(2/2 replicas created\)", text)
    assert re.search(r"ScalingReplicaSet .* deployment-controller +Scaled up replica set web-\w+ from 0 to 2", text)
    pod = kubectl.kubectl("-n", namespace, "get", "pods", "-o", "name").split()[0]
    assert re.search(
        r"Scheduled .* default-scheduler +Successfully assigned", kubectl.kubectl("-n", namespace, "describe", pod)
    )


def test_rollout_history_and_undo(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    assert _to(kubectl, namespace, "v2") == "deployment.apps/web image updated\n"
    said = kubectl.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s")
    assert said.endswith('deployment "web" successfully rolled out\n')
    history = _rows(kubectl.kubectl("-n", namespace, "rollout", "history", "deploy/web"))
    assert history[1:] == [["REVISION", "CHANGE-CAUSE"], ["1", "v1"], ["2", "v2"]]
    assert f"{REGISTRY}/web:v1" in kubectl.kubectl("-n", namespace, "rollout", "history", "deploy/web", "--revision=1")
    assert "server dry run" in kubectl.kubectl("-n", namespace, "rollout", "undo", "deploy/web", "--dry-run=server")
    kubectl.kubectl("-n", namespace, "rollout", "undo", "deploy/web")
    kubectl.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s")
    history = _rows(kubectl.kubectl("-n", namespace, "rollout", "history", "deploy/web"))
    assert history[2:] == [["2", "v2"], ["3", "v1"]]
    kubectl.kubectl("-n", namespace, "rollout", "undo", "deploy/web", "--to-revision=2")
    assert "unable to find" in kubectl.kubectl_fails("-n", namespace, "rollout", "undo", "deploy/web", "--to-revision=99")


def test_rollout_pause_resume_restart(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    kubectl.kubectl("-n", namespace, "rollout", "pause", "deploy/web")
    assert "already paused" in kubectl.kubectl_fails("-n", namespace, "rollout", "pause", "deploy/web")
    assert "can't restart paused deployment" in kubectl.kubectl_fails("-n", namespace, "rollout", "restart", "deploy/web")
    kubectl.kubectl("-n", namespace, "rollout", "resume", "deploy/web")
    kubectl.kubectl("-n", namespace, "rollout", "restart", "deploy/web")
    kubectl.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s")
    assert len(_rows(kubectl.kubectl("-n", namespace, "get", "rs", "--no-headers"))) == 2


def test_rollout_status_fails_when_the_deadline_has_passed(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    kubectl.kubectl("-n", namespace, "patch", "deploy", "web", "-p", '{"spec":{"progressDeadlineSeconds":4}}')
    _to(kubectl, namespace, "missing")
    assert "exceeded its progress deadline" in kubectl.kubectl_fails("-n", namespace, "rollout", "status", "deploy/web")


def test_scale_label_and_patch(kubectl: Server, namespace: str) -> None:
    _web(kubectl, namespace)
    kubectl.kubectl("-n", namespace, "scale", "deploy/web", "--replicas=3")
    kubectl.kubectl("-n", namespace, "label", "deploy", "web", "team=shop")
    kubectl.kubectl("-n", namespace, "patch", "deploy", "web", "--type=merge", "-p", '{"spec":{"minReadySeconds":1}}')
    kubectl.kubectl(
        "-n", namespace, "patch", "deploy", "web", "--type=json", "-p", '[{"op":"remove","path":"/spec/minReadySeconds"}]'
    )
    kubectl.kubectl("-n", namespace, "wait", "--for=jsonpath={.status.availableReplicas}=3", "deploy/web", "--timeout=30s")
    guard = '[{"op":"test","path":"/metadata/generation","value":1}]'
    refused = kubectl.kubectl_fails("-n", namespace, "patch", "deploy", "web", "--type=json", "-p", guard)
    assert "the server rejected our request due to an error in our request" in refused


def test_create_apply_and_delete(kubectl: Server, namespace: str) -> None:
    kubectl.kubectl("-n", namespace, "create", "configmap", "made", "--from-literal=a=1")
    kubectl.kubectl("-n", namespace, "create", "deployment", "shell", f"--image={REGISTRY}/shell:v1")
    manifest = {**deployment("web"), "apiVersion": "apps/v1", "kind": "Deployment"}
    assert "created" in kubectl.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(manifest))
    assert "unchanged" in kubectl.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(manifest))
    manifest["spec"]["replicas"] = 1
    assert "configured" in kubectl.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(manifest))
    assert "serverside-applied" in kubectl.kubectl(
        "-n", namespace, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(manifest)
    )
    kubectl.kubectl("-n", namespace, "wait", "--for=condition=Available", "deploy/web", "deploy/shell", "--timeout=30s")
    kubectl.kubectl("-n", namespace, "delete", "deploy", "web", "shell", "--timeout=30s")
    kubectl.kubectl("-n", namespace, "delete", "configmap", "made")


def test_auth_says_who_and_what(kubectl: Server, namespace: str) -> None:
    assert kubectl.kubectl("-n", namespace, "auth", "can-i", "patch", "deployments").strip() == "yes"
    assert kubectl.kubectl("-n", namespace, "auth", "can-i", "create", "pods", "--subresource=exec").strip() == "yes"
    assert re.search(rf"Username +{kubectl.user}\b", kubectl.kubectl("auth", "whoami"))
    assert "Resources" in kubectl.kubectl("-n", namespace, "auth", "can-i", "--list")


def test_nodes_can_be_closed_and_opened(kubectl: Server, namespace: str) -> None:
    node = kubectl.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    kubectl.kubectl("cordon", node)
    assert "Ready,SchedulingDisabled" in kubectl.kubectl("get", "node", node)
    kubectl.kubectl("uncordon", node)
    assert "SchedulingDisabled" not in kubectl.kubectl("get", "node", node)
