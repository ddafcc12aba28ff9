"""A pod on its node: its containers, and the status that follows from them (kubernetes/pkg/kubelet/status)."""

from __future__ import annotations

from dataclasses import dataclass

from practice.container import Container, Run
from practice.images import Registry
from practice.objects import Json, epoch_of, name_of, namespace_of, rfc3339, uid_of


@dataclass(slots=True)
class PodRun:
    uid: str
    namespace: str
    name: str
    node: str
    ip: str
    began: float
    containers: list[Container]
    is_stopping: bool = False
    has_sandbox: bool = False
    """The pod has its network: from then on it has an address."""

    @property
    def mains(self) -> list[Container]:
        return [each for each in self.containers if not each.is_init]

    @property
    def is_ready(self) -> bool:
        return all(each.is_ready for each in self.mains)

    def find(self, name: str) -> Container | None:
        return next((each for each in self.containers if each.name == name), None)

    def status(self, before: Json, now: float) -> Json:
        inits = [each for each in self.containers if each.is_init]
        is_initialized = all(each.is_done for each in inits)
        unready = [each.name for each in self.mains if not each.is_ready]
        text = f"containers with unready status: [{' '.join(unready)}]"
        facts = [
            ("PodReadyToStartContainers", self.has_sandbox, "", ""),
            ("Initialized", is_initialized, "ContainersNotInitialized", "containers with incomplete status"),
            ("Ready", not unready, "ContainersNotReady", text),
            ("ContainersReady", not unready, "ContainersNotReady", text),
        ]
        old = {each["type"]: each for each in before.get("conditions") or ()}
        conditions = [_condition(old.get(type_), type_, is_true, why, said, now) for type_, is_true, why, said in facts]
        if "PodScheduled" in old:
            conditions.append(old["PodScheduled"])
        status: Json = {
            "phase": self._phase(is_initialized),
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "hostIPs": [{"ip": "10.0.0.1"}],
            "startTime": rfc3339(self.began),
            "qosClass": before.get("qosClass", "Burstable"),
            "containerStatuses": [each.status() for each in self.mains],
        }
        if self.has_sandbox:
            status |= {"podIP": self.ip, "podIPs": [{"ip": self.ip}]}
        if inits:
            status["initContainerStatuses"] = [each.status() for each in inits]
            if not is_initialized:
                for each in status["containerStatuses"]:
                    each["state"] = {"waiting": {"reason": "PodInitializing"}}
        return status

    def _phase(self, is_initialized: bool) -> str:
        if not is_initialized or any(not each.runs for each in self.mains):
            return "Pending"
        return "Running"


def _condition(old: Json | None, type_: str, is_true: bool, reason: str, message: str, now: float) -> Json:
    status = "True" if is_true else "False"
    turned = old["lastTransitionTime"] if old and old["status"] == status else rfc3339(now)
    condition: Json = {"type": type_, "status": status, "lastProbeTime": None, "lastTransitionTime": turned}
    if not is_true and reason:
        condition |= {"reason": reason, "message": message}
    return condition


def begun(pod: Json, registry: Registry, now: float) -> PodRun:
    """A pod that has just come to its node, or one laid down with a status: then its containers run already."""
    spec = pod["spec"]
    containers = [Container(each, registry.find(each["image"]), is_init=True) for each in spec.get("initContainers") or ()]
    containers += [Container(each, registry.find(each["image"])) for each in spec["containers"]]
    status = pod.get("status") or {}
    known = {each["name"]: each for each in status.get("containerStatuses") or ()}
    for container in containers:
        running = ((known.get(container.name) or {}).get("state") or {}).get("running")
        if running:
            container.runs = [Run(epoch_of(running["startedAt"]) or now)]
            container.is_ready, container.waiting = bool(known[container.name]["ready"]), ""
            container.restarts = known[container.name]["restartCount"]
    ip = status.get("podIP") or _address(uid_of(pod))
    began = epoch_of(status.get("startTime")) or now
    has_sandbox = bool(status.get("podIP"))
    return PodRun(
        uid_of(pod), namespace_of(pod), name_of(pod), spec["nodeName"], ip, began, containers, has_sandbox=has_sandbox
    )


def _address(uid: str) -> str:
    return f"10.1.{int(uid[:2], 16)}.{int(uid[2:4], 16) % 254 + 1}"
