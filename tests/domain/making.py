"""Short ways to make the values of a cluster, for tests; everything has a sensible default."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.facts import Fact, Identified, Listed, Seen, Ticked
from domain.fleet import Fleet
from domain.fold import fold
from domain.occurrences import Occurrence
from domain.pods import ContainerState, Pod
from domain.rollouts import Rollout
from domain.scope import Scope
from domain.streams import Source
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe
from domain.workloads import Condition, Revision, Workload, WorkloadKey, WorkloadKind

T0 = 1_800_000_000.0
"""When the tests begin; a rollout under way has begun 18 s before."""
BEGAN = T0 - 18
LONG_AGO = T0 - 6 * 86400
KEY = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "web")
SCOPE = Scope("practice", "shop", "practice", is_production=False)
CLUSTER_SOURCES = (
    Source.DEPLOYMENTS,
    Source.STATEFUL_SETS,
    Source.DAEMON_SETS,
    Source.REPLICA_SETS,
    Source.CONTROLLER_REVISIONS,
    Source.PODS,
    Source.OCCURRENCES,
)
READINESS = Probe("readiness", "/health/ready", "8080", "HTTP", 0, 10, 3, 1)


def template(image: str = "registry.example/shop/web:v2", *, probes: tuple[Probe, ...] = (), **content: Any) -> PodTemplate:
    spec = content.get("spec") or {"containers": [{"name": "web", "image": image}]}
    text = json.dumps({"metadata": content.get("metadata", {}), "spec": spec})
    return PodTemplate((ContainerSpec("web", ContainerRole.MAIN, image, probes),), text)


def progressing(reason: str = "ReplicaSetUpdated", at: float = BEGAN) -> Condition:
    return Condition("Progressing", reason != "ProgressDeadlineExceeded", reason, "", BEGAN, at)


def deployment(**changes: Any) -> Workload:
    """Three replicas, on its way from web-1 to web-2, one new pod made, none ready."""
    base = Workload(
        uid="d",
        namespace="shop",
        name="web",
        kind=WorkloadKind.DEPLOYMENT,
        generation=2,
        observed_generation=2,
        created_at=LONG_AGO,
        desired=3,
        replicas=4,
        updated=1,
        ready=3,
        available=3,
        template=template(),
        progress_deadline_s=600,
        revision=2,
        conditions=(progressing(),),
    )
    return replace(base, **changes)


def settled(**changes: Any) -> Workload:
    """The same deployment, complete for six days on web-2."""
    given: dict[str, Any] = {
        "replicas": 3,
        "updated": 3,
        "conditions": (
            progressing("NewReplicaSetAvailable", LONG_AGO),
            Condition("Available", True, "", "", LONG_AGO, LONG_AGO),
        ),
    }
    return deployment(**(given | changes))


def old_revision(**changes: Any) -> Revision:
    base = Revision(
        "r1",
        "shop",
        "web-1",
        "d",
        1,
        "1",
        LONG_AGO,
        template("registry.example/shop/web:v1"),
        desired=3,
        replicas=3,
        ready=3,
    )
    return replace(base, **changes)


def new_revision(**changes: Any) -> Revision:
    return replace(Revision("r2", "shop", "web-2", "d", 2, "2", BEGAN, template(), desired=1, replicas=1), **changes)


def container(**changes: Any) -> ContainerState:
    base = ContainerState(
        "web",
        ContainerRole.MAIN,
        "registry.example/shop/web:v2",
        "",
        ready=False,
        started=False,
        restarts=0,
        state="running",
    )
    return replace(base, **changes)


def waiting(reason: str, message: str = "", **changes: Any) -> ContainerState:
    return container(state="waiting", reason=reason, message=message, **changes)


def crashed(restarts: int = 2, **changes: Any) -> ContainerState:
    given: dict[str, Any] = {
        "restarts": restarts,
        "last_reason": "Error",
        "last_exit_code": 3,
        "last_finished_at": T0 - 1,
    }
    return waiting("CrashLoopBackOff", "back-off 20s restarting failed container", **(given | changes))


def pod(uid: str, state: ContainerState | None = None, *, revision: str = "2", **changes: Any) -> Pod:
    """A pod of web-2, scheduled, with one container: running and ready unless `state` says otherwise."""
    is_ready = state is None
    state = state or container(ready=True, started=True, since_at=T0 - 10, image_id="registry.example/shop/web@sha256:22")
    base = Pod(
        uid=uid,
        namespace="shop",
        name=f"web-{revision}-{uid}",
        node="node-1",
        phase="Running",
        created_at=BEGAN if revision == "2" else LONG_AGO,
        deleted_at=None,
        reason="",
        message="",
        ready=is_ready,
        ready_changed_at=BEGAN if revision == "2" else LONG_AGO,
        scheduled=True,
        unscheduled_reason="",
        unscheduled_message="",
        owner_kind="ReplicaSet",
        owner_name=f"web-{revision}",
        owner_uid=f"r{revision}",
        template_hash=revision,
        containers=(state,),
        status="Running",
        ready_count=int(is_ready),
        total_count=1,
        restarts=state.restarts,
        last_restart_at=state.last_finished_at,
        is_faulty=not is_ready,
    )
    return replace(base, **changes)


def old_pods(count: int = 3) -> list[Pod]:
    return [pod(f"old{i}", revision="1") for i in range(count)]


def occurrence(reason: str, message: str, about: str, **changes: Any) -> Occurrence:
    base = Occurrence(
        uid=f"{reason}-{about}",
        namespace="shop",
        name=f"{about}.{reason}",
        type="Warning",
        reason=reason,
        message=message,
        count=1,
        first_at=BEGAN + 2,
        last_at=BEGAN + 10,
        about_kind="Pod",
        about_name=f"web-2-{about}",
        about_uid=about,
        source="kubelet",
    )
    return replace(base, **changes)


def source_of(value: object) -> Source:
    if isinstance(value, Pod):
        return Source.PODS
    if isinstance(value, Occurrence):
        return Source.OCCURRENCES
    if isinstance(value, Revision):
        return Source.REPLICA_SETS if value.kind == "ReplicaSet" else Source.CONTROLLER_REVISIONS
    assert isinstance(value, Workload)
    return {
        WorkloadKind.DEPLOYMENT: Source.DEPLOYMENTS,
        WorkloadKind.STATEFUL_SET: Source.STATEFUL_SETS,
        WorkloadKind.DAEMON_SET: Source.DAEMON_SETS,
    }[value.kind]


def listed(values: Iterable[Identified], at: float = T0) -> list[Fact]:
    """Every cluster source as one whole list each."""
    by_source: dict[Source, list[Identified]] = {source: [] for source in CLUSTER_SOURCES}
    for value in values:
        by_source[source_of(value)].append(value)
    return [Listed(source, tuple(found), True, True, at=at) for source, found in by_source.items()]


def fleet_of(*values: Identified, now: float = T0, **changes: Any) -> Fleet:
    return fold(Fleet(SCOPE, **changes), [Ticked(now), *listed(values, now)])


def after(fleet: Fleet, *seconds: float, seen: Sequence[Identified] = ()) -> Fleet:
    """`fleet` with these things seen, and then a tick at each of these times after T0."""
    fleet = fold(fleet, [Seen(source_of(value), value) for value in seen])
    for second in seconds:
        fleet = fold(fleet, [Ticked(T0 + second)])
    return fleet


def only(rollouts: Mapping[WorkloadKey, Rollout]) -> Rollout:
    (rollout,) = rollouts.values()
    return rollout
