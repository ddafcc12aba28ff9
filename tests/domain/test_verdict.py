"""VERDICT's table, a scenario a row: what the cluster shows, how long it is watched, and what a person is told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from domain.facts import Identified
from domain.templates import ContainerRole
from domain.verdict import Degree
from domain.workloads import Condition
from tests.domain.making import (
    BEGAN,
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
        [
            *rolling(pod("a", waiting("ImagePullBackOff", 'Back-off pulling image "web"'))),
            occurrence("Failed", NOT_FOUND, "a"),
        ],
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
        rolling(
            pod("a", crashed(restarts=1)), pod("b", container(state="terminated", reason="Error", exit_code=3, restarts=1))
        ),
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
        cause="NotReady: Readiness probe failed: HTTP probe failed with statuscode: 503",
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
    Case(
        "nothing moves, for four minutes",
        rolling(pod("a", container())),
        Degree.SUSPECT,
        (200.0, 241.0),
        cause="NoProgress",
    ),
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
        cause="FailedCreate: exceeded quota: small, requested: cpu=1, used: cpu=4, limited: cpu=4",
    ),
    Case(
        "pods that may not be made, by the events of the new replica set",
        [
            *rolling(),
            new_revision(replicas=0),
            occurrence("FailedCreate", QUOTA, "r2", about_kind="ReplicaSet", about_name="web-2"),
        ],
        Degree.DOOMED,
    ),
    Case(
        "a creation that failed and then was made good",
        [
            *rolling(pod("a")),
            occurrence("FailedCreate", QUOTA, "r2", about_kind="ReplicaSet", about_name="web-2"),
        ],
        Degree.PROGRESSING,
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
    Case(
        "a settled deployment", [settled(), pod("a"), pod("b"), pod("c")], Degree.HEALTHY, title="healthy", is_settled=True
    ),
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
        [
            settled(ready=2, available=2),
            pod("a"),
            pod("b"),
            pod("c", container(restarts=7, last_exit_code=1, last_finished_at=LONG_AGO)),
        ],
        Degree.PROGRESSING,
        (5.0,),
        is_settled=True,
    ),
    Case(
        "scaled to nothing",
        [settled(desired=0, replicas=0, updated=0, ready=0, available=0)],
        Degree.HEALTHY,
        title="scaled to 0",
        is_settled=True,
    ),
]


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
