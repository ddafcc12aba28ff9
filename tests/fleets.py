"""Whole situations as values: what the practice product looks like when all is well, and when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.fleet import Fleet
from domain.pods import Pod
from domain.rollouts import RevisionLine, RevisionMark, Rollout
from domain.scope import Scope
from domain.streams import Source, StreamPhase, StreamState
from domain.verdict import Degree, Verdict
from domain.workloads import Revision, Workload
from tests import builders as make

_TAILS = ("2bt68", "5kqzn", "7hwxv", "c9rjm", "jx4tp", "vd8lq")
_NODES = ("node-a", "node-b", "node-c")


def _pods(of: Revision, count: int, **changes: object) -> list[Pod]:
    return [make.pod(f"{of.name}-{_TAILS[i]}", owner=of, node=_NODES[i % 3], **changes) for i in range(count)]  # type: ignore[arg-type]


def _quiet(name: str, version: str, desired: int, age: float) -> tuple[Rollout, list[Pod]]:
    """A workload that nothing is wrong with."""
    workload = make.workload(name, version=version, desired=desired)
    revision = make.revision(workload, version, age=age, replicas=desired, ready=desired, changed_by="ci")
    pods = _pods(revision, desired, age=age)
    finished = {"began_at": make.NOW - age, "finished_at": make.NOW - age + 40}
    return make.rollout(workload, history=[make.line(revision, RevisionMark.CURRENT)], new=pods, **finished), pods  # type: ignore[arg-type]


def _backend(
    version: str = "v1.9.0", began: float = 18, **changes: object
) -> tuple[Workload, Revision, list[RevisionLine]]:
    """The workload that things happen to, its newest revision and the lines of the ones before it."""
    workload = make.workload("shop-backend", version=version, desired=6, **changes)
    new = make.revision(workload, version, number=9, age=began, template_hash="7f9c5d68b4", changed_by="ci")
    past = [
        make.line(
            make.revision(workload, "v1.8.2", number=8, template_hash="65df9b7c4f", changed_by="ops", replicas=6, ready=6),
            RevisionMark.GOOD,
            good_for_s=6 * make.DAY,
        ),
        make.line(
            make.revision(workload, "v1.8.1", number=7, age=7 * make.DAY, template_hash="41c0de77aa", changed_by="ops")
        ),
        make.line(
            make.revision(
                workload,
                "v1.8.0",
                number=6,
                age=7.2 * make.DAY,
                template_hash="0d2e11f3bb",
                changed_by="ci",
                change_cause="release 1.8.0",
            ),
            RevisionMark.FAILED,
            note="rolled back",
        ),
    ]
    return workload, new, past


def _together(backend: Rollout, pods: list[Pod], scope: Scope | None, **changes: object) -> Fleet:
    others = [_quiet("shop-worker", "v1.9.0", 3, 6 * make.DAY), _quiet("shop-web", "v4.1.0", 2, 2 * 3600.0)]
    every = [*pods, *(p for _, theirs in others for p in theirs)]
    fleet = make.fleet(
        backend,
        *(r for r, _ in others),
        pods=every,
        usages=[make.usage(p, 120 + 20 * i, 200 + 18 * i) for i, p in enumerate(every) if p.ready],
        **changes,  # type: ignore[arg-type]
    )
    return replace(fleet, scope=scope) if scope else fleet


def _metrics(backend: Rollout, *, restarts: tuple[float, ...] = (0,) * 20) -> Mapping[object, object]:
    return {
        backend.key: (
            make.series("errors", [0.002, 0.001, 0.002, 0.002] * 5),
            make.series("p95", [0.178, 0.18, 0.176, 0.182] * 4 + [0.184] * 4),
            make.series("requests", [415, 420, 409, 418, 412] * 4),
            make.series("restarts", restarts),
        )
    }


def _health(backend: Rollout, *, storage: str = "ok") -> Mapping[object, object]:
    checks = {"database": "ok", "redis": "ok", "storage": storage}
    code = 200 if storage == "ok" else 503
    word = "healthy" if storage == "ok" else "degraded"
    return {
        backend.key: (
            make.answer("/health/live", latency_ms=4),
            make.answer("/health/ready", code, latency_ms=12, checks=checks, word=word),
        )
    }


def healthy(scope: Scope | None = None) -> Fleet:
    workload = make.workload("shop-backend", version="v1.8.2", desired=6)
    _, _, past = _backend()
    past[0] = replace(past[0], mark=RevisionMark.CURRENT)
    pods = _pods(past[0].revision, 6)
    ages = {"began_at": make.NOW - 6 * make.DAY, "finished_at": make.NOW - 6 * make.DAY + 44}
    backend = make.rollout(workload, history=past, new=pods, **ages)  # type: ignore[arg-type]
    return _together(backend, pods, scope, metrics=_metrics(backend), health=_health(backend))


def rolling(scope: Scope | None = None) -> Fleet:
    """Four of six new pods are there, three of them ready."""
    workload, new, past = _backend(updated=4, replicas=7, ready=6, available=6)
    new = replace(new, replicas=4, ready=3, created_at=make.NOW - 25)
    fresh = [*_pods(new, 3, age=20), make.pod(f"{new.name}-vd8lq", owner=new, age=4, status="ContainerCreating")]
    old = _pods(past[0].revision, 3)
    backend = make.rollout(
        workload,
        history=[make.line(new, RevisionMark.CURRENT), *past],
        new=fresh,
        old=old,
        began_at=make.NOW - 25,
        eta_s=18,
        verdict=Verdict(Degree.PROGRESSING, "rolling out 4/6", capacity="6/6 serve", since_began_s=0),
    )
    events = [
        make.event(
            workload, "ScalingReplicaSet", "Scaled up replica set shop-backend-7f9c5d68b4 to 4", age=5, type="Normal"
        ),
        make.event(fresh[-1], "Pulled", "Successfully pulled image in 812ms", age=3, type="Normal"),
    ]
    return _together(backend, [*fresh, *old], scope, metrics=_metrics(backend), health=_health(backend), events=events)


def likely(scope: Scope | None = None) -> Fleet:
    """Two of six new pods crash in a loop; the old ones go on serving."""
    workload, new, past = _backend(updated=2, replicas=8, ready=6, available=6)
    new = replace(new, replicas=2)
    crash = {"age": 18, "status": "CrashLoopBackOff", "restarts": 2, "restarted": 9}
    bad = [make.pod(f"{new.name}-{tail}", owner=new, **crash) for tail in ("k2lxv", "q8w4d")]  # type: ignore[arg-type]
    old = _pods(past[0].revision, 6)
    backend = make.rollout(
        workload,
        history=[make.line(new, RevisionMark.FAILING), *past],
        new=bad,
        old=old,
        began_at=make.NOW - 18,
        verdict=Verdict(
            Degree.LIKELY,
            "likely failing",
            cause='CrashLoopBackOff ×2: "cannot reach database" (exit 3)',
            capacity="old pods serve 6/6, users unaffected",
            since_began_s=18,
            kubernetes_says_at_s=600,
        ),
    )
    events = [
        make.event(bad[0], "BackOff", "Back-off restarting failed container shop-backend", age=6, count=3),
        make.event(bad[1], "BackOff", "Back-off restarting failed container shop-backend", age=7, count=3),
        make.event(
            workload, "ScalingReplicaSet", "Scaled up replica set shop-backend-7f9c5d68b4 to 2", age=18, type="Normal"
        ),
    ]
    return _together(
        backend,
        [*bad, *old],
        scope,
        metrics=_metrics(backend, restarts=(0,) * 18 + (2, 4)),
        health=_health(backend, storage="connection refused"),
        events=events,
        tails=[make.log_tail(bad[0], "starting shop-backend v1.9.0", "cannot reach database: connection refused")],
    )


def doomed(scope: Scope | None = None) -> Fleet:
    """The image does not exist."""
    workload, new, past = _backend("v1.9.O", 8, updated=2, replicas=8, ready=6, available=6)
    new = replace(new, replicas=2, template=make.template("shop-backend", "v1.9.O"))
    pull = {"age": 8, "status": "ImagePullBackOff"}
    bad = [make.pod(f"{new.name}-{tail}", owner=new, **pull) for tail in ("k2lxv", "q8w4d")]  # type: ignore[arg-type]
    old = _pods(past[0].revision, 6)
    backend = make.rollout(
        workload,
        history=[make.line(new, RevisionMark.FAILING), *past],
        new=bad,
        old=old,
        began_at=make.NOW - 8,
        verdict=Verdict(
            Degree.DOOMED,
            "doomed",
            cause="ImagePull ×2: registry.example/shop/shop-backend:v1.9.O: not found",
            capacity="old pods serve 6/6, users unaffected",
            since_began_s=5,
            kubernetes_says_at_s=600,
        ),
    )
    message = 'Failed to pull image "registry.example/shop/shop-backend:v1.9.O": not found'
    events = [make.event(p, "Failed", message, age=3 + i, count=2) for i, p in enumerate(bad)]
    return _together(backend, [*bad, *old], scope, metrics=_metrics(backend), health=_health(backend), events=events)


def stale(scope: Scope | None = None) -> Fleet:
    """The API server has not answered for twelve seconds; the streams had had nothing to tell for longer."""
    silent = StreamState(Source.API_SERVER, StreamPhase.STALE, make.NOW - 9, make.NOW - 12, "no answer within 2 s")
    quiet = {source: replace(state, heard_at=make.NOW - 40) for source, state in make.streams().items()}
    return replace(rolling(scope), streams=quiet | {Source.API_SERVER: silent})


def forbidden(scope: Scope | None = None) -> Fleet:
    """Events may not be listed, and there is no Prometheus."""
    fleet = likely(scope)
    refused = StreamState(
        Source.OCCURRENCES,
        StreamPhase.FORBIDDEN,
        make.NOW - 60,
        reason=f"list events in {fleet.scope.namespace}",
        hint="Ask for the verbs list and watch on the resource events.",
    )
    absent = StreamState(
        Source.METRICS,
        StreamPhase.ABSENT,
        reason="No Prometheus was found.",
        hint="Set `prometheus.url` in quarterdeck.toml.",
    )
    return replace(fleet, occurrences=MappingProxyType({}), metrics={}, streams=make.streams(refused, absent))


def in_production() -> Fleet:
    return likely(make.production(is_read_only=True, read_only_reason="set by --readonly"))
