"""Which revision a release goes back to, and what is said to differ between two."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from clients import helm_release
from clients.helm_release import StoredRelease
from domain.errors import OutsideError
from domain.helm import ManifestObject, Release, ReleaseContent, ReleaseRevision, ReleaseStatus, rolled_back_to
from domain.helm_diff import compare_releases, gone_objects

CANARY = "canary-in-a-chart"


def release(*statuses: str) -> Release:
    """Oldest first; "superseded<3" is a rollback to 3."""
    found = []
    for number, text in enumerate(statuses, 1):
        status, _, back = text.partition("<")
        revision = ReleaseRevision(number, ReleaseStatus(status), 1000.0 + number, goes_back_to=int(back or 0))
        found.append(revision)
    return Release("shop", "shop", tuple(reversed(found)))


@pytest.mark.parametrize(
    ("statuses", "target"),
    [
        (("superseded", "deployed"), 1),
        (("deployed",), None),
        (("superseded", "failed", "deployed"), 1),
        (("superseded", "superseded", "superseded", "deployed<2"), 1),
        (("superseded", "superseded", "deployed<1"), None),
        (("superseded", "deployed", "pending-upgrade"), 2),
        (("superseded", "deployed", "failed"), 2),
        (("superseded", "deployed", "failed", "pending-upgrade"), 2),
        (("superseded", "deployed", "pending-rollback<1"), 1),
        (("superseded", "deployed", "failed<1"), 1),
        (("pending-install",), None),
        (("failed",), None),
        (("superseded", "superseded", "deployed", "pending-rollback<9"), 3),
        (("superseded", "superseded", "superseded<1", "superseded", "deployed<3"), None),
    ],
)
def test_a_rollback_never_goes_to_what_was_left(statuses: tuple[str, ...], target: int | None) -> None:
    found = release(*statuses).target()

    assert (found.number if found else None) == target


def test_how_long_it_has_been_stuck() -> None:
    assert release("deployed", "pending-upgrade").pending_for_s(1602.0) == 600.0
    assert release("superseded", "deployed").pending_for_s(1602.0) is None


@pytest.mark.parametrize(
    ("description", "number"),
    [("Rollback to 12", 12), ("Rollback to 3 (quarterdeck 7KQ2ABCD)", 3), ("Upgrade complete", 0), ("Rollback to", 0)],
)
def test_a_rollback_is_known_by_its_description(description: str, number: int) -> None:
    assert rolled_back_to(description) == number


def content(*objects: dict[str, Any], values: dict[str, Any] | None = None) -> ReleaseContent:
    found = [ManifestObject(o["kind"], "shop", o["metadata"]["name"], o) for o in objects]
    return ReleaseContent("shop", ReleaseRevision(1, ReleaseStatus.DEPLOYED), values or {}, tuple(found))


def thing(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "web", "labels": {"helm.sh/chart": f"shop-{fields}"}}, **fields}


def workload(image: str, password: str) -> dict[str, Any]:
    container = {"name": "web", "image": image, "env": [{"name": "DB_PASSWORD", "value": password}]}
    return thing("Deployment", spec={"replicas": 2, "template": {"spec": {"containers": [container]}}})


def test_what_differs_is_said_and_no_secret_with_it() -> None:
    old = content(
        workload("web:v1", f"{CANARY}1"),
        thing("Secret", data={"a": f"{CANARY}1"}),
        thing("ConfigMap", data={"app.ini": f"level=info\npassword={CANARY}1\nport=1\n"}),
        thing("Widget", spec={"env": [{"name": "API_TOKEN", "value": f"{CANARY}1"}, {"name": "SIZE", "value": "1"}]}),
        thing("Other", text=f"-----BEGIN PRIVATE KEY-----\n{CANARY}1\n-----END PRIVATE KEY-----\n"),
        thing("Service", spec={"ports": [{"name": "http", "port": 80}]}),
        values={"image": {"tag": "v1"}, "adminPassword": f"{CANARY}1"},
    )
    new = content(
        workload("web:v2", f"{CANARY}2"),
        thing("Secret", data={"a": f"{CANARY}2"}),
        thing("ConfigMap", data={"app.ini": f"level=debug\npassword={CANARY}2\nport=1\n"}),
        thing("Widget", spec={"env": [{"name": "API_TOKEN", "value": f"{CANARY}2"}, {"name": "SIZE", "value": "2"}]}),
        thing("Other", text=f"-----BEGIN PRIVATE KEY-----\n{CANARY}2\n-----END PRIVATE KEY-----\n"),
        thing("Ingress"),
        values={"image": {"tag": "v2"}, "adminPassword": f"{CANARY}2"},
    )

    found = compare_releases(old, new)
    said = [(d.kind, d.where, d.old, d.new) for d in found]

    assert CANARY not in repr(said)
    assert said == [
        ("object", "Service/web", "there", None),
        ("object", "Ingress/web", None, "there"),
        ("Deployment/web image", "web", "web:v1", "web:v2"),
        ("Deployment/web env", "web DB_PASSWORD", "•••", "••• (changed)"),
        ("Secret/web", "data.a", "•••", "••• (changed)"),
        ("ConfigMap/web", "data.app.ini", "level=info", None),
        ("ConfigMap/web", "data.app.ini", "•••", None),
        ("ConfigMap/web", "data.app.ini", None, "level=debug"),
        ("ConfigMap/web", "data.app.ini", None, "•••"),
        ("Widget/web", "spec.env[API_TOKEN].value", "•••", "••• (changed)"),
        ("Widget/web", "spec.env[SIZE].value", "1", "2"),
        ("Other/web", "text", "•••", "••• (changed)"),
        ("values", "adminPassword", "•••", "••• (changed)"),
        ("values", "image.tag", "v1", "v2"),
    ]
    assert gone_objects(old, new) == ("Service/web",)
    assert CANARY not in repr(old) + repr(new)


def packed(data: bytes, *, is_zipped: bool = True) -> bytes:
    return base64.b64encode(gzip.compress(data) if is_zipped else data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not base64 at all!",
        packed(b"{}")[:-8],
        base64.b64encode(gzip.compress(b"{}")[:12]),
        packed(b"[]"),
        packed(b'{"version": "x"}'),
        packed(b"\xff\xfe"),
        packed(b"[" * 100_000),
    ],
)
def test_what_is_no_release_is_said_so(data: bytes) -> None:
    with pytest.raises(OutsideError, match="The stored release cannot be read"):
        StoredRelease(data)


def test_a_small_secret_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm_release, "MOST_BYTES", 2**20)

    with pytest.raises(OutsideError, match="it comes to more than 1 MiB"):
        StoredRelease(packed(b'{"manifest": "' + b" " * 2**22 + b'"}'))


@pytest.mark.parametrize("is_zipped", [True, False])
def test_both_ways_that_helm_has_stored_them(is_zipped: bool) -> None:
    stored = {
        "name": "shop",
        "version": 4,
        "info": {"status": "pending-upgrade", "description": "Preparing\x1b[2J", "last_deployed": "2026-11-24T07:00:00Z"},
        "chart": {"metadata": {"name": "shop", "version": "1.2.0", "appVersion": "v2"}},
        "config": {"password": CANARY},
        "manifest": "---\nkind: Secret\nmetadata: {name: web}\n---\n# nothing\n---\n{kind: DaemonSet, metadata: {name: x}}",
        "hooks": [{"name": "migrate", "kind": "Job", "events": ["pre-rollback"]}, {"name": "x", "kind": "Job"}],
    }

    found = StoredRelease(packed(json.dumps(stored).encode(), is_zipped=is_zipped))
    inside = found.content("shop")

    assert found.revision.words == "revision 4 (shop-1.2.0, app v2)"
    assert found.revision.status is ReleaseStatus.PENDING_UPGRADE
    assert found.revision.changed_at == 1795503600.0
    assert "\x1b" not in found.revision.description
    assert [str(o) for o in inside.objects] == ["Secret/web", "DaemonSet/x"]
    assert [str(key) for key in inside.workloads] == ["daemonset/x"]
    assert inside.rollback_hooks == ("Job/migrate",)
    assert CANARY not in repr(inside)


def test_a_manifest_that_refers_to_itself_without_end_is_refused() -> None:
    bomb = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(20))
    stored = {"version": 1, "manifest": bomb}

    with pytest.raises(OutsideError, match="refers to itself too often"):
        StoredRelease(packed(json.dumps(stored).encode())).content("shop")
