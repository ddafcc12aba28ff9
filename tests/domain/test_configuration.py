from __future__ import annotations

from typing import Any

from domain.configuration import (
    Reference,
    changed_objects,
    last_changed_at,
    missing_in,
    print_of,
    read_recorded,
    recorded_text,
    references_of,
)

TEMPLATE: dict[str, Any] = {
    "spec": {
        "initContainers": [{"envFrom": [{"secretRef": {"name": "db"}}]}],
        "containers": [
            {
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "a"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "D", "value": "plain"},
                ],
                "envFrom": [{"configMapRef": {"name": "extra", "optional": True}}],
            }
        ],
        "volumes": [
            {"configMap": {"name": "shop", "items": [{"key": "b", "path": "b"}]}},
            {"secret": {"secretName": "tls"}},
            {"projected": {"sources": [{"secret": {"name": "token"}}, {"serviceAccountToken": {}}]}},
            {"emptyDir": {}},
        ],
    }
}


def test_everything_that_a_template_refers_to_is_found_once() -> None:
    assert references_of(TEMPLATE) == (
        Reference("ConfigMap", "extra", (), True),
        Reference("ConfigMap", "shop", ("a", "b")),
        Reference("Secret", "db", ("password",)),
        Reference("Secret", "tls"),
        Reference("Secret", "token"),
    )
    assert references_of({}) == ()


def test_what_pods_would_miss_is_named() -> None:
    wanted = Reference("ConfigMap", "shop", ("a", "b"))
    assert missing_in(wanted, None) == "ConfigMap shop does not exist"
    assert missing_in(wanted, {"data": {"a": ""}}) == "ConfigMap shop has no key b"
    assert missing_in(wanted, {"data": {"a": ""}, "binaryData": {"b": ""}}) == ""
    assert missing_in(Reference("Secret", "x", (), True), None) == ""


def test_nothing_of_a_secrets_content_is_in_its_print() -> None:
    secret = {"kind": "Secret", "metadata": {"uid": "u", "resourceVersion": "7"}, "data": {"password": "aGVsbG8="}}
    assert print_of(secret) == "u:7"
    assert print_of({**secret, "data": {"password": "other"}}) == "u:7"


def test_a_config_map_is_known_by_its_content_alone() -> None:
    config = {"kind": "ConfigMap", "metadata": {"uid": "u", "resourceVersion": "7"}, "data": {"a": "b"}}
    touched = {**config, "metadata": {"uid": "u", "resourceVersion": "8", "labels": {"x": "y"}}}
    assert print_of(config) == print_of(touched)
    assert print_of(config) != print_of({**config, "data": {"a": "c"}})


def test_a_record_counts_only_for_the_template_it_was_made_for() -> None:
    text = recorded_text("abc", {"ConfigMap/shop": "1", "Secret/db": "u:7"})
    assert read_recorded(text, "abc") == {"ConfigMap/shop": "1", "Secret/db": "u:7"}
    assert read_recorded(text, "other") is None
    assert read_recorded("", "abc") is None and read_recorded("[", "abc") is None and read_recorded("[]", "abc") is None


def test_what_has_changed_is_told_and_what_could_not_be_read_is_not() -> None:
    recorded = {"ConfigMap/shop": "1", "Secret/db": "u:7", "Secret/tls": "t:1"}
    now = {"ConfigMap/shop": "2", "Secret/db": None}
    assert changed_objects(recorded, now) == ("ConfigMap shop has changed", "Secret db has been deleted")


def test_the_newest_of_the_servers_times_counts() -> None:
    fields = [{"time": "2025-01-01T00:00:00Z"}, {"time": "2025-01-02T00:00:00Z"}, {"time": "odd"}, {}]
    assert last_changed_at({"metadata": {"managedFields": fields}}) == 1735776000.0
    assert last_changed_at({"metadata": {}}) is None
