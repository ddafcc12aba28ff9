"""VERDICT's table, a scenario a row: what the cluster shows, how long it is watched, and what a person is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.facts import Identified, LogLinesRead, MetricsRead, StreamChanged, Ticked
from domain.fold import fold
from domain.metrics import MetricQuery, Series, Unit
from domain.streams import Source, StreamPhase
from domain.templates import ContainerRole
from domain.verdict import Degree, FindingClass
from domain.workloads import Condition, WorkloadKind
from tests.domain.making import (
    BEGAN,
    KEY,
    LONG_AGO,
    READINESS,
    T0,
    after,
    container,
    crashed,
    deployment,
    fleet_of,
    new_revision,
    occurrence,
    old_pods,
    old_revision,
    only,
    pod,
    progressing,
    settled,
    template,
    waiting,
)

NOT_FOUND = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/shop/web:v2": failed to resolve '
    'reference "registry.example/shop/web:v2": registry.example/shop/web:v2: not found'
)
QUOTA = 'pods "web-2-" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=4, limited: cpu=4'


@dataclass(frozen=True)
class Case:
    """`ticks` are seconds after the first look; without any, it is the first look that counts."""

    name: str
    values: list[Identified]
    degree: Degree
    ticks: tuple[float, ...] = ()
    title: str = ""
    cause: str = ""
    capacity: str = ""
    is_settled: bool = False


def rolling(*pods: Identified, **changes: object) -> list[Identified]:
    return [deployment(**changes), *pods]


CASES = [
    Case("a new pod that is merely starting", rolling(pod("a", waiting("ContainerCreating"))), Degree.PROGRESSING, (5.0,)),
    Case(
        "an image that does not exist, seen once",
        rolling(pod("a", waiting("ErrImagePull", NOT_FOUND))),
        Degree.PROGRESSING,
        cause="not certain yet",
    ),
    Case(
        "an image that does not exist, seen twice three seconds apart",
        rolling(pod("a", waiting("ErrImagePull", NOT_FOUND))),
        Degree.DOOMED,
        (1.0, 2.0, 3.0),
        title="doomed",
        cause="ImagePullBackOff: registry.example/shop/web:v2: not found",
        capacity="old pods still serve 3/3, users unaffected",
    ),
    Case(
        "an image that does not exist, with the cluster's own older event",
        [*rolling(pod("a", waiting("ImagePullBackOff", 'Back-off pulling image "web"'))), occurrence("Failed", NOT_FOUND, "a")],
        Degree.DOOMED,
    ),
    Case(
        "a registry that limits the rate is noise, though it says denied",
        rolling(pod("a", waiting("ErrImagePull", "429 Too Many Requests: pull access denied, toomanyrequests"))),
        Degree.PROGRESSING,
        (5.0, 100.0),
    ),
    Case(
        "an image whose own name says denied is only late",
        rolling(
            pod(
                "a",
                waiting("ErrImagePull", 'failed to pull "r/denied-web:401": i/o timeout', image="r/denied-web:401"),
            )
        ),
        Degree.PROGRESSING,
        (5.0,),
    ),
    Case(
        "any other pull error is suspect after a minute",
        rolling(pod("a", waiting("ErrImagePull", "dial tcp: i/o timeout"))),
        Degree.SUSPECT,
        (30.0, 61.0),
        title="suspect",
    ),
    Case(
        "an invalid image name",
        rolling(pod("a", waiting("InvalidImageName", "couldn't parse image name"))),
        Degree.DOOMED,
        (3.0,),
        cause="InvalidImageName: couldn't parse image name",
    ),
    Case(
        "a missing secret",
        rolling(pod("a", waiting("CreateContainerConfigError", 'secret "db" not found'))),
        Degree.DOOMED,
        (3.0,),
        cause='CreateContainerConfigError: secret "db" not found',
    ),
    Case(
        "a cache that has not synced is noise",
        rolling(pod("a", waiting("CreateContainerConfigError", "failed to sync secret cache: timed out"))),
        Degree.PROGRESSING,
        (3.0, 60.0),
    ),
    Case(
        "a command that does not exist",
        rolling(
            pod(
                "a",
                crashed(
                    last_reason="StartError",
                    last_exit_code=127,
                    last_message="OCI runtime create failed: runc create failed: unable to start container process: "
                    'exec: "nope": executable file not found in $PATH: unknown',
                ),
            )
        ),
        Degree.DOOMED,
        (3.0,),
        cause='exec: "nope": executable file not found in $PATH (exit 127)',
    ),
    Case(
        "exit 128 with nothing said is a node going down",
        rolling(pod("a", crashed(last_reason="ContainerCannotRun", last_exit_code=128))),
        Degree.PROGRESSING,
        (3.0, 30.0),
    ),
    Case("one crash is not yet a loop", rolling(pod("a", crashed(restarts=1))), Degree.PROGRESSING, (5.0,)),
    Case(
        "two restarts of one pod",
        rolling(pod("a", crashed(restarts=2))),
        Degree.LIKELY,
        title="likely failing",
        cause="CrashLoopBackOff (exit 3)",
        capacity="old pods still serve 3/3, users unaffected",
    ),
    Case(
        "one restart on each of two pods, one of them just ended",
        rolling(pod("a", crashed(restarts=1)), pod("b", container(state="terminated", reason="Error", exit_code=3, restarts=1))),
        Degree.LIKELY,
        cause="CrashLoopBackOff ×2 (exit 3)",
    ),
    Case(
        "a crash loop in an init container",
        rolling(pod("a", crashed(name="migrate", role=ContainerRole.INIT))),
        Degree.LIKELY,
        cause="Init:CrashLoopBackOff",
    ),
    Case(
        "out of memory, with its limit",
        rolling(pod("a", crashed(restarts=1, last_reason="OOMKilled", last_exit_code=137), memory_limit_bytes=256 * 2**20)),
        Degree.LIKELY,
        cause="OOMKilled: killed for using more memory than allowed (limit 256 MiB)",
    ),
    Case(
        "a liveness probe that has killed twice",
        [
            *rolling(pod("a", container(restarts=2, last_exit_code=137, last_finished_at=T0 - 5, last_reason="Error"))),
            occurrence(
                "Killing",
                "Container web failed liveness probe, will be restarted",
                "a",
                type="Normal",
                count=2,
            ),
        ],
        Degree.LIKELY,
        cause="Unhealthy: Container web failed liveness probe, will be restarted",
    ),
    Case(
        "a server that ends by itself",
        rolling(pod("a", crashed(restarts=2, last_exit_code=0, last_reason="Completed"))),
        Degree.LIKELY,
        cause="a server should keep running (exit 0)",
    ),
    Case(
        "a pod that never gets ready, inside its window",
        rolling(pod("a", container(since_at=T0 - 10)), template=template(probes=(READINESS,))),
        Degree.PROGRESSING,
        (5.0,),
    ),
    Case(
        "a pod that never gets ready, past its window",
        [
            *rolling(pod("a", container(since_at=T0 - 10)), template=template(probes=(READINESS,))),
            occurrence("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", "a"),
        ],
        Degree.SUSPECT,
        (21.0,),
        cause="NotReady: for 31s: Readiness probe failed: HTTP probe failed with statuscode: 503",
    ),
    Case(
        "no node has room, for a minute",
        rolling(
            pod(
                "a",
                waiting(""),
                scheduled=False,
                unscheduled_reason="Unschedulable",
                unscheduled_message="0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available.",
            )
        ),
        Degree.SUSPECT,
        (43.0,),
        cause="Unschedulable: 0/3 nodes are available: 3 Insufficient cpu",
    ),
    Case(
        "a volume that cannot be mounted, for two minutes",
        [
            *rolling(pod("a", waiting("ContainerCreating"))),
            occurrence("FailedMount", 'MountVolume.SetUp failed for volume "conf": configmap "conf" not found', "a"),
        ],
        Degree.SUSPECT,
        (60.0, 103.0),
        cause='FailedMount: MountVolume.SetUp failed for volume "conf": configmap "conf" not found',
    ),
    Case("nothing moves, for four minutes", rolling(pod("a", container())), Degree.SUSPECT, (200.0, 241.0), cause="NoProgress"),
    Case(
        "an evicted pod is noise",
        rolling(pod("a", waiting(""), reason="Evicted", message="The node was low on resource: memory.")),
        Degree.PROGRESSING,
        (5.0,),
        cause="Evicted: The node was low on resource: memory.",
    ),
    Case(
        "a node that is gone is noise",
        [*rolling(pod("a", crashed())), occurrence("NodeNotReady", "Node is not ready", "a", last_at=T0)],
        Degree.PROGRESSING,
        (5.0,),
    ),
    Case(
        "pods that may not be made, by the deployment's condition",
        rolling(
            conditions=(progressing(), Condition("ReplicaFailure", True, "FailedCreate", QUOTA, BEGAN, BEGAN)),
        ),
        Degree.DOOMED,
        cause=f"FailedCreate: {QUOTA}",
    ),
    Case(
        "pods that may not be made, by the events of the new replica set",
        [
            *rolling(),
            occurrence("FailedCreate", QUOTA, "r2", about_kind="ReplicaSet", about_name="web-2"),
        ],
        Degree.DOOMED,
    ),
    Case(
        "a webhook that does not answer may come back",
        rolling(
            conditions=(
                Condition("ReplicaFailure", True, "FailedCreate", "failed calling webhook: connection refused", T0, T0),
            )
        ),
        Degree.PROGRESSING,
        (3.0, 30.0),
    ),
    Case(
        "Kubernetes itself has given up",
        rolling(pod("a", container()), conditions=(progressing("ProgressDeadlineExceeded", T0 - 1),)),
        Degree.LIKELY,
        cause="ProgressDeadlineExceeded",
    ),
    Case(
        "given up, and why",
        rolling(pod("a", crashed()), conditions=(progressing("ProgressDeadlineExceeded", T0 - 1),)),
        Degree.LIKELY,
        cause="CrashLoopBackOff",
    ),
    Case(
        "paused is paused, whatever its pods do",
        rolling(pod("a", crashed(restarts=5)), paused=True),
        Degree.PAUSED,
        (5.0,),
        title="paused at 0/3",
    ),
    Case(
        "a change not taken up is not judged",
        rolling(pod("a", crashed(restarts=5)), generation=3),
        Degree.PROGRESSING,
        (5.0,),
        title="not taken up",
    ),
    Case(
        "a change never taken up is suspect",
        rolling(generation=3),
        Degree.SUSPECT,
        (30.0, 61.0),
        cause="is the controller manager up?",
    ),
    Case(
        "old pods do not count against the new version",
        rolling(pod("a"), pod("x", crashed(restarts=9), revision="1")),
        Degree.PROGRESSING,
        (5.0,),
        title="rolling out 1/3",
    ),
    Case("a settled deployment", [settled(), pod("a"), pod("b"), pod("c")], Degree.HEALTHY, title="healthy", is_settled=True),
    Case(
        "a settled deployment whose pods begin to crash",
        [settled(ready=1, available=1), pod("a"), pod("b", crashed()), pod("c", crashed())],
        Degree.LIKELY,
        title="degraded",
        cause="CrashLoopBackOff ×2",
        capacity="1/3 left",
        is_settled=True,
    ),
    Case(
        "a settled deployment that only restarts a pod",
        [settled(ready=2, available=2), pod("a"), pod("b"), pod("c", waiting("ContainerCreating"))],
        Degree.PROGRESSING,
        (5.0,),
        title="2/3 available",
        is_settled=True,
    ),
    Case(
        "old restarts say nothing about a probe that flaps today",
        [settled(ready=2, available=2), pod("a"), pod("b"), pod("c", container(restarts=7, last_exit_code=1, last_finished_at=LONG_AGO))],
        Degree.PROGRESSING,
        (5.0,),
        is_settled=True,
    ),
    Case("scaled to nothing", [settled(desired=0, replicas=0, updated=0, ready=0, available=0)], Degree.HEALTHY, title="scaled to 0", is_settled=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict_says(case: Case) -> None:
    revisions: list[Identified] = [old_revision(), new_revision()]
    others = [] if case.is_settled else old_pods()
    fleet = after(fleet_of(*revisions, *others, *case.values), *case.ticks)
    verdict = only(fleet.rollouts).verdict
    assert verdict.degree is case.degree, verdict
    assert case.title in verdict.title
    assert case.cause in verdict.cause
    assert case.capacity in verdict.capacity


def test_both_clocks_are_told() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    verdict = only(fleet.rollouts).verdict
    assert (verdict.since_began_s, verdict.kubernetes_says_at_s) == (18.0, 600.0)


def test_kubernetes_counts_its_deadline_from_the_last_progress() -> None:
    fleet = fleet_of(deployment(conditions=(progressing(at=BEGAN + 15),)), old_revision(), new_revision())
    assert only(fleet.rollouts).verdict.kubernetes_says_at_s == 615.0


@pytest.mark.parametrize("deadline_s", [None, 2**31 - 1])
def test_without_a_deadline_kubernetes_never_says_so(deadline_s: int | None) -> None:
    fleet = fleet_of(deployment(progress_deadline_s=deadline_s), old_revision(), new_revision())
    assert only(fleet.rollouts).verdict.kubernetes_says_at_s is None


def test_a_degree_keeps_the_moment_it_was_reached() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    assert only(after(fleet, 30.0, 60.0).rollouts).verdict.since_began_s == 18.0


@pytest.mark.parametrize(
    ("kind", "hashes"),
    [(WorkloadKind.STATEFUL_SET, {"current_hash": "web-1", "update_hash": "web-2"}), (WorkloadKind.DAEMON_SET, {})],
)
def test_sets_get_the_same_verdicts(kind: WorkloadKind, hashes: dict[str, Any]) -> None:
    owned: dict[str, Any] = {"owner_uid": "d", "owner_kind": kind.value}
    workload = deployment(
        kind=kind, conditions=(), progress_deadline_s=None, revision=0, replicas=3, ready=2, available=2, **hashes
    )
    revisions = [old_revision(kind="ControllerRevision"), new_revision(kind="ControllerRevision")]
    label = "web-2" if kind is WorkloadKind.STATEFUL_SET else "2"
    pods = [replace(p, **owned) for p in (*old_pods(2), pod("a", crashed(), template_hash=label))]
    verdict = only(fleet_of(workload, *revisions, *pods).rollouts).verdict
    assert (verdict.degree, verdict.kubernetes_says_at_s) == (Degree.LIKELY, None)
    assert verdict.capacity == "2/3 left, all old"


def test_one_recovery_ends_likely_and_stays_in_the_record() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods())
    up = pod("a", container(ready=True, restarts=3, last_exit_code=3, last_finished_at=T0, since_at=T0 + 1), ready=True)
    assert only(after(fleet, 2.0, seen=[up]).rollouts).degree is Degree.LIKELY
    verdict = only(after(fleet, 2.0, 12.0, seen=[up]).rollouts).verdict
    assert verdict.degree is Degree.PROGRESSING
    assert [(f.kind, f.reason) for f in verdict.findings] == [(FindingClass.NOISE, "Recovered")]


def test_a_lost_stream_is_no_second_observation() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", waiting("InvalidImageName")), *old_pods())
    fleet = fold(fleet, [Ticked(T0 + 1), StreamChanged(Source.PODS, StreamPhase.STALE, T0 + 1)])
    assert only(after(fleet, 30.0).rollouts).degree is Degree.PROGRESSING


def test_the_last_words_of_a_container_are_the_cause() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), pod("b", crashed()), *old_pods())
    lines = ("starting", "cannot reach database", "bye", "")
    fleet = fold(fleet, [LogLinesRead("b", "web", True, lines, T0)])
    assert only(fleet.rollouts).verdict.cause == 'CrashLoopBackOff ×2: "cannot reach database" (exit 3)'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (3, 0, "old pods still serve 3/3, users unaffected"),
        (2, 1, "1 new and 2 old serve 3/3, users unaffected"),
        (1, 0, "1/3 left, all old"),
        (1, 1, "2/3 left: 1 old, 1 new"),
        (0, 0, "no old pods left: 0/3 serve"),
    ],
)
def test_capacity_says_who_still_serves(old: int, new: int, said: str) -> None:
    news = [pod(f"n{i}") for i in range(new)]
    fleet = fleet_of(deployment(), old_revision(ready=old), new_revision(), *news, pod("a", crashed()), *old_pods(old))
    assert only(fleet.rollouts).verdict.capacity == said


REQUESTS = MetricQuery("requests", "requests", "", Unit.PER_SECOND)
ERRORS = MetricQuery("errors", "errors 5xx", "", Unit.SHARE, is_business=True)


def series(query: MetricQuery, before: float, value: float, *, is_scoped: bool = True) -> Series:
    return Series(query, ((BEGAN - 60, before), (BEGAN - 30, before), (T0, value)), is_scoped=is_scoped)


@pytest.mark.parametrize(
    ("errors", "requests", "degree"),
    [
        (series(ERRORS, 0.01, 0.05), 100.0, Degree.BUSINESS),
        (series(ERRORS, 0.0, 0.05), 100.0, Degree.BUSINESS),
        (series(ERRORS, 0.01, 0.015), 100.0, Degree.PROGRESSING),
        (series(ERRORS, 0.0001, 0.001), 100.0, Degree.PROGRESSING),
        (series(ERRORS, 0.01, 0.05), 0.1, Degree.PROGRESSING),
        (series(ERRORS, 0.01, 0.05, is_scoped=False), 100.0, Degree.PROGRESSING),
    ],
    ids=["worse", "from nothing", "a little worse", "below the floor", "too few requests", "others are counted too"],
)
def test_users_worse_off_than_before(errors: Series, requests: float, degree: Degree) -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a"), *old_pods())
    fleet = fold(fleet, [MetricsRead(KEY, (errors, series(REQUESTS, 100.0, requests)), T0)])
    rollout = only(after(fleet, 4.0).rollouts)
    assert rollout.degree is degree
    if degree is Degree.BUSINESS:
        assert rollout.verdict.title == "worse for users"
        assert rollout.verdict.cause.startswith("errors 5xx: 5 %, before this rollout")


def test_metrics_say_nothing_about_a_rollout_of_long_ago() -> None:
    fleet = fleet_of(settled(), old_revision(), new_revision(created_at=LONG_AGO), pod("a"))
    fleet = fold(fleet, [MetricsRead(KEY, (series(ERRORS, 0.01, 0.9), series(REQUESTS, 9, 9)), T0)])
    assert only(after(fleet, 5.0).rollouts).degree is Degree.HEALTHY
