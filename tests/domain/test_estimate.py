from __future__ import annotations

from dataclasses import replace

import pytest

from domain.estimate import estimate_s
from domain.pods import Pod
from domain.workloads import Condition
from tests.domain.making import T0, deployment, new_revision, pod


def _started_in(*seconds: float) -> list[Pod]:
    return [replace(pod(f"p{i}"), created_at=T0 - 900, ready_changed_at=T0 - 900 + s) for i, s in enumerate(seconds)]


@pytest.mark.parametrize(
    "pods, missing, batch, expected",
    [
        ([], 0, 1, 5.0),
        (_started_in(8.0, 9.0, 700.0), 6, 2, 25.0),
        (_started_in(8.0), 1, 3, 8.0),
        (_started_in(100.0), 6, 1, 600.0),
        ([], 3, 1, None),
        ([replace(p, ready=False) for p in _started_in(8.0)], 3, 1, None),
        (_started_in(5000.0), 3, 1, None),
    ],
    ids=["nothing has to start", "the median", "one", "six in a row", "no pods", "none ready", "one that flapped"],
)
def test_pods_that_started_say_how_long_others_will_take(
    pods: list[Pod], missing: int, batch: int, expected: float | None
) -> None:
    assert estimate_s(deployment(), pods, [], missing=missing, batch=batch) == expected


def test_without_pods_the_last_rollout_is_the_measure() -> None:
    complete = Condition("Progressing", True, "NewReplicaSetAvailable", "", T0 - 100, T0 - 100)
    made = replace(new_revision(), created_at=T0 - 160)
    workload = deployment(conditions=(complete,))
    assert estimate_s(workload, [], [made], missing=3, batch=1) == 60.0
    assert estimate_s(workload, [], [made], missing=1, batch=1) == 20.0
    used_again = replace(made, created_at=T0 - 1e6)
    assert estimate_s(workload, [], [used_again], missing=3, batch=1) is None
