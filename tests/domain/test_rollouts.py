"""What a person sees of a rollout: old and new, how far, how long still, the history with its marks, and the order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.attention import needs_you
from domain.facts import Fact, Gone, Identified, RecordsRead, Seen, StreamChanged, Ticked
from domain.fleet import Fleet, RevisionRecord
from domain.fold import fold
from domain.memory import changed_records
from domain.rollouts import RevisionMark, Rollout
from domain.streams import Source, StreamPhase
from domain.verdict import Degree
from domain.workloads import Condition, Revision, Workload, WorkloadKind
from tests.domain.making import (
    BEGAN,
    KEY,
    LONG_AGO,
    SCOPE,
    T0,
    after,
    container,
    crashed,
    deployment,
    fleet_of,
    new_revision,
    old_pods,
    old_revision,
    only,
    pod,
    progressing,
    settled,
    source_of,
    template,
)

READY = (pod("a"), pod("b"), pod("c"))


def marks(rollout: Rollout) -> list[tuple[str, RevisionMark]]:
    return [(line.image.tag, line.mark) for line in rollout.history]


def test_old_and_new_stand_side_by_side() -> None:
    rollout = only(fleet_of(deployment(), old_revision(), new_revision(), pod("a"), *old_pods()).rollouts)
    assert (rollout.image.tag, rollout.old_image and rollout.old_image.tag) == ("v2", "v1")
    assert (rollout.new_pods, len(rollout.old_pods), rollout.new_ready, rollout.old_ready) == (("a",), 3, 1, 3)
    assert (rollout.began_at, rollout.finished_at, rollout.is_complete) == (BEGAN, None, False)


def test_pods_being_deleted_do_not_serve() -> None:
    leaving = [replace(p, deleted_at=T0) for p in old_pods()]
    assert only(fleet_of(deployment(), old_revision(), new_revision(), *leaving).rollouts).old_ready == 0


def test_without_pods_the_revisions_own_counts_are_told() -> None:
    rollout = only(fleet_of(deployment(), old_revision(), new_revision(ready=1)).rollouts)
    assert (rollout.new_ready, rollout.old_ready) == (1, 3)


@pytest.mark.parametrize(
    ("workload", "is_complete"),
    [
        (settled(), True),
        (settled(generation=3), False),
        (settled(updated=2), False),
        (settled(replicas=4), False),
        (settled(available=2), False),
        (settled(kind=WorkloadKind.DAEMON_SET, replicas=5), True),
        (settled(kind=WorkloadKind.DAEMON_SET, available=2), False),
        (settled(kind=WorkloadKind.STATEFUL_SET, available=0), True),
        (settled(kind=WorkloadKind.STATEFUL_SET, available=0, min_ready_s=5), False),
        (settled(kind=WorkloadKind.STATEFUL_SET, ready=2), False),
        (settled(kind=WorkloadKind.STATEFUL_SET, updated=1, partition=2), True),
        (settled(kind=WorkloadKind.STATEFUL_SET, updated=0, partition=2), False),
        (settled(kind=WorkloadKind.STATEFUL_SET, observed_generation=0, generation=0), False),
    ],
)
def test_complete_is_what_kubectl_calls_complete(workload: Workload, is_complete: bool) -> None:
    assert only(fleet_of(workload).rollouts).is_complete is is_complete


def test_a_version_is_told_by_its_hash_when_undo_renumbers() -> None:
    """v2 failed; the undo makes v1's replica set number 3."""
    undone = old_revision(number=3, replicas=3, desired=3)
    failed = new_revision(created_at=LONG_AGO + 60, replicas=0, desired=0)
    workload = settled(revision=3, template=template("registry.example/shop/web:v1"))
    record = {(KEY, "2"): RevisionRecord(failed_at=LONG_AGO + 90)}
    fleet = fold(fleet_of(workload, undone, failed, *old_pods()), [RecordsRead(record)])
    rollout = only(fleet.rollouts)
    assert rollout.new is undone
    assert marks(rollout) == [("v1", RevisionMark.CURRENT), ("v2", RevisionMark.FAILED)]
    assert rollout.good_target is None, "undo twice must not go back to the bad one"


def test_going_back_twice_does_not_go_forward_again() -> None:
    """Undone by hand while it looked well: v2 still serves, and is no target, unless it had proved itself."""
    undone = old_revision(number=3, replicas=1, ready=0)
    left = new_revision(created_at=BEGAN, replicas=3, ready=3)
    fleet = fleet_of(deployment(revision=3, template=undone.template), undone, left)
    assert only(fleet.rollouts).good_target is None
    assert only(fleet.rollouts).history[1].note == "rolled back"
    fleet = fold(fleet, [RecordsRead({(KEY, "2"): RevisionRecord(good_for_s=9e4)})])
    assert marks(only(fleet.rollouts))[1] == ("v2", RevisionMark.GOOD)


def test_last_known_good_is_never_one_that_failed() -> None:
    good = old_revision(uid="r0", number=1, template_hash="0", template=template("web:v0"), replicas=0, ready=0)
    bad = old_revision(uid="r1", number=2, template_hash="1", created_at=LONG_AGO + 9000, replicas=0, ready=0)
    records = {(KEY, "1"): RevisionRecord(9e5, failed_at=T0 - 100), (KEY, "0"): RevisionRecord(good_for_s=7200.0)}
    fleet = fold(fleet_of(deployment(revision=3), good, bad, new_revision(number=3)), [RecordsRead(records)])
    rollout = only(fleet.rollouts)
    assert marks(rollout) == [("v2", RevisionMark.CURRENT), ("v1", RevisionMark.FAILED), ("v0", RevisionMark.GOOD)]
    assert rollout.good_target is not None
    assert (rollout.good_target.good_for_s, rollout.good_target.note) == (7200.0, "good for 120m")


@pytest.mark.parametrize(
    ("others", "tag", "note"),
    [
        ([old_revision()], "v1", "serving, 3 ready"),
        ([old_revision(ready=0, replicas=0)], "v1", "stood for 5d23h, not verified"),
        ([old_revision(ready=0, replicas=0, created_at=BEGAN - 30)], None, ""),
    ],
    ids=["it serves", "it stood for days", "it stood for seconds"],
)
def test_without_records_the_cluster_says_what_was_good(others: list[Revision], tag: str | None, note: str) -> None:
    target = only(fleet_of(deployment(), new_revision(), *others).rollouts).good_target
    assert (target.image.tag if target else None, target.note if target else "") == (tag, note)


def test_a_failing_version_is_marked_and_remembered() -> None:
    before = fleet_of(deployment(), old_revision(), new_revision(), *old_pods())
    fleet = after(before, seen=[pod("a", crashed())])
    assert marks(only(fleet.rollouts))[0] == ("v2", RevisionMark.FAILING)
    assert changed_records(before, fleet) == {(KEY, "2"): RevisionRecord(failed_at=T0)}
    assert changed_records(fleet, fold(fleet, [Ticked(T0 + 1)])) == {}


def test_a_good_version_that_degrades_is_not_called_bad() -> None:
    fleet = fleet_of(settled(), old_revision(ready=0, replicas=0), new_revision(created_at=LONG_AGO), *READY)
    fleet = after(fleet, 5.0, seen=[settled(available=1), pod("a", crashed()), pod("b", crashed())])
    rollout = only(fleet.rollouts)
    assert rollout.verdict.title == "degraded"
    assert rollout.history[0].mark is RevisionMark.CURRENT
    assert fleet.records[(KEY, "2")].failed_at is None


def test_success_needs_its_soak_and_good_needs_its_time() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), *old_pods())
    done: list[Identified] = [
        settled(conditions=(progressing("NewReplicaSetAvailable", T0),)),
        old_revision(ready=0, replicas=0),
        *READY,
    ]
    fleet = after(fleet, 1.0, seen=done)
    assert (only(fleet.rollouts).verdict.title, only(fleet.rollouts).finished_at) == ("all 3 up, settling", T0)
    fleet = after(fleet, 59.0)
    assert only(fleet.rollouts).degree is Degree.PROGRESSING
    fleet = after(fleet, 60.0)
    assert only(fleet.rollouts).degree is Degree.HEALTHY
    assert fleet.records[(KEY, "2")].good_for_s == 60.0
    assert after(fleet, *range(61, 601)).records[(KEY, "2")].good_for_s == 600.0


def test_a_crash_while_settling_is_still_the_rollouts_failure() -> None:
    done = settled(conditions=(progressing("NewReplicaSetAvailable", T0),))
    fleet = after(fleet_of(deployment(), new_revision(), *READY), 1.0, seen=[done])
    fleet = after(
        fleet, 20.0, seen=[settled(available=2, conditions=done.conditions), pod("a", crashed(last_finished_at=T0 + 18))]
    )
    assert only(fleet.rollouts).verdict.title == "likely failing"


def test_what_the_cluster_remembers_counts_at_the_first_look() -> None:
    fleet = fleet_of(settled(), new_revision(created_at=LONG_AGO), *READY)
    assert only(fleet.rollouts).finished_at == LONG_AGO
    assert fleet.records[(KEY, "2")].good_for_s == T0 - LONG_AGO


def test_a_version_that_failed_and_then_proves_itself_is_forgiven() -> None:
    fleet = fold(
        fleet_of(settled(), new_revision(), *READY), [RecordsRead({(KEY, "2"): RevisionRecord(failed_at=LONG_AGO - 5)})]
    )
    assert fleet.records[(KEY, "2")].failed_at is None


@pytest.mark.parametrize(
    ("changes", "began_at"),
    [({}, T0 + 5), ({"changed_at": T0 + 3}, T0 + 3), ({"changed_at": T0 + 6}, T0 + 5)],
    ids=["a new replica set", "what was applied before it", "replicas applied after it"],
)
def test_a_rollout_that_begins_before_our_eyes(changes: dict[str, Any], began_at: float) -> None:
    fleet = fleet_of(settled(revision=1), old_revision(), *old_pods())
    fleet = fold(fleet, [Ticked(T0 + 6)])
    fleet = after(fleet, seen=[deployment(**changes), new_revision(created_at=T0 + 5)])
    rollout = only(fleet.rollouts)
    assert (rollout.began_at, rollout.degree) == (began_at, Degree.PROGRESSING)


def test_an_undo_before_our_eyes_begins_now() -> None:
    reused = old_revision(replicas=0, ready=0, desired=0)
    fleet = fold(fleet_of(settled(), reused, new_revision(created_at=LONG_AGO + 9), *READY), [Ticked(T0 + 9)])
    fleet = after(fleet, seen=[deployment(revision=3, template=reused.template), replace(reused, number=3)])
    assert only(fleet.rollouts).began_at == T0 + 9


def test_while_lists_are_loading_nothing_is_held_against_a_version() -> None:
    fleet = fold(Fleet(SCOPE), [Ticked(T0), Seen(Source.DEPLOYMENTS, deployment())])
    assert only(fleet.rollouts).degree is Degree.PROGRESSING
    assert only(fleet.rollouts).began_at is None
    fleet = fold(fleet, [Seen(source_of(v), v) for v in (old_revision(), new_revision(), pod("a"))])
    live: list[Fact] = [StreamChanged(s, StreamPhase.LIVE, T0) for s in (Source.REPLICA_SETS, Source.PODS)]
    assert only(fold(fleet, live).rollouts).began_at == BEGAN


def test_eta_is_told_only_from_a_pace() -> None:
    none = fleet_of(deployment(), old_revision(), new_revision(), pod("a", container()), *old_pods())
    assert only(none.rollouts).eta_s is None
    one = fleet_of(deployment(), old_revision(), new_revision(), pod("a"), *old_pods())
    assert only(one.rollouts).eta_s == 36.0
    assert only(after(one, 6.0).rollouts).eta_s == 48.0, "it grows while nothing moves"
    two = after(one, 6.0, seen=[pod("b")])
    assert only(two.rollouts).eta_s == 12.0
    assert only(fleet_of(settled(), new_revision(), *READY).rollouts).eta_s is None


def test_an_old_deployment_without_a_known_replica_set_is_not_lost() -> None:
    fleet = fleet_of(deployment(revision=7), old_revision())
    assert (only(fleet.rollouts).new, only(fleet.rollouts).degree) == (None, Degree.PROGRESSING)
    fleet = after(fleet, 1.0, seen=[new_revision(number=7)])
    assert only(fleet.rollouts).new is not None


def test_a_template_changed_while_paused_has_no_new_version_yet() -> None:
    workload = settled(paused=True, template=template("registry.example/shop/web:v3"), updated=0)
    rollout = only(fleet_of(workload, new_revision(), *READY).rollouts)
    assert (rollout.new, rollout.verdict.title) == (None, "paused at 0/3")


def test_the_hash_label_does_not_make_a_template_another_one() -> None:
    labelled = template(metadata={"labels": {"app": "web", "pod-template-hash": "2"}})
    workload = deployment(paused=True, template=template(metadata={"labels": {"app": "web"}}))
    assert only(fleet_of(workload, new_revision(template=labelled)).rollouts).new is not None


def test_on_delete_waits_for_a_person() -> None:
    workload = settled(kind=WorkloadKind.DAEMON_SET, strategy="OnDelete", updated=1, conditions=())
    verdict = only(fleet_of(workload).rollouts).verdict
    assert (verdict.degree, verdict.title) == (Degree.PAUSED, "waits for its old pods to be deleted, 0/3 new")


def test_what_needs_you_comes_first_and_the_rest_stays_put() -> None:
    names = ("api", "mail", "web")
    fleet = fleet_of(*(settled(uid=n, name=n) for n in names))
    assert [k.name for k in fleet.rollouts] == ["api", "mail", "web"]
    failing = Condition("ReplicaFailure", True, "FailedCreate", "quota", BEGAN, BEGAN)
    fleet = after(
        fleet, seen=[deployment(uid="mail", name="mail", updated=2), settled(uid="web", name="web", conditions=(failing,))]
    )
    assert [k.name for k in fleet.rollouts] == ["web", "mail", "api"]
    assert [k.name for k in needs_you(fleet)] == ["web"]
    fleet = fold(fleet, [Gone(Source.DEPLOYMENTS, "web")])
    assert [k.name for k in fleet.rollouts] == ["mail", "api"]
    assert needs_you(fleet) == ()


def test_the_digest_is_what_the_pods_run() -> None:
    history = only(fleet_of(deployment(), old_revision(), new_revision(), pod("a"), *old_pods()).rollouts).history
    assert history[0].image_id == "registry.example/shop/web@sha256:22"


def test_remains_without_number_and_pods_are_left_out() -> None:
    rollout = only(fleet_of(deployment(), new_revision(), old_revision(uid="x", number=0, replicas=0)).rollouts)
    assert len(rollout.history) == 1
