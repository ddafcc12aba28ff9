from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.last_good import Version, choose_last_good, stood_s
from domain.marks import Mark, Standing
from domain.workloads import WorkloadKey, WorkloadKind
from tests.domain.making import occurrence

KEY = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "web")
HOUR = 3600.0


def _version(number: int, **changes: Any) -> Version:
    base = Version(str(number), number, f"web-{number}", f"u{number}", created_at=number * HOUR)
    return replace(base, **changes)


def _mark(standing: Standing) -> Mark:
    return Mark(KEY, standing, "1", "", 1.0, "oncall@jump2", "7KQ2ABCD", "crashes")


BAD, GOOD = _mark(Standing.BAD), _mark(Standing.GOOD)
CURRENT = _version(9, is_current=True)


@pytest.mark.parametrize(
    "earlier, number, how",
    [
        ([_version(2, ready=6), _version(1, stood_s=HOUR)], 2, "serving, 6 ready"),
        ([_version(2, stood_s=10.0), _version(1, ready=1)], 1, "serving, 1 ready"),
        ([_version(2, failed_at=1.0, ready=1), _version(1, mark=GOOD)], 1, "verified by oncall@jump2: crashes"),
        ([_version(2, mark=BAD, ready=3), _version(1, stood_s=HOUR)], 1, "stood for 60m, not verified"),
        ([_version(2, stood_s=HOUR), _version(1, stood_s=9000 * HOUR)], 2, "stood for 60m, not verified"),
        ([_version(2, stood_s=5.0), _version(1, stood_s=40.0)], 1, "stood for 40s, not verified"),
        ([_version(2, is_rolled_back=True, stood_s=HOUR), _version(1, stood_s=HOUR)], 1, "stood for 60m, not verified"),
        ([_version(2, is_rolled_back=True, good_for_s=HOUR), _version(1, ready=1)], 2, "good for 60m"),
        ([_version(2, good_for_s=30.0), _version(1, good_for_s=HOUR)], 1, "good for 60m"),
    ],
    ids=[
        "the one whose pods still serve",
        "one that serves before one that hardly stood",
        "never one that failed",
        "never one that is marked bad, though it serves",
        "the newest that stood long enough, not the oldest",
        "else the one that stood longest",
        "never one that somebody went back behind",
        "unless it had proved itself",
        "proven before briefly good",
    ],
)
def test_a_rollback_goes_to(earlier: list[Version], number: int, how: str) -> None:
    choice = choose_last_good([CURRENT, *earlier])
    assert choice is not None
    assert (choice.version.number, choice.how) == (number, how)


@pytest.mark.parametrize("earlier", [[], [_version(1, mark=BAD)], [_version(1, failed_at=1.0)], [_version(1)]])
def test_where_no_version_is_known_to_have_served_none_is_chosen(earlier: list[Version]) -> None:
    assert choose_last_good([CURRENT, *earlier]) is None


def test_undoing_twice_does_not_return_to_the_bad_one() -> None:
    """After the first undo the good revision has a new number, and the bad one is the second highest."""
    good, bad = _version(3, is_current=True, template_hash="1"), _version(2, is_rolled_back=True, stood_s=HOUR)
    assert choose_last_good([good, bad]) is None
    marked = replace(bad, is_rolled_back=False, good_for_s=HOUR, mark=BAD)
    older = _version(0, stood_s=HOUR)
    choice = choose_last_good([good, marked, older])
    assert choice is not None and choice.version is older


def test_what_a_rollback_has_just_left_is_not_gone_back_to_before_it_is_marked() -> None:
    """Made within the same second as the good one, so that their times do not tell which is older."""
    good, left = _version(3, is_current=True), _version(2, is_left=True, stood_s=HOUR, ready=1)
    assert choose_last_good([good, left]) is None
    choice = choose_last_good([good, replace(left, mark=_mark(Standing.GOOD))])
    assert choice is not None and choice.version.number == 2


def test_events_tell_how_long_a_replica_set_served() -> None:
    events = [
        occurrence("ScalingReplicaSet", "Scaled up replica set web-1 to 3", "d", first_at=100.0, last_at=100.0),
        occurrence("ScalingReplicaSet", "Scaled up replica set web-1 from 0 to 1", "d", first_at=90.0, last_at=95.0),
        occurrence("ScalingReplicaSet", "Scaled down replica set web-1 to 0 from 1", "d", first_at=400.0, last_at=490.0),
        occurrence("ScalingReplicaSet", "Scaled down replica set web-2 to 0 from 1", "d", first_at=900.0, last_at=900.0),
    ]
    assert stood_s("web-1", 0.0, [1000.0], events) == 400.0
    assert stood_s("web-2", 500.0, [2000.0, 1000.0], events) == 500.0
    assert stood_s("web-3", 500.0, [400.0], events) is None
    assert stood_s("web-3", 500.0, [], ()) is None
