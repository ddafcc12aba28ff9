"""What only the practice cluster can show at will: versions that are too old, rights that go, watches that are cut."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest

from practice.kinds import PODS
from practice.scenarios import Scenario
from practice.serve import PracticeCluster
from tests.practice.http import SHOP, Client, until


async def test_a_watch_from_a_forgotten_version_is_expired(cluster: PracticeCluster, client: Client) -> None:
    _, found = await client.get(f"{SHOP}/pods")
    await client.patch(f"{SHOP}/configmaps/shop", {"data": {"currency": "SEK"}})
    cluster.world.store.forget_history()
    lines = [line async for line in client.stream(f"{SHOP}/pods", watch="1", resourceVersion="5")]
    event = json.loads(lines[0])
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 5 (")
    assert len(lines) == 1 and int(found["metadata"]["resourceVersion"]) > 5


async def test_a_page_of_a_list_that_nobody_remembers_is_expired(client: Client) -> None:
    status, said = await client.get(f"{SHOP}/pods", limit="2", **{"continue": "gone"})
    assert (status, said["reason"]) == (410, "Expired")


async def test_bookmarks_are_the_sign_of_life(cluster: PracticeCluster, client: Client) -> None:
    cluster.api.watches.bookmark_s = 0.05
    _, found = await client.get(f"{SHOP}/pods")
    version = found["metadata"]["resourceVersion"]
    kinds = []
    async for line in client.stream(f"{SHOP}/pods", watch="1", resourceVersion=version, allowWatchBookmarks="true"):
        event = json.loads(line)
        kinds.append(event["type"])
        assert event["object"]["kind"] == "Pod" and int(event["object"]["metadata"]["resourceVersion"]) >= int(version)
        if len(kinds) == 3:
            break
    assert kinds == ["BOOKMARK"] * 3


async def test_cut_watches_end_cleanly(cluster: PracticeCluster, client: Client) -> None:
    async def follow() -> int:
        return len([line async for line in client.stream(f"{SHOP}/pods", watch="1")])

    following = asyncio.create_task(follow())
    await until(lambda: cluster.world.store._shelf(PODS).watchers)
    cluster.world.store.cut_watches()
    assert await asyncio.wait_for(following, 5) == 11


async def test_a_watcher_who_leaves_is_forgotten(cluster: PracticeCluster, client: Client) -> None:
    stream = client.stream(f"{SHOP}/pods", watch="1")
    await anext(stream)
    watchers = cluster.world.store._shelf(PODS).watchers
    assert len(watchers) == 1
    with contextlib.suppress(aiohttp.ClientError):
        await stream.aclose()  # type: ignore[attr-defined]
    await until(lambda: not watchers)


async def test_rights_can_be_taken_away_and_given_back(cluster: PracticeCluster, client: Client) -> None:
    cluster.world.rights.take("list", "pods", namespace="shop-practice")
    status, said = await client.get(f"{SHOP}/pods")
    assert status == 403
    assert said["message"] == (
        'pods is forbidden: User "oncall" cannot list resource "pods" in API group "" in the namespace "shop-practice"'
    )
    assert (await client.get("/api/v1/namespaces/monitoring/pods"))[0] == 200
    assert (await client.get(f"{SHOP}/services"))[0] == 200
    cluster.world.rights.give("list", "pods", namespace="shop-practice")
    assert (await client.get(f"{SHOP}/pods"))[0] == 200


async def test_every_request_is_remembered(cluster: PracticeCluster, client: Client) -> None:
    await client.get(f"{SHOP}/pods", limit="1")
    await client.patch(f"{SHOP}/configmaps/shop", {"data": {"a": "b"}})
    assert [(each.method, each.path, each.user) for each in cluster.asked] == [
        ("GET", f"{SHOP}/pods", "oncall"),
        ("PATCH", f"{SHOP}/configmaps/shop", "oncall"),
    ]
    assert cluster.asked[0].query == "limit=1"


async def test_plain_http_needs_no_token() -> None:
    async with PracticeCluster(Scenario("quiet", ""), tls=False) as cluster, aiohttp.ClientSession() as session:
        assert cluster.url.startswith("http://127.0.0.1:")
        async with session.get(f"{cluster.url}{SHOP}/pods") as answer:
            assert answer.status == 200
        async with session.get(f"{cluster.url}{SHOP}/pods", headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401


async def test_a_big_fleet_is_listed_in_pages() -> None:
    async with PracticeCluster(Scenario("quiet", ""), pods=1200) as cluster, Client(cluster) as client:
        names, token = [], ""
        while True:
            _, page = await client.get(
                "/api/v1/namespaces/fleet/pods", limit="500", **({"continue": token} if token else {})
            )
            names += [item["metadata"]["name"] for item in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        assert len(set(names)) == len(names) == 1200
        _, nodes = await client.get("/api/v1/nodes")
        assert len(nodes["items"]) == 15
        status = await client.delete(f"/api/v1/namespaces/fleet/pods/{names[0]}")
        assert status == 200
        await until(lambda: cluster.world.store.find(PODS, "fleet", names[0]) is None)
        await until(lambda: sum(1 for _ in cluster.world.store.each(PODS, "fleet")) == 1200)


@pytest.mark.parametrize("namespaced", [True, False])
async def test_usage_is_told_for_what_runs(client: Client, namespaced: bool) -> None:
    place = "namespaces/shop-practice/" if namespaced else ""
    status, found = await client.get(f"/apis/metrics.k8s.io/v1beta1/{place}pods", labelSelector="app=shop-backend")
    assert status == 200 and found["kind"] == "PodMetricsList" and len(found["items"]) == 6
    usage = found["items"][0]["containers"][0]["usage"]
    assert usage["cpu"].endswith("n") and usage["memory"].endswith("Ki")
    assert (await client.get("/apis/metrics.k8s.io/v1beta1/nodes"))[1]["kind"] == "NodeMetricsList"
