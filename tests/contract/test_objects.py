"""Objects over HTTP: pages, selectors, patches, and the words in which a server refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.manifests import config, deployment, lease
from tests.contract.servers import Server

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def _maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"] if item["metadata"]["name"] != "kube-root-ca.crt"]


def test_a_list_comes_in_pages_that_name_what_remains(server: Server, namespace: str) -> None:
    for number in range(5):
        server.must(server.api.post(_maps(namespace), config(f"page-{number}", kind="paged")), 201)
    first = server.must(server.api.get(_maps(namespace), limit="2")).json
    assert first["kind"] == "ConfigMapList" and len(first["items"]) == 2
    assert first["metadata"]["remainingItemCount"] >= 3
    second = server.must(server.api.get(_maps(namespace), limit="500", **{"continue": first["metadata"]["continue"]})).json
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in second["metadata"]
    assert _names(first) + _names(second) == [f"page-{number}" for number in range(5)]
    selected = server.must(server.api.get(_maps(namespace), limit="2", labelSelector="kind=paged")).json
    assert "remainingItemCount" not in selected["metadata"] and selected["metadata"]["continue"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"labelSelector": "tier=web"}, ["a"]),
        ({"labelSelector": "tier!=web"}, ["b", "c"]),
        ({"labelSelector": "tier in (web,db)"}, ["a", "b"]),
        ({"labelSelector": "tier notin (web,db)"}, ["c"]),
        ({"labelSelector": "tier"}, ["a", "b"]),
        ({"labelSelector": "!tier"}, ["c"]),
        ({"labelSelector": "tier=db,size==big"}, ["b"]),
        ({"fieldSelector": "metadata.name=c"}, ["c"]),
        ({"fieldSelector": "metadata.name!=c", "labelSelector": "tier"}, ["a", "b"]),
    ],
    ids=str,
)
def test_selectors_choose(server: Server, namespace: str, query: dict[str, str], found: list[str]) -> None:
    for name, labels in (("a", {"tier": "web"}), ("b", {"tier": "db", "size": "big"}), ("c", {})):
        server.must(server.api.post(_maps(namespace), config(name, **labels)), 201)
    assert _names(server.must(server.api.get(_maps(namespace), **query)).json) == found


def test_a_field_that_cannot_be_selected_is_refused(server: Server, namespace: str) -> None:
    answer = server.must(server.api.get(f"/api/v1/namespaces/{namespace}/pods", fieldSelector="spec.colour=red"), 400).json
    assert answer["reason"] == "BadRequest"
    assert "field label not supported: spec.colour" in answer["message"]


def test_what_is_not_there_is_named(server: Server, namespace: str) -> None:
    answer = server.must(server.api.get(f"{_deployments(namespace)}/gone"), 404).json
    assert answer["message"] == 'deployments.apps "gone" not found'
    assert answer["reason"] == "NotFound" and answer["code"] == 404 and answer["kind"] == "Status"
    assert answer["details"] == {"name": "gone", "group": "apps", "kind": "deployments"}
    assert server.api.get(f"/api/v1/namespaces/{namespace}/pods/gone").json["message"] == 'pods "gone" not found'
    assert server.api.get(f"/api/v1/namespaces/{namespace}/colours").status == 404


def test_a_name_can_be_taken_once(server: Server, namespace: str) -> None:
    server.must(server.api.post(_maps(namespace), config("twice")), 201)
    answer = server.must(server.api.post(_maps(namespace), config("twice")), 409).json
    assert (answer["reason"], answer["message"]) == ("AlreadyExists", 'configmaps "twice" already exists')


def test_a_stale_version_conflicts_in_put_and_in_patch(server: Server, namespace: str) -> None:
    server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201)
    path = f"{_deployments(namespace)}/web"
    old = server.must(server.api.get(path)).json
    server.must(server.api.patch(path, {"metadata": {"labels": {"touched": "yes"}}}))
    answer = server.must(server.api.put(path, old), 409).json
    assert answer["message"] == f'Operation cannot be fulfilled on deployments.apps "web": {_MODIFIED}'
    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "spec": {"replicas": 3}}
    for kind in ("merge-patch", "strategic-merge-patch"):
        assert server.must(server.api.patch(path, stale, kind), 409).json["reason"] == "Conflict"


def test_a_json_patch_is_tested_first(server: Server, namespace: str) -> None:
    made = server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201).json
    path = f"{_deployments(namespace)}/web"
    generation, uid = made["metadata"]["generation"], made["metadata"]["uid"]
    guard = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/generation", "value": generation},
    ]
    change = [*guard, {"op": "replace", "path": "/spec/replicas", "value": 4}]
    assert server.must(server.api.patch(path, change, "json-patch")).json["spec"]["replicas"] == 4
    answer = server.must(server.api.patch(path, change, "json-patch"), 422).json
    assert answer["reason"] == "Invalid"
    assert answer["message"] == "the server rejected our request due to an error in our request"
    no_such_path = [{"op": "replace", "path": "/spec/colour/red", "value": 1}]
    assert server.api.patch(path, no_such_path, "json-patch").status == 422


def test_a_strategic_patch_finds_containers_by_name(server: Server, namespace: str) -> None:
    server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201)
    inner = {"containers": [{"name": "main", "image": "new:v2", "env": [{"name": "MORE", "value": "1"}]}]}
    change = {"spec": {"template": {"spec": inner}}}
    done = server.must(server.api.patch(f"{_deployments(namespace)}/web", change, "strategic-merge-patch")).json
    main, side = done["spec"]["template"]["spec"]["containers"]
    assert (main["name"], main["image"], side["name"]) == ("main", "new:v2", "side")
    assert {each["name"] for each in main["env"]} == {"LEVEL", "MORE"}
    gone = {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}
    done = server.must(server.api.patch(f"{_deployments(namespace)}/web", gone, "strategic-merge-patch")).json
    assert [each["name"] for each in done["spec"]["template"]["spec"]["containers"]] == ["main"]


def test_a_dry_run_answers_and_stores_nothing(server: Server, namespace: str) -> None:
    made = server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201).json
    path = f"{_deployments(namespace)}/web"
    tried = server.must(server.api.patch(path, {"spec": {"replicas": 7}}, dryRun="All")).json
    assert tried["spec"]["replicas"] == 7
    assert tried["metadata"]["generation"] == made["metadata"]["generation"] + 1
    now = server.must(server.api.get(path)).json
    assert (now["spec"]["replicas"], now["metadata"]["generation"]) == (2, made["metadata"]["generation"])
    server.must(server.api.post(_maps(namespace), config("dry"), dryRun="All"), 201)
    assert server.api.get(f"{_maps(namespace)}/dry").status == 404


def test_generation_counts_changes_of_a_deployments_spec_and_annotations(server: Server, namespace: str) -> None:
    made = server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201).json
    path = f"{_deployments(namespace)}/web"
    noted = server.must(server.api.patch(path, {"metadata": {"annotations": {"note": "x"}}})).json
    labelled = server.must(server.api.patch(path, {"metadata": {"labels": {"note": "x"}}})).json
    changed = server.must(server.api.patch(path, {"spec": {"minReadySeconds": 1}})).json
    again = server.must(server.api.patch(path, {"spec": {"minReadySeconds": 1}})).json
    generations = [each["metadata"]["generation"] for each in (made, noted, labelled, changed, again)]
    assert generations == [1, 2, 2, 3, 3]


def test_a_status_is_only_set_through_its_own_path(server: Server, namespace: str) -> None:
    made = server.must(server.api.post(_deployments(namespace), deployment("web", replicas=0)), 201).json
    assert made.get("status", {}).get("replicas", 0) == 0
    path = f"{_deployments(namespace)}/web"
    server.must(server.api.patch(path, {"status": {"collisionCount": 9}}))
    assert server.api.get(path).json["status"].get("collisionCount") != 9


def test_who_changed_what_is_remembered(server: Server, namespace: str) -> None:
    server.must(server.api.post(_deployments(namespace), deployment("web", paused=True), fieldManager="ci"), 201)
    change = {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}
    done = server.must(server.api.patch(f"{_deployments(namespace)}/web", change, fieldManager="oncall")).json
    managers = {entry["manager"]: entry for entry in done["metadata"]["managedFields"]}
    assert "f:template" in managers["ci"]["fieldsV1"]["f:spec"]
    mine = managers["oncall"]["fieldsV1"]["f:spec"]["f:template"]["f:metadata"]["f:annotations"]
    assert "f:restarted" in mine and managers["oncall"]["operation"] == "Update"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replicas": -1}, "must be greater than or equal to 0"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "does not match template `labels`"),
    ],
    ids=str,
)
def test_a_deployment_that_cannot_be_is_refused(server: Server, namespace: str, change: Any, said: str) -> None:
    manifest = deployment("web")
    manifest["spec"] |= change
    answer = server.must(server.api.post(_deployments(namespace), manifest), 422).json
    assert answer["reason"] == "Invalid" and said in answer["message"]
    assert answer["message"].startswith('Deployment.apps "web" is invalid: spec.')


def test_the_scale_of_a_deployment_has_a_path_of_its_own(server: Server, namespace: str) -> None:
    server.must(server.api.post(_deployments(namespace), deployment("web", paused=True)), 201)
    path = f"{_deployments(namespace)}/web/scale"
    scale = server.must(server.api.get(path)).json
    assert (scale["kind"], scale["apiVersion"], scale["spec"]["replicas"]) == ("Scale", "autoscaling/v1", 2)
    assert scale["status"]["selector"] == "app=web"
    guarded = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 0},
    ]
    server.must(server.api.patch(path, guarded, "json-patch"))
    assert server.api.get(f"{_deployments(namespace)}/web").json["spec"]["replicas"] == 0
    assert server.api.patch(path, guarded, "json-patch").status == 422


def test_a_lease_is_taken_by_whoever_saw_it_last(server: Server, namespace: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    assert server.api.post(path, lease("bad", "2026-11-23T15:50:00Z")).status == 400
    made = server.must(server.api.post(path, lease("lock")), 201).json
    assert server.api.post(path, lease("lock")).status == 409
    assert server.api.put(f"{path}/lock", lease("lock")).status == 422
    mine = {**made, "spec": {**made["spec"], "holderIdentity": "ops"}}
    taken = server.must(server.api.put(f"{path}/lock", mine)).json
    assert taken["spec"]["holderIdentity"] == "ops"
    assert server.api.put(f"{path}/lock", {**mine, "spec": made["spec"]}).status == 409
    stale = {"preconditions": {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}}
    assert server.api.delete(f"{path}/lock", stale).status == 409
    now = {"preconditions": {"resourceVersion": taken["metadata"]["resourceVersion"]}}
    assert server.api.delete(f"{path}/lock", now).status == 200


def test_an_event_has_two_faces(server: Server, namespace: str) -> None:
    event = {
        "metadata": {"name": "seen"},
        "regarding": {"kind": "Deployment", "name": "web", "namespace": namespace},
        "reason": "Practised",
        "note": "it was seen",
        "type": "Normal",
        "action": "See",
        "eventTime": "2026-11-23T15:50:00.000000Z",
        "reportingController": "contract.example/test",
        "reportingInstance": "one",
    }
    server.must(server.api.post(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", event), 201)
    selector = "involvedObject.kind=Deployment,involvedObject.name=web"
    found = server.must(server.api.get(f"/api/v1/namespaces/{namespace}/events", fieldSelector=selector)).json["items"]
    assert [(each["reason"], each["message"]) for each in found] == [("Practised", "it was seen")]
    new = server.must(server.api.get(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events/seen")).json
    assert (new["note"], new["regarding"]["name"], new["apiVersion"]) == ("it was seen", "web", "events.k8s.io/v1")
