from __future__ import annotations

from typing import Any

import pytest

from domain.capacity import batch_of, budgets_of, quantity, short_of_quota, surge_of


@pytest.mark.parametrize(
    "text, number",
    [
        ("250m", 0.25),
        ("1.5", 1.5),
        ("512Mi", 512 * 2**20),
        (2, 2.0),
        ("1e3", 1000.0),
        ("x", None),
        ("", None),
        (None, None),
    ],
)
def test_quantities(text: object, number: float | None) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize(
    "kind, strategy, surge, batch",
    [
        ("Deployment", {}, 2, 3),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}, 1, 1),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "x"}}}, 3, 3),
        ("Deployment", {"strategy": {"type": "Recreate"}}, 0, 6),
        ("StatefulSet", {"updateStrategy": {"type": "RollingUpdate"}}, 0, 1),
        ("StatefulSet", {"podManagementPolicy": "Parallel"}, 0, 6),
        ("DaemonSet", {}, 0, 1),
    ],
)
def test_how_many_pods_start_at_a_time(kind: str, strategy: dict[str, Any], surge: int, batch: int) -> None:
    body = {"kind": kind, "spec": strategy}
    assert (surge_of(body, 6), batch_of(body, 6)) == (surge, batch)


def _quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": spec, "status": {"hard": hard, "used": used}}


TEMPLATE = {
    "spec": {
        "containers": [{"resources": {"requests": {"cpu": "500m"}}}, {"resources": {"limits": {"cpu": "500m"}}}],
        "initContainers": [{"resources": {"requests": {"cpu": "2"}}}],
    }
}


@pytest.mark.parametrize(
    "quota, is_short",
    [
        (_quota({"requests.cpu": "8"}, {"requests.cpu": "4"}), False),
        (_quota({"requests.cpu": "8"}, {"requests.cpu": "4100m"}), True),
        (_quota({"pods": "6"}, {"pods": "5"}), True),
        (_quota({"requests.cpu": "1"}, {"requests.cpu": "1"}, scopes=["BestEffort"]), False),
        (_quota({"requests.cpu": "odd"}, {}), False),
    ],
)
def test_a_quota_that_has_no_room_for_two_more_is_told(quota: dict[str, Any], is_short: bool) -> None:
    assert bool(short_of_quota(TEMPLATE, 2, [quota])) is is_short
    assert short_of_quota(TEMPLATE, 0, [quota]) == ()


def test_only_budgets_that_select_these_pods_count() -> None:
    def budget(labels: dict[str, str], allowed: int) -> dict[str, Any]:
        return {
            "metadata": {"name": "b"},
            "spec": {"selector": {"matchLabels": labels}},
            "status": {"disruptionsAllowed": allowed},
        }

    found = budgets_of({"app": "web", "x": "y"}, [budget({"app": "web"}, 1), budget({"app": "other"}, 0), budget({}, 0)])
    assert found == (("b", 1),)
