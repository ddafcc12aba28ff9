"""Events as people want them: this rollout's first, newest first, no boring ones, repetitions counted."""

from __future__ import annotations

import pytest

from domain.happenings import happenings, is_boring
from tests.domain.making import BEGAN, KEY, T0, deployment, fleet_of, new_revision, occurrence, old_pods, old_revision, pod

BACK_OFF = "Back-off restarting failed container web in pod {}_shop({})"


@pytest.mark.parametrize(
    ("reason", "kind", "message", "boring"),
    [
        ("Pulled", "Normal", "", True),
        ("Scheduled", "Normal", "", True),
        ("Killing", "Normal", "Stopping container web", True),
        ("Killing", "Normal", "Container web failed liveness probe, will be restarted", False),
        ("ScalingReplicaSet", "Normal", "Scaled up", False),
        ("Created", "Warning", "", False),
    ],
)
def test_boring_is_what_always_happens(reason: str, kind: str, message: str, boring: bool) -> None:
    assert is_boring(occurrence(reason, message, "a", type=kind)) is boring


def test_this_rollout_comes_first_then_the_newest() -> None:
    fleet = fleet_of(
        deployment(), old_revision(), new_revision(), pod("a"), *old_pods(),
        occurrence("Elsewhere", "x", "z", about_name="mail-1", last_at=T0),
        occurrence("OldPod", "x", "old1", about_name="web-1-old1", last_at=T0 - 1),
        occurrence("OldRollout", "x", "d", about_kind="Deployment", about_name="web", first_at=1.0, last_at=BEGAN - 60),
        occurrence("ThisRollout", "x", "d", about_kind="Deployment", about_name="web", last_at=BEGAN + 1),
        occurrence("NewSet", "x", "r2", about_kind="ReplicaSet", about_name="web-2", last_at=BEGAN + 3),
        occurrence("NewPod", "x", "a", last_at=BEGAN + 2),
        occurrence("PodThatIsGone", "x", "gone", last_at=BEGAN + 4),
        occurrence("Pulled", "x", "a", type="Normal", last_at=T0),
    )  # fmt: skip
    told = happenings(fleet, KEY)
    assert [h.last.reason for h in told if h.is_of_rollout] == ["PodThatIsGone", "NewSet", "NewPod", "ThisRollout"]
    assert [h.last.reason for h in told if not h.is_of_rollout] == ["Elsewhere", "OldPod", "OldRollout"]
    assert [h.last.reason for h in happenings(fleet, with_boring=True, most=2)] == ["Elsewhere", "Pulled"]


def test_the_same_on_several_pods_is_one_with_a_count() -> None:
    pods = ("a", "b", "c")
    repeated = [
        occurrence("BackOff", BACK_OFF.format(f"web-2-{p}", p), p, count=2 + i, last_at=BEGAN + i)
        for i, p in enumerate(pods)
    ]
    again = occurrence("BackOff", BACK_OFF.format("web-2-a", "a"), "a", uid="again", count=1, last_at=BEGAN + 9)
    (one,) = happenings(fleet_of(deployment(), new_revision(), *repeated, again), KEY)
    assert (one.count, one.objects, one.last.uid, one.is_of_rollout) == (10, 3, "again", True)


def test_another_reason_or_message_is_another_event() -> None:
    fleet = fleet_of(occurrence("Failed", "x", "a"), occurrence("Failed", "y", "b"), occurrence("BackOff", "x", "c"))
    assert len(happenings(fleet)) == 3
