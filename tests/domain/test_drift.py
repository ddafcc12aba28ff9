"""Two environments side by side: the same, another version, another size, missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.drift import drift
from domain.fleet import Fleet
from tests.domain.making import SCOPE, container, fleet_of, new_revision, pod, settled, template


def environment(image: str = "registry.example/shop/web:v2", digest: str = "22", **changes: Any) -> Fleet:
    state = container(ready=True, image_id=f"registry.example/shop/web@sha256:{digest}")
    shown = template(image)
    return fleet_of(settled(template=shown, **changes), new_revision(template=shown), pod("a", state))


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (environment(), ()),
        (environment("other.example/mirror/web:v2"), ()),
        (environment("registry.example/shop/web:v3"), ("image",)),
        (environment(digest="33"), ("digest",)),
        (environment(desired=6), ("replicas",)),
        (environment("registry.example/shop/web:v3", desired=6), ("image", "replicas")),
        (environment(name="api"), ("missing",)),
    ],
)
def test_drift_names_what_differs(other: Fleet, differs: tuple[str, ...]) -> None:
    rows = drift(environment(), other)
    web = next(row for row in rows if row.name == "web")
    assert web.differs == differs
    assert web.is_same is (not differs)


def test_names_missing_on_either_side_are_rows() -> None:
    rows = drift(environment(), environment(name="api"))
    assert [(r.name, r.left is None, r.right is None) for r in rows] == [("api", True, False), ("web", False, True)]


def test_namespaces_count_where_all_are_shown() -> None:
    wide = replace(environment(), scope=replace(SCOPE, namespace=""))
    assert [row.name for row in drift(wide, environment())] == ["shop/web"]
