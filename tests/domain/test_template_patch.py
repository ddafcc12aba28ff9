from __future__ import annotations

import copy
from typing import Any

import pytest

from domain.errors import RefusedError
from domain.template_patch import (
    CHANGE_CAUSE,
    CONFIGURATION,
    DIGEST,
    RESTARTED_AT,
    fenced,
    image_change,
    pause_change,
    restart_change,
    scale_change,
    template_fingerprint,
    template_of_revision,
    undo_change,
)


def _template(version: str = "v2", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web"}, **metadata},
        "spec": {
            "initContainers": [{"name": "migrate", "image": f"shop/web:{version}"}],
            "containers": [{"name": "web", "image": f"shop/web:{version}"}, {"name": "proxy", "image": "envoy:1"}],
        },
    }


def _workload(annotations: dict[str, str] | None = None, **template: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"uid": "u", "generation": 42, "name": "web"}
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": _template(**template)}}


def _replica_set(annotations: dict[str, str] | None = None) -> dict[str, Any]:
    template = _template("v1")
    template["metadata"]["labels"]["pod-template-hash"] = "77ab"
    return {
        "kind": "ReplicaSet",
        "metadata": {"name": "web-77ab", "annotations": annotations},
        "spec": {"template": template},
    }


def _controller_revision() -> dict[str, Any]:
    data = {"spec": {"template": {**_template("v1"), "$patch": "replace"}}}
    return {"kind": "ControllerRevision", "metadata": {"name": "web-77ab"}, "data": data}


TESTS = [
    {"op": "test", "path": "/metadata/uid", "value": "u"},
    {"op": "test", "path": "/metadata/generation", "value": 42},
]


@pytest.mark.parametrize("revision", [_replica_set(), _controller_revision()], ids=["ReplicaSet", "ControllerRevision"])
def test_an_undo_sends_the_template_without_what_its_controller_added(revision: dict[str, Any]) -> None:
    before = copy.deepcopy(revision)
    workload = _workload({})
    assert fenced(workload, undo_change(workload, revision)) == [
        *TESTS,
        {"op": "replace", "path": "/spec/template", "value": _template("v1")},
    ]
    assert revision == before


def test_an_undo_brings_back_the_annotations_of_that_revision_and_leaves_those_of_others() -> None:
    workload = _workload({"argocd.argoproj.io/tracking-id": "shop", DIGEST: "sha256:bad", CONFIGURATION: "{}"})
    revision = _replica_set(
        {
            "deployment.kubernetes.io/revision": "3",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "team": "shop",
            CHANGE_CAUSE: "v1 of old",
            CONFIGURATION: "old",
        }
    )
    change = undo_change(workload, revision, {CHANGE_CAUSE: "back to v1", DIGEST: "sha256:good"})
    assert change.annotations == {"team": "shop", CHANGE_CAUSE: "back to v1", DIGEST: "sha256:good"}
    assert [o["path"] for o in change.operations if o["op"] == "remove"] == [
        "/metadata/annotations/quarterdeck.dev~1configuration"
    ]


def test_annotations_are_set_key_by_key_and_as_a_map_where_there_is_none() -> None:
    change = image_change(_workload(), {"web": "shop/web:v3"}, {"team": "a/b"})
    assert fenced(_workload(), change)[-1] == {"op": "add", "path": "/metadata/annotations", "value": {"team": "a/b"}}
    at = "/metadata/annotations/team"
    assert fenced(_workload({"x": "y"}), change)[-1] == {"op": "add", "path": at, "value": "a/b"}


def test_images_are_set_by_container_name_init_containers_too() -> None:
    change = image_change(_workload({}), {"web": "shop/web:v3", "migrate": "shop/web:v3"})
    assert list(change.operations) == [
        {"op": "test", "path": "/spec/template/spec/initContainers/0/name", "value": "migrate"},
        {"op": "replace", "path": "/spec/template/spec/initContainers/0/image", "value": "shop/web:v3"},
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "web"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop/web:v3"},
    ]


def test_a_container_that_does_not_exist_is_named_beside_those_that_do() -> None:
    with pytest.raises(RefusedError, match="no container other") as refused:
        image_change(_workload(), {"other": "x", "web": "y"})
    assert refused.value.hint == "It has: web, proxy, migrate."


@pytest.mark.parametrize(
    "workload, path, value",
    [
        (_workload(), "/spec/template/metadata/annotations", {RESTARTED_AT: "now"}),
        (
            _workload(annotations={}, version="v2"),
            "/spec/template/metadata/annotations",
            {RESTARTED_AT: "now"},
        ),
    ],
)
def test_a_restart_makes_the_map_of_annotations_where_it_is_missing(
    workload: dict[str, Any], path: str, value: object
) -> None:
    assert restart_change(workload, "now").operations == ({"op": "add", "path": path, "value": value},)


def test_a_restart_adds_one_annotation_beside_others() -> None:
    workload = _workload()
    workload["spec"]["template"]["metadata"]["annotations"] = {"x": "y"}
    path = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
    assert restart_change(workload, "now").operations == ({"op": "add", "path": path, "value": "now"},)
    del workload["spec"]["template"]["metadata"]
    (operation,) = restart_change(workload, "now").operations
    assert operation["path"] == "/spec/template/metadata"


def test_scale_and_pause_touch_one_field() -> None:
    assert scale_change(5).operations == ({"op": "add", "path": "/spec/replicas", "value": 5},)
    assert pause_change(is_paused=False).operations == ({"op": "add", "path": "/spec/paused", "value": False},)


@pytest.mark.parametrize("body", [{}, {"kind": "ControllerRevision"}, {"kind": "ControllerRevision", "data": {"spec": {}}}])
def test_a_revision_without_a_template_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="holds no pod template"):
        template_of_revision(body)


def test_a_fingerprint_is_of_the_version_not_of_what_is_added_to_it() -> None:
    wanted = template_fingerprint(_template("v1"))
    assert template_fingerprint(_replica_set()["spec"]["template"]) == wanted
    assert template_fingerprint(_controller_revision()["data"]["spec"]["template"]) == wanted
    assert template_fingerprint(_template("v1", creationTimestamp=None, annotations={})) == wanted
    assert template_fingerprint(_template("v2")) != wanted
