"""Writes under a precondition: they hold or they are refused in words that say what differs and who it was."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.cluster import Cluster
from clients.kubernetes.credentials import StaticToken
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.limits import Limits
from clients.kubernetes.refusals import InvalidRequestError
from clients.kubernetes.writing import Writer
from domain.errors import ConflictError, ForbiddenError, NotFoundError, OutsideError, RefusedError
from domain.operation_ports import ClusterObject
from tests.contract.manifests import config, deployment
from tests.contract.servers import Server

Body = dict[str, Any]


def access_of(server: Server) -> ClusterAccess:
    return load_access(environ={"KUBECONFIG": str(server.kubeconfig)})


@pytest.fixture
async def cluster(server: Server) -> AsyncIterator[Cluster]:
    opened = Cluster(access_of(server))
    yield opened
    await opened.close()


@pytest.fixture
def writer(cluster: Cluster) -> Writer:
    return cluster.writer


@pytest.fixture
async def shop(writer: Writer, namespace: str) -> ClusterObject:
    return await writer.create(manifest("Deployment", namespace, deployment("shop", paused=True)))


def manifest(kind: str, namespace: str, body: Body) -> Body:
    version = {"Deployment": "apps/v1"}.get(kind, "v1")
    return {**body, "apiVersion": version, "kind": kind, "metadata": {**body["metadata"], "namespace": namespace}}


def guarded(found: ClusterObject, *changes: Body) -> list[Body]:
    return [
        {"op": "test", "path": "/metadata/uid", "value": found.uid},
        {"op": "test", "path": "/metadata/generation", "value": found.generation},
        *changes,
    ]


def scaled(count: int) -> Body:
    return {"op": "replace", "path": "/spec/replicas", "value": count}


def annotated(key: str, value: str) -> Body:
    return {"op": "add", "path": f"/metadata/annotations/{key.replace('/', '~1')}", "value": value}


async def test_a_patch_whose_tests_hold_is_stored_under_our_name(
    writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    done = await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(5)))
    again = await writer.read("Deployment", namespace, "shop")
    assert (done.body["spec"]["replicas"], again.body["spec"]["replicas"]) == (5, 5)
    assert again.generation == shop.generation + 1
    managers = {entry["manager"] for entry in again.body["metadata"]["managedFields"]}
    assert "quarterdeck" in managers


async def test_the_loser_of_a_race_is_told_what_differs_and_who_it_was(
    writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    winner = [annotated("quarterdeck.dev/by", "ops@jump2"), annotated("quarterdeck.dev/operation", "7KQ2MXPA")]
    await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(5), *winner))
    with pytest.raises(ConflictError) as caught:
        await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(9)))
    said = caught.value.message
    assert said.startswith("deployment/shop has changed since this was planned: generation was 1, is 2 (last changed by ")
    assert "ops@jump2, operation 7KQ2MXPA, " in said and said.endswith(" UTC)")
    assert "Nothing was changed" in caught.value.hint
    assert (await writer.read("Deployment", namespace, "shop")).body["spec"]["replicas"] == 5


async def test_another_tool_is_named_by_its_manager(
    server: Server, writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/shop"
    server.must(server.api.patch(path, {"spec": {"replicas": 4}}, fieldManager="helm"))
    with pytest.raises(
        ConflictError, match=r"generation was 1, is 2 \(last changed by helm( or quarterdeck)?, \d\d:\d\d:\d\d UTC\)"
    ):
        await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(9)))


async def test_one_of_the_same_name_that_was_made_anew_is_another(
    writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    await writer.delete("Deployment", namespace, "shop", uid=shop.uid)
    with pytest.raises(NotFoundError):
        await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(9)))
    await writer.create(manifest("Deployment", namespace, deployment("shop", paused=True)))
    with pytest.raises(ConflictError, match="it was deleted and made anew"):
        await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(9)))


async def test_a_path_that_leads_nowhere_is_not_a_conflict(writer: Writer, namespace: str, shop: ClusterObject) -> None:
    wrong = {"op": "replace", "path": "/spec/colour/red", "value": 1}
    with pytest.raises(InvalidRequestError, match="a path in it leads nowhere"):
        await writer.patch("Deployment", namespace, "shop", guarded(shop, wrong))


async def test_what_the_server_does_not_accept_keeps_its_own_words(
    writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(-1)))
    assert "must be greater than or equal to 0" in caught.value.said


async def test_a_dry_run_answers_and_stores_nothing(writer: Writer, namespace: str, shop: ClusterObject) -> None:
    tried = await writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(7)), is_dry_run=True)
    assert (tried.body["spec"]["replicas"], tried.generation) == (7, shop.generation + 1)
    await writer.create(manifest("ConfigMap", namespace, config("dry")), is_dry_run=True)
    await writer.delete("Deployment", namespace, "shop", uid=shop.uid, is_dry_run=True)
    with pytest.raises(ConflictError, match="generation was 9, is 1"):
        stale = [{"op": "test", "path": "/metadata/generation", "value": 9}]
        await writer.patch("Deployment", namespace, "shop", stale, is_dry_run=True)
    assert (await writer.read("Deployment", namespace, "shop")).body["spec"]["replicas"] == 2
    with pytest.raises(NotFoundError):
        await writer.read("ConfigMap", namespace, "dry")


async def test_a_name_is_taken_once_and_a_version_replaced_once(writer: Writer, namespace: str) -> None:
    made = await writer.create(manifest("ConfigMap", namespace, config("record")))
    with pytest.raises(ConflictError) as caught:
        await writer.create(manifest("ConfigMap", namespace, config("record")))
    assert "already exists" in caught.value.hint
    body = {**made.body, "data": {"value": "2"}}
    done = await writer.replace(body)
    assert done.body["data"] == {"value": "2"} and done.resource_version != made.resource_version
    with pytest.raises(ConflictError):
        await writer.replace({**body, "data": {"value": "3"}})
    with pytest.raises(RefusedError):
        await writer.replace(manifest("ConfigMap", namespace, config("record")))


async def test_deleting_takes_away_this_one_and_no_other(writer: Writer, namespace: str) -> None:
    old = await writer.create(manifest("ConfigMap", namespace, config("record")))
    await writer.delete("ConfigMap", namespace, "record", uid=old.uid)
    await writer.delete("ConfigMap", namespace, "record", uid=old.uid)
    new = await writer.create(manifest("ConfigMap", namespace, config("record")))
    await writer.delete("ConfigMap", namespace, "record", uid=old.uid)
    assert (await writer.read("ConfigMap", namespace, "record")).uid == new.uid


async def test_a_list_has_all_pages_and_objects_that_can_go_back(server: Server, writer: Writer, namespace: str) -> None:
    for number in range(3):
        await writer.create(manifest("ConfigMap", namespace, config(f"m-{number}", tier="web")))
    await writer.create(manifest("ConfigMap", namespace, config("other")))
    small = Cluster(access_of(server), limits=Limits(page_size=2))
    try:
        found = await small.writer.list("ConfigMap", namespace, label_selector="tier=web")
    finally:
        await small.close()
    assert [item.body["metadata"]["name"] for item in found] == ["m-0", "m-1", "m-2"]
    changed = await writer.replace({**found[0].body, "data": {"value": "back"}})
    assert changed.body["data"] == {"value": "back"}


@pytest.mark.parametrize(
    "kind",
    [
        *("StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision", "Pod", "Event", "ResourceQuota"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler", "Lease", "LimitRange", "Service", "Job"),
    ],
)
async def test_every_kind_has_its_place(writer: Writer, namespace: str, kind: str) -> None:
    assert await writer.list(kind, namespace) == ()
    with pytest.raises(NotFoundError, match=r"\(404, get "):
        await writer.read(kind, namespace, "none")


async def test_of_a_secret_only_the_keys_are_handed_out(server: Server, writer: Writer, namespace: str) -> None:
    canary = base64.b64encode(b"hunter2-canary").decode()
    body = {
        "metadata": {
            "name": "db",
            "labels": {"owner": "helm"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": canary, "note": "kept"},
        },
        "data": {"password": canary, "user": canary},
    }
    server.must(server.api.post(f"/api/v1/namespaces/{namespace}/secrets", body), 201)
    found = await writer.read("Secret", namespace, "db")
    assert found.body["data"] == {"password": "", "user": ""}
    assert found.annotations == {"note": "kept"}
    listed = await writer.list("Secret", namespace, label_selector="owner=helm")
    assert [item.uid for item in listed] == [found.uid] and "data" not in listed[0].body
    patched = await writer.patch(
        "Secret", namespace, "db", [{"op": "add", "path": "/metadata/labels/seen", "value": "yes"}]
    )
    assert canary not in repr((found, listed, patched)) and "hunter2" not in repr((found, listed, patched))
    assert await writer.read_secret_data(namespace, "db", "password") == b"hunter2-canary"
    with pytest.raises(OutsideError, match="too large"):
        await writer.read_secret_data(namespace, "db", "password", limit_bytes=5)
    with pytest.raises(NotFoundError, match="no key 'nothing'"):
        await writer.read_secret_data(namespace, "db", "nothing")
    with pytest.raises(RefusedError):
        await writer.replace(found.body)


async def test_an_event_is_told_on_the_workload(
    server: Server, writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    event = {
        "metadata": {"generateName": "shop."},
        "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "namespace": namespace},
        "reason": "RolledBack",
        "message": "rolled back to v1.8.2",
        "type": "Normal",
        "action": "Rollback",
        "eventTime": "2026-11-23T15:50:00.000000Z",
        "reportingComponent": "quarterdeck.dev/quarterdeck",
        "reportingInstance": "ops@jump2",
    }
    event["involvedObject"]["uid"] = shop.uid  # type: ignore[index]
    made = await writer.create(manifest("Event", namespace, event))
    assert made.body["metadata"]["name"].startswith("shop.")
    selector = f"involvedObject.uid={shop.uid},reason=RolledBack"
    found = server.must(server.api.get(f"/api/v1/namespaces/{namespace}/events", fieldSelector=selector)).json["items"]
    assert [item["message"] for item in found] == ["rolled back to v1.8.2"]


async def test_rights_are_asked_for_by_name_too(writer: Writer, namespace: str) -> None:
    assert await writer.is_permitted("patch", "deployments", group="apps", namespace=namespace, name="shop")


async def test_without_the_right_nothing_is_changed_and_the_right_is_named(
    server: Server, writer: Writer, namespace: str, shop: ClusterObject
) -> None:
    other = Cluster(replace(access_of(server), credential=StaticToken(server.shut_out.token)))
    try:
        with pytest.raises(ForbiddenError, match="Not permitted to patch deployments") as caught:
            await other.writer.patch("Deployment", namespace, "shop", guarded(shop, scaled(9)))
    finally:
        await other.close()
    assert (caught.value.verb, caught.value.resource) == ("patch", "deployments")
    assert (await writer.read("Deployment", namespace, "shop")).generation == shop.generation


async def test_read_only_lets_no_write_out(server: Server, namespace: str, shop: ClusterObject) -> None:
    access = access_of(server)
    watching = Cluster(access, is_read_only=True, read_only_reason="environment production")
    patch = guarded(shop, scaled(9))
    try:
        assert (await watching.writer.read("Deployment", namespace, "shop")).uid == shop.uid
        for write in (
            watching.writer.patch("Deployment", namespace, "shop", patch, is_dry_run=True),
            watching.writer.create(manifest("ConfigMap", namespace, config("no"))),
            watching.writer.replace(shop.body),
            watching.writer.delete("Deployment", namespace, "shop", uid=shop.uid),
            watching.leases.acquire(namespace, "lock", "ops@jump2", 15, {}),
        ):
            with pytest.raises(RefusedError, match="environment production"):
                await write
        assert watching.counters.refused == 5
    finally:
        await watching.close()
