"""Pods, workloads and whole fleets for tests, with everything a test does not care about filled in sensibly.

Times are given as ages in seconds before `NOW`; names are those of the practice product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.fleet import Fleet, LogTail
from domain.health import HealthAnswer, HealthEndpoint, NamedCheck
from domain.metrics import MetricQuery, Series, Unit
from domain.occurrences import Occurrence
from domain.pods import ContainerState, Pod, PodUsage
from domain.rollouts import RevisionLine, RevisionMark, Rollout
from domain.scope import Scope
from domain.streams import Source, StreamPhase, StreamState
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, image_name
from domain.verdict import Degree, Verdict
from domain.workloads import Revision, Workload, WorkloadKey, WorkloadKind

NOW = 1_760_000_000.0
NAMESPACE = "shop-practice"
REGISTRY = "registry.example/shop"
DAY = 86_400.0


def scope(**changes: Any) -> Scope:
    """The practice environment: not production, nothing special."""
    plain = Scope(
        context="practice",
        namespace=NAMESPACE,
        environment="practice",
        is_production=False,
        user="oncall",
        host="jump2",
        server="https://127.0.0.1:6443",
    )
    return replace(plain, **changes)


def production(**changes: Any) -> Scope:
    return scope(
        **{
            "context": "prod-weu",
            "namespace": "shop-production",
            "environment": "production",
            "is_production": True,
            **changes,
        }
    )


def template(name: str = "shop-backend", version: str = "v1.0.0") -> PodTemplate:
    image = f"{REGISTRY}/{name}:{version}"
    return PodTemplate((ContainerSpec(name, ContainerRole.MAIN, image),), f'{{"image":"{image}"}}')


def container(name: str = "shop-backend", **changes: Any) -> ContainerState:
    running = ContainerState(
        name=name,
        role=ContainerRole.MAIN,
        image=f"{REGISTRY}/{name}:v1.0.0",
        image_id=f"{REGISTRY}/{name}@sha256:{'0' * 64}",
        ready=True,
        started=True,
        restarts=0,
        state="running",
    )
    return replace(running, **changes)


def pod(
    name: str = "shop-backend-65df9b7c4-2bt68",
    *,
    age: float = 6 * DAY,
    status: str = "Running",
    ready: bool | None = None,
    restarts: int = 0,
    restarted: float | None = None,
    owner: Revision | Workload | None = None,
    node: str = "node-a",
    is_faulty: bool | None = None,
    **changes: Any,
) -> Pod:
    """Running and ready; any other `status` makes it neither, and faulty unless it is one of those of a young pod.

    `restarted` is how many seconds ago it restarted last; `owner` gives it its owner and its template hash.
    """
    is_ready = status == "Running" if ready is None else ready
    if is_faulty is None:
        is_faulty = not is_ready and status not in ("Pending", "ContainerCreating", "Completed", "Terminating")
    plain = Pod(
        uid=f"uid-{name}",
        namespace=owner.namespace if owner else NAMESPACE,
        name=name,
        node=node,
        phase="Running" if status == "Running" else "Pending",
        created_at=NOW - age,
        deleted_at=None,
        reason="",
        message="",
        ready=is_ready,
        ready_changed_at=None,
        scheduled=True,
        unscheduled_reason="",
        unscheduled_message="",
        owner_kind="ReplicaSet" if isinstance(owner, Revision) else "",
        owner_name=owner.name if owner else "",
        owner_uid=owner.uid if owner else "",
        template_hash=owner.template_hash if isinstance(owner, Revision) else "",
        containers=(container(ready=is_ready, restarts=restarts),),
        status=status,
        ready_count=1 if is_ready else 0,
        total_count=1,
        restarts=restarts,
        last_restart_at=None if restarted is None else NOW - restarted,
        is_faulty=is_faulty,
        ip="10.0.0.7",
        labels={"app": name.rsplit("-", 2)[0]},
        cpu_limit_m=500,
        memory_limit_bytes=512 * 2**20,
        resource_version="1",
    )
    return replace(plain, **changes)


def usage(of: Pod, cpu_m: int = 155, memory_mib: int = 280) -> PodUsage:
    return PodUsage(f"{of.namespace}/{of.name}", of.namespace, of.name, NOW, cpu_m, memory_mib * 2**20)


def workload(name: str = "shop-backend", *, version: str = "v1.0.0", desired: int = 1, **changes: Any) -> Workload:
    """A deployment, all of whose pods are updated and available."""
    plain = Workload(
        uid=f"uid-{name}",
        namespace=NAMESPACE,
        name=name,
        kind=WorkloadKind.DEPLOYMENT,
        generation=1,
        observed_generation=1,
        created_at=NOW - 90 * DAY,
        desired=desired,
        replicas=desired,
        updated=desired,
        ready=desired,
        available=desired,
        template=template(name, version),
        progress_deadline_s=600,
        revision=1,
        selector={"app": name},
    )
    return replace(plain, **changes)


def revision(
    of: Workload, version: str, *, number: int = 1, age: float = 6 * DAY, template_hash: str = "", **changes: Any
) -> Revision:
    """One without pods, unless `replicas` says otherwise. The hash is made from the version where none is given."""
    template_hash = template_hash or f"{sum(map(ord, of.name + version)) * 2654435761 % 16**10:010x}"
    plain = Revision(
        uid=f"uid-{of.name}-{template_hash}",
        namespace=of.namespace,
        name=f"{of.name}-{template_hash}",
        owner_uid=of.uid,
        number=number,
        template_hash=template_hash,
        created_at=NOW - age,
        template=template(of.name, version),
    )
    return replace(plain, **changes)


def line(of: Revision, mark: RevisionMark = RevisionMark.PAST, **changes: Any) -> RevisionLine:
    return RevisionLine(of, mark, image_name(of.template.main_images[0]), **changes)


def rollout(
    of: Workload,
    *,
    history: Sequence[RevisionLine] = (),
    new: Iterable[Pod] = (),
    old: Iterable[Pod] = (),
    verdict: Verdict | None = None,
    **changes: Any,
) -> Rollout:
    """Complete and healthy, where nothing else is said; the newest of `history` is the new revision."""
    new, old = tuple(new), tuple(old)
    plain = Rollout(
        workload=of,
        history=tuple(history),
        new=history[0].revision if history else None,
        new_pods=tuple(p.uid for p in new),
        old_pods=tuple(p.uid for p in old),
        new_ready=sum(p.ready for p in new),
        old_ready=sum(p.ready for p in old),
        is_complete=not old,
        began_at=None,
        finished_at=None,
        eta_s=None,
        verdict=verdict or Verdict(Degree.HEALTHY, "healthy"),
    )
    return replace(plain, **changes)


def event(
    about: Pod | Workload | Revision, reason: str, message: str, *, age: float = 6, count: int = 1, **changes: Any
) -> Occurrence:
    """A warning; `type="Normal"` makes it an ordinary one."""
    kind = {Pod: "Pod", Revision: "ReplicaSet"}.get(type(about), "Deployment")
    plain = Occurrence(
        uid=f"uid-{about.name}-{reason}",
        namespace=about.namespace,
        name=f"{about.name}.{reason}",
        type="Warning",
        reason=reason,
        message=message,
        count=count,
        first_at=NOW - age - count,
        last_at=NOW - age,
        about_kind=kind,
        about_name=about.name,
        about_uid=about.uid,
        source="kubelet",
    )
    return replace(plain, **changes)


QUERIES = {
    "errors": MetricQuery("errors", "errors 5xx", "errors", Unit.SHARE, limit=0.01),
    "p95": MetricQuery("p95", "p95", "p95", Unit.SECONDS, limit=0.5),
    "requests": MetricQuery("requests", "requests", "requests", Unit.PER_SECOND),
    "restarts": MetricQuery("restarts", "restarts", "restarts", Unit.COUNT, limit=0),
}


def series(name: str, values: Sequence[float], *, step_s: float = 15, **changes: Any) -> Series:
    """One of the procedure's four; the last value is of now."""
    first = NOW - step_s * (len(values) - 1)
    points = tuple((first + step_s * i, value) for i, value in enumerate(values))
    return replace(Series(QUERIES[name], points, NOW), **changes)


def answer(
    path: str, code: int | None = 200, *, latency_ms: float = 12, checks: Mapping[str, str] | None = None, **changes: Any
) -> HealthAnswer:
    """`checks` by name: "ok" is good, everything else is not."""
    named = tuple(NamedCheck(name, text == "ok", text) for name, text in (checks or {}).items())
    is_healthy = code is not None and code < 400 and all(check.is_ok for check in named)
    plain = HealthAnswer(HealthEndpoint(path, path, "service"), NOW, code, latency_ms, is_healthy, checks=named)
    return replace(plain, **changes)


def streams(*exceptions: StreamState) -> dict[Source, StreamState]:
    """All live, but for these."""
    live = {source: StreamState(source, StreamPhase.LIVE, NOW - 600, NOW) for source in Source}
    return live | {state.source: state for state in exceptions}


def log_tail(of: Pod, *lines: str) -> LogTail:
    return LogTail(of.uid, "shop-backend", True, lines, NOW)


def fleet(
    *rollouts: Rollout,
    pods: Iterable[Pod] = (),
    events: Iterable[Occurrence] = (),
    usages: Iterable[PodUsage] = (),
    metrics: Mapping[WorkloadKey, tuple[Series, ...]] | None = None,
    health: Mapping[WorkloadKey, tuple[HealthAnswer, ...]] | None = None,
    tails: Iterable[LogTail] = (),
    **changes: Any,
) -> Fleet:
    """Everything that belongs to the rollouts and pods given; all streams live."""
    pods = tuple(pods)
    by_owner: dict[str, dict[str, Pod]] = {}
    for p in pods:
        by_owner.setdefault(p.owner_uid, {})[p.uid] = p
    revisions = {entry.revision.uid: entry.revision for r in rollouts for entry in r.history}
    by_workload: dict[str, dict[str, Revision]] = {}
    for r in revisions.values():
        by_workload.setdefault(r.owner_uid, {})[r.uid] = r
    plain = Fleet(
        scope=scope(),
        now=NOW,
        workloads={r.workload.uid: r.workload for r in rollouts},
        revisions=revisions,
        pods={p.uid: p for p in pods},
        occurrences={e.uid: e for e in events},
        usage={u.uid: u for u in usages},
        rollouts={r.key: r for r in rollouts},
        health=health or {},
        metrics=metrics or {},
        log_tails={tail.pod_uid: tail for tail in tails},
        streams=streams(),
        pods_by_owner=by_owner,
        revisions_by_owner=by_workload,
    )
    return replace(plain, **changes)
