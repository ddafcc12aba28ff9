"""A shop in a cluster in memory, whose controller rolls out what is patched, and the operations that tests do to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from actions.ports import Ports
from actions.runner import Identity, Runner
from actions.steps import making
from domain.fleet import Fleet
from domain.health import HealthAnswer, HealthEndpoint, NamedCheck
from domain.marks import Standing
from domain.metrics import DEFAULT_QUERIES, MetricQuery, Series, Unit
from domain.operations import Operation, Place, Plan, Step
from domain.pods import Pod
from domain.rollouts import RevisionLine, RevisionMark, Rollout
from domain.streams import Source, StreamPhase, StreamState
from domain.template_patch import template_fingerprint
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe, image_name
from domain.verdict import Degree, Verdict
from domain.workloads import Revision, Workload, WorkloadKey, WorkloadKind
from tests import builders as make
from tests.actions.stand_ins import T0, Clock, Cluster, Commands, Journal, Killed, Leases, LeaseShelf, Points
from tests.actions.virtual_time import in_no_time

NAMESPACE = "shop-practice"
KEY = WorkloadKey(NAMESPACE, WorkloadKind.DEPLOYMENT, "shop-backend")
LOCK = "quarterdeck-deployment-shop-backend"
DESIRED = 6
GOOD, BAD, OTHER = "v1.8.2", "v1.9.0", "v1.8.1"
POD_EVERY_S = 0.5
PROBE = Probe("readiness", "/health/ready", "8080", "HTTP", 0, 10, 3, 1)


def template_of(version: str) -> dict[str, Any]:
    container = {"name": "shop-backend", "image": f"{make.REGISTRY}/shop-backend:{version}"}
    return {"metadata": {"labels": {"app": "shop-backend"}}, "spec": {"containers": [container]}}


def deployment(version: str, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": KEY.name,
            "namespace": NAMESPACE,
            "uid": "d",
            "generation": 42,
            "annotations": {"deployment.kubernetes.io/revision": "7", **annotations},
        },
        "spec": {"replicas": DESIRED, "template": template_of(version)},
    }


@dataclass
class Stage:
    """Time goes on over several runs of a runner; `degrees` says what becomes of a version, once it is five seconds old."""

    begins_with: str = BAD
    degrees: dict[str, Degree] = field(default_factory=lambda: {BAD: Degree.DOOMED})
    points: Points = field(default_factory=Points)
    moment: float = 0.0
    changed_at: float = -1000.0
    is_api_silent: bool = False
    unhealthy: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    cluster: Cluster = field(init=False)
    shelf: LeaseShelf = field(init=False)
    journal: Journal = field(init=False)
    commands: Commands = field(init=False)
    aborts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.points, [deployment(self.begins_with)])
        self.cluster.on_change = self._on_change
        self.shelf = LeaseShelf()
        self.journal = Journal(self.points)
        self.commands = Commands(self.points)

    def ports(self) -> Ports:
        """As a process that starts now gets them."""
        return Ports(
            cluster=self.cluster,
            leases=Leases(self.shelf, self.points),
            fleet=Watcher(self),
            commands=self.commands,
            clock=Clock(),
            health=Health(self),
            metrics=Metrics(self),
        )

    def run(self, plan: Plan, *, who: str = "", before: Callable[[Runner], None] = lambda _: None) -> Operation:
        """One runner, from now to its end; Killed where it was. What the next one finds in the journal it takes up."""

        async def go() -> Operation:
            me = Identity(4711, "jump2", "boot", who)
            try:
                runner = Runner(
                    plan,
                    self.journal,
                    self.ports(),
                    me,
                    facts=self.journal.facts,
                    abort_asked=lambda: self.aborts[0] if self.aborts else None,
                )
                before(runner)
                return await runner.run()
            finally:
                self.moment = asyncio.get_running_loop().time()

        return in_no_time(go(), self.moment)

    def run_to_the_end(self, plan: Plan, *cuts: int, pause_s: float = 3.0) -> Operation:
        """Killed at each of these points in turn (counted from each start), then left alone."""
        for cut in (*cuts, None):
            self.points.seen.clear()
            self.points.cut_at, self.points.is_dead = cut, False
            try:
                return self.run(plan)
            except Killed:
                self.moment += pause_s
        raise AssertionError("the last run is not cut")

    def version(self) -> str:
        return str(self.body()["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2])

    def body(self) -> dict[str, Any]:
        return self.cluster.objects["Deployment", NAMESPACE, KEY.name]

    def set_image(self, version: str, **annotations: str) -> None:
        """Somebody else, with kubectl."""
        body = self.body()
        metadata = {**body["metadata"], "annotations": {**body["metadata"]["annotations"], **annotations}}
        self._on_change("put", self.cluster.put({**body, "metadata": metadata, "spec": deployment(version)["spec"]}))

    def effects(self) -> list[str]:
        """All that was changed, but for the news of which step it is, which is told as often as wanted."""
        return [e for e in self.cluster.effects if e != f"patch ConfigMap/{LOCK}"]

    def data(self, name: str) -> dict[str, str]:
        return dict(self.cluster.objects["ConfigMap", NAMESPACE, name]["data"])

    def fleet(self) -> Fleet:
        now = asyncio.get_running_loop().time()
        since_s = now - self.changed_at
        version, metadata = self.version(), self.body()["metadata"]
        degree = self.degrees.get(version, Degree.HEALTHY)
        ready = 0 if degree.is_failing else min(DESIRED, int(since_s / POD_EVERY_S))
        new = _revision(version)
        is_seen = since_s >= 0.2
        workload = _workload(metadata, new.template, ready, is_seen=is_seen)
        is_complete = is_seen and ready == DESIRED
        shown = degree if degree.is_failing and since_s >= 5 else Degree.HEALTHY if is_complete else Degree.PROGRESSING
        verdict = Verdict(shown, shown.name.lower(), cause="ImagePull ×2: not found" if shown.is_failing else "")
        pods = tuple(_pod(new, i) for i in range(ready))
        good = _revision(GOOD if version != GOOD else OTHER)
        history = (_line(new, RevisionMark.CURRENT), _line(good, RevisionMark.GOOD, "good for 6d"))
        uids = tuple(p.uid for p in pods)
        rollout = Rollout(
            workload, history, new, uids, (), ready, 0, is_complete, T0 + self.changed_at, None, None, verdict
        )
        phase = StreamPhase.STALE if self.is_api_silent else StreamPhase.LIVE
        return Fleet(
            make.scope(namespace=NAMESPACE),
            T0 + now,
            rollouts={KEY: rollout},
            pods={p.uid: p for p in pods},
            streams={s: StreamState(s, phase) for s in Source},
        )

    def _on_change(self, verb: str, body: dict[str, Any]) -> None:
        if body["kind"] == "Deployment":
            try:
                self.changed_at = asyncio.get_running_loop().time()
            except RuntimeError:
                self.changed_at = self.moment


class Watcher:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def watch(self) -> AsyncIterator[Fleet]:
        while True:
            if self._stage.points.is_dead:
                raise Killed
            yield self._stage.fleet()
            await asyncio.sleep(1.0)


class Health:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def ask(self, endpoints: Sequence[HealthEndpoint]) -> tuple[HealthAnswer, ...]:
        return tuple(self._answer(e) for e in endpoints)

    def _answer(self, endpoint: HealthEndpoint) -> HealthAnswer:
        bad = self._stage.unhealthy
        checks = tuple(NamedCheck(n, n not in bad, "") for n in ("database", "redis", "storage"))
        if endpoint.via == "direct":
            is_ok = endpoint.title not in bad
            return HealthAnswer(endpoint, T0, 200 if is_ok else 503, 3.0, is_ok)
        is_ok = all(c.is_ok for c in checks)
        return HealthAnswer(endpoint, T0, 200 if is_ok else 503, 3.0, is_ok, "healthy" if is_ok else "degraded", "", checks)


class Metrics:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def read(
        self, queries: Sequence[MetricQuery], workload: WorkloadKey, labels: Mapping[str, str], *, since_at: float | None
    ) -> tuple[Series, ...]:
        return self._stage.series or series(0.2, 0.2, since_at or T0)


def series(before: float, after: float, moment: float, *, rate: float = 400.0) -> tuple[Series, ...]:
    """p95 in seconds before and after `moment`, with that many requests a second."""
    p95 = next(q for q in DEFAULT_QUERIES if q.unit is Unit.SECONDS)
    requests = next(q for q in DEFAULT_QUERIES if q.unit is Unit.PER_SECOND)
    points = ((moment - 60, before), (moment - 30, before), (moment + 60, after))
    return Series(p95, points), Series(requests, tuple((at, rate) for at, _ in points))


def rollback(to: str = GOOD, *, soak_s: float = 10.0, generation: int = 42) -> Plan:
    """Everything that a rollback does, in its order."""
    operations = [{"op": "replace", "path": "/spec/template", "value": template_of(to)}]
    bad = template_fingerprint(template_of(BAD))[:10]
    marks = [making.mark_step(KEY, Standing.BAD, template_hash=bad, image=f"shop-backend:{BAD}", id="mark-bad")]
    return _plan("rollback", f"roll back shop-backend to {to}", operations, soak_s, generation, marks)


def deploy(to: str = GOOD, *, soak_s: float = 10.0, generation: int = 42) -> Plan:
    image = f"{make.REGISTRY}/shop-backend:{to}"
    operations = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
    return _plan("deploy", f"deploy shop-backend {to}", operations, soak_s, generation, [])


def _plan(
    action: str, summary: str, operations: list[dict[str, Any]], soak_s: float, generation: int, marks: list[Step]
) -> Plan:
    steps = (
        making.lock_step(KEY),
        making.record_step(KEY),
        making.patch_step(KEY, uid="d", generation=generation, operations=operations, change_cause=summary),
        making.rollout_step(KEY, timeout_s=120),
        making.soak_step(KEY, seconds=soak_s),
        making.health_step(KEY),
        making.smoke_http_step(KEY, urls=["https://alphaapp.example/health", "https://alphaapp.example/api/status"]),
        making.smoke_command_step(["npm", "run", "test:smoke"]),
        making.metrics_step(KEY, timeout_s=60),
        *marks,
        making.mark_step(KEY, Standing.GOOD),
        making.event_step(KEY, uid="d", reason="RolledBack" if action == "rollback" else "Deployed"),
        making.record_end_step(KEY),
        making.unlock_step(KEY),
    )
    place = Place("practice", NAMESPACE, "https://127.0.0.1:6443")
    return Plan("7KQ2ABCD", action, place, KEY, "oncall@jump2", "v1.9.0 crashes", T0, summary, steps)


def only(plan: Plan, *ids: str) -> Plan:
    """The same with these steps and no others."""
    return replace(plan, steps=tuple(s for s in plan.steps if s.id in ids))


def _workload(metadata: Mapping[str, Any], template: PodTemplate, ready: int, *, is_seen: bool) -> Workload:
    generation = int(metadata["generation"])
    return Workload(
        uid="d",
        namespace=NAMESPACE,
        name=KEY.name,
        kind=KEY.kind,
        generation=generation,
        observed_generation=generation if is_seen else generation - 1,
        created_at=T0 - 1e6,
        desired=DESIRED,
        replicas=DESIRED,
        updated=DESIRED,
        ready=ready,
        available=ready,
        template=template,
    )


def _revision(version: str) -> Revision:
    body = template_of(version)
    spec = ContainerSpec(KEY.name, ContainerRole.MAIN, body["spec"]["containers"][0]["image"], (PROBE,))
    hash_ = template_fingerprint(body)[:10]
    template = PodTemplate((spec,), json.dumps(body))
    return Revision(f"rs-{hash_}", NAMESPACE, f"{KEY.name}-{hash_}", "d", 7, hash_, T0 - 1e5, template, replicas=1)


def _line(revision: Revision, mark: RevisionMark, note: str = "") -> RevisionLine:
    image = revision.template.main_images[0]
    digest = f"{image.rpartition(':')[0]}@sha256:{revision.template_hash}"
    return RevisionLine(revision, mark, image_name(image), digest, note=note)


def _pod(revision: Revision, number: int) -> Pod:
    return make.pod(f"{revision.name}-{number}", owner=revision)
