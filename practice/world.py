"""Puts the practice world together: nodes, the shop with its history, controllers, and what the scenario does."""

from __future__ import annotations

from practice import shop
from practice.access import Rights
from practice.clock import Clock
from practice.daemon_sets import DaemonSetController
from practice.defaults import with_defaults
from practice.deployments import DeploymentController
from practice.fleet import lay_fleet
from practice.garbage import GarbageCollector
from practice.images import Registry, known_images
from practice.kinds import CONFIG_MAPS, DEPLOYMENTS, EVENTS, NAMESPACES, NODES, SECRETS, SERVICES
from practice.kubelet import Kubelet
from practice.nodes import node
from practice.objects import Json, Names, annotations_of, name_of, namespace_of, rfc3339
from practice.prometheus import Prometheus
from practice.recorder import Recorder
from practice.replica_sets import ReplicaSetController
from practice.scenarios import Scenario, Step, past
from practice.scheduler import Scheduler
from practice.stateful_sets import StatefulSetController
from practice.store import Store
from practice.traffic import Traffic

_AGE_S = 9 * 86400.0
_NODES = 3
_NAMESPACES = ("default", "kube-system", shop.NAMESPACE, shop.MONITORING)


class World:
    """Everything but the HTTP server. The past has already happened when it is made; `begin` starts the scenario."""

    def __init__(
        self, scenario: Scenario, *, seed: int = 1, speed: float = 1.0, pods: int = 0, origin: float | None = None
    ) -> None:
        now = Clock(origin=origin).now()
        self.scenario = scenario
        self.names = Names(seed)
        self.clock = Clock(speed, origin=now - _AGE_S)
        self.store = Store(self.clock, self.names)
        self.rights = Rights()
        self.recorder = Recorder(self.store)
        self.registry = Registry((*scenario.images, *known_images()))
        self.scheduler = Scheduler(self.store, self.recorder)
        self.kubelet = Kubelet(self.store, self.recorder, self.registry)
        self.replica_sets = ReplicaSetController(self.store, self.recorder)
        self.deployments = DeploymentController(self.store, self.recorder)
        self.stateful_sets = StatefulSetController(self.store, self.recorder)
        self.daemon_sets = DaemonSetController(self.store, self.recorder)
        self.garbage = GarbageCollector(self.store)
        self._lay_ground()
        self._live_through_past()
        if pods:
            lay_fleet(self, pods)
        self.traffic = Traffic(self.store, self.registry, self.clock, seed)
        self.prometheus = Prometheus(self)

    def begin(self) -> None:
        self.traffic.begin()
        for step in self.scenario.steps:
            if step.at_s >= 0:
                self.clock.call_in(step.at_s, lambda step=step: self.do(step))  # type: ignore[misc]

    def _lay_ground(self) -> None:
        for name in _NAMESPACES:
            self.add_namespace(name)
        for number in range(1, _NODES + 1):
            self.store.create(NODES, node(f"practice-{number}", self.clock.now()))
        for place, part in enumerate(shop.PARTS):
            self.store.create(SERVICES, shop.service(part, f"10.96.0.{11 + place}"))
            self._apply(shop.deployment(part, {"web": "v4.0.3"}.get(part.image, "v1.8.0")), "release: first version")
        deployment, service = shop.prometheus()
        self._apply(deployment, "")
        self.store.create(SERVICES, service)
        config = {"metadata": {"name": "shop", "namespace": shop.NAMESPACE}, "data": {"currency": "EUR", "vouchers": "off"}}
        self.store.create(CONFIG_MAPS, config)
        secret = {
            "metadata": {"name": "shop", "namespace": shop.NAMESPACE},
            "type": "Opaque",
            "data": {"session-key": "cHJhY3RpY2U="},
        }
        self.store.create(SECRETS, secret)

    def add_namespace(self, name: str) -> None:
        labels = {"kubernetes.io/metadata.name": name}
        spec, status = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
        self.store.create(NAMESPACES, {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": status})

    def _apply(self, deployment: Json, cause: str) -> None:
        if cause:
            deployment["metadata"]["annotations"] = {"kubernetes.io/change-cause": cause}
        self.store.create(DEPLOYMENTS, with_defaults(DEPLOYMENTS, deployment), manager="ci")

    def _live_through_past(self) -> None:
        steps = [*past(), *(step for step in self.scenario.steps if step.at_s < 0)]
        for step in sorted(steps, key=lambda each: each.at_s):
            self.clock.advance(_AGE_S + step.at_s - self.clock.elapsed)
            self.do(step)
        self.clock.advance(_AGE_S - self.clock.elapsed)
        for event in self.store.listed(EVENTS):
            self.store.remove(EVENTS, namespace_of(event), name_of(event))
        self.store.forget_history()

    def do(self, step: Step) -> None:
        if step.do in ("take-right", "give-right"):
            change = self.rights.take if step.do == "take-right" else self.rights.give
            change(step.verb, step.resource, user=step.user)
            return
        found = self.store.find(DEPLOYMENTS, shop.NAMESPACE, step.deployment)
        if found is None:
            return  # somebody has deleted it: the scenario goes on without
        spec = dict(found["spec"])
        notes = dict(annotations_of(found))
        if step.cause:
            notes["kubernetes.io/change-cause"] = step.cause
        match step.do:
            case "set-image":
                spec["template"] = _with_image(spec["template"], step.image)
            case "scale":
                spec["replicas"] = step.replicas
            case "pause":
                spec["paused"] = True
            case "resume":
                spec.pop("paused", None)
            case _:
                spec["template"] = _restarted(spec["template"], self.clock.now())
        meta = {**found["metadata"], "annotations": notes}
        self.store.replace(DEPLOYMENTS, {**found, "metadata": meta, "spec": spec}, manager=step.by)


def _with_image(template: Json, image: str) -> Json:
    first, *rest = template["spec"]["containers"]
    reference = image if "/" in image else f"{first['image'].rpartition(':')[0]}:{image}"
    return {**template, "spec": {**template["spec"], "containers": [{**first, "image": reference}, *rest]}}


def _restarted(template: Json, now: float) -> Json:
    notes = {**(template["metadata"].get("annotations") or {}), "kubectl.kubernetes.io/restartedAt": rfc3339(now)}
    return {**template, "metadata": {**template["metadata"], "annotations": notes}}
