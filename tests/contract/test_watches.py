"""Watches: nothing is lost between a list and what follows it, and every silence has a sign of life."""

from __future__ import annotations

import threading
from typing import Any

from tests.contract.manifests import config
from tests.contract.servers import Server
from tests.practice.calls import TABLE

_END = "k8s.io/initial-events-end"


def _maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (event["type"], event["object"]["metadata"]["name"])
        for event in events
        if event["type"] != "BOOKMARK" and event["object"]["metadata"]["name"] != "kube-root-ca.crt"
    ]


def _version(server: Server, namespace: str) -> str:
    return str(server.api.get(_maps(namespace)).json["metadata"]["resourceVersion"])


def test_a_watch_tells_what_changed_since_the_list(server: Server, namespace: str) -> None:
    server.api.post(_maps(namespace), config("a"))
    version = _version(server, namespace)
    server.api.post(_maps(namespace), config("b"))
    server.api.patch(f"{_maps(namespace)}/a", {"data": {"value": "2"}})
    server.api.delete(f"{_maps(namespace)}/b")
    events = server.api.watch(_maps(namespace), resourceVersion=version)
    assert _told(events) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(versions)


def test_what_happens_while_watching_is_told(server: Server, namespace: str) -> None:
    version = _version(server, namespace)
    later = threading.Timer(0.3, lambda: server.api.post(_maps(namespace), config("late")))
    later.start()
    assert _told(server.api.watch(_maps(namespace), seconds=2, resourceVersion=version)) == [("ADDED", "late")]
    later.join()


def test_leaving_the_selection_looks_like_an_end(server: Server, namespace: str) -> None:
    server.api.post(_maps(namespace), config("a", tier="web"))
    server.api.post(_maps(namespace), config("b", tier="db"))
    version = _version(server, namespace)
    server.api.patch(f"{_maps(namespace)}/a", {"metadata": {"labels": {"tier": "db"}}})
    server.api.patch(f"{_maps(namespace)}/b", {"metadata": {"labels": {"tier": "web"}}})
    events = server.api.watch(_maps(namespace), resourceVersion=version, labelSelector="tier=web")
    assert _told(events) == [("DELETED", "a"), ("ADDED", "b")]


def test_a_watch_without_a_version_begins_with_what_is_there(server: Server, namespace: str) -> None:
    server.api.post(_maps(namespace), config("a"))
    assert ("ADDED", "a") in _told(server.api.watch(_maps(namespace)))


def test_a_watch_list_says_when_the_list_is_over(server: Server, namespace: str) -> None:
    server.api.post(_maps(namespace), config("a"))
    query: dict[str, Any] = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    events = server.api.watch(_maps(namespace), **query)
    place = next(i for i, event in enumerate(events) if event["type"] == "BOOKMARK")
    mark = events[place]["object"]["metadata"]
    assert mark["annotations"] == {_END: "true"} and mark["resourceVersion"].isdigit()
    assert _told(events[:place]) == [("ADDED", "a")]


def test_a_watch_list_needs_its_match(server: Server, namespace: str) -> None:
    answer = server.must(server.api.get(_maps(namespace), watch="1", sendInitialEvents="true"), 422).json
    assert answer["reason"] == "Invalid"
    assert "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan" in answer["message"]


def test_a_watch_can_be_of_table_rows(server: Server, namespace: str) -> None:
    server.api.post(_maps(namespace), config("a"))
    events = server.api.watch(_maps(namespace), accept=f"{TABLE},application/json")
    rows = [(event["type"], event["object"]["kind"], event["object"]["rows"][0]["cells"][0]) for event in events]
    assert ("ADDED", "Table", "a") in rows
    names = [column["name"] for column in events[0]["object"]["columnDefinitions"]]
    assert names == ["Name", "Data", "Age"]
    assert all(not event["object"].get("columnDefinitions") for event in events[1:])
