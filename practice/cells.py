"""What kubectl prints of one object: the cells of its row, after kubernetes/pkg/printers/internalversion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ages import short_duration
from practice.objects import Json, epoch_of, labels_of, name_of


@dataclass(frozen=True, slots=True)
class Columns:
    """`names` with "*" at the end are for `-o wide` (priority 1). `numbers` are the integer columns."""

    names: tuple[str, ...]
    cells: Callable[[Json, float], Sequence[Any]]
    numbers: frozenset[str] = frozenset()

    def definitions(self) -> list[Json]:
        return [
            {
                "name": name.removesuffix("*"),
                "type": "integer" if name in self.numbers else "string",
                "format": "name" if name == "Name" else "",
                "description": name.removesuffix("*"),
                "priority": 1 if name.endswith("*") else 0,
            }
            for name in self.names
        ]


def age(stamp: str | None, now: float) -> str:
    at = epoch_of(stamp)
    return "<unknown>" if at is None else short_duration(now - at)


def _age(obj: Json, now: float) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _status(obj: Json) -> Json:
    return obj.get("status") or {}


def _pod(pod: Json, now: float) -> list[Any]:
    status, spec = _status(pod), pod.get("spec") or {}
    ready, restarts, last = _counts(status)
    again = f"{restarts}" if restarts == 0 or last is None else f"{restarts} ({short_duration(now - last)} ago)"
    total = len(spec.get("containers") or ())
    place = [status.get("podIP") or "<none>", spec.get("nodeName") or "<none>", "<none>", "<none>"]
    return [name_of(pod), f"{ready}/{total}", pod_reason(pod), again, _age(pod, now), *place]


def _counts(status: Json) -> tuple[int, int, float | None]:
    ready = restarts = 0
    last: float | None = None
    for each in status.get("containerStatuses") or ():
        ready += bool(each["ready"] and "running" in (each.get("state") or {}))
        restarts += each.get("restartCount", 0)
        finished = epoch_of(((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
        last = finished if last is None or (finished is not None and finished > last) else last
    return ready, restarts, last


def pod_reason(pod: Json) -> str:
    """The STATUS column."""
    status = _status(pod)
    reason = str(status.get("reason") or status.get("phase") or "")
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    inits = (pod.get("spec") or {}).get("initContainers") or ()
    for place, each in enumerate(status.get("initContainerStatuses") or ()):
        state = each.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode") == 0 and "terminated" in state:
            continue
        reason = f"Init:{_state_reason(state) or f'{place}/{len(inits)}'}"
        if (state.get("waiting") or {}).get("reason") == "PodInitializing":
            reason = f"Init:{place}/{len(inits)}"
        break
    else:
        reason = _main_reason(status, reason)
    return "Terminating" if pod["metadata"].get("deletionTimestamp") else reason


def _main_reason(status: Json, reason: str) -> str:
    has_running = False
    for each in reversed(status.get("containerStatuses") or ()):
        state = each.get("state") or {}
        reason = _state_reason(state) or reason
        has_running = has_running or bool("running" in state and each["ready"])
    if reason == "Completed" and has_running:
        is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())
        return "Running" if is_ready else "NotReady"
    return reason


def _state_reason(state: Json) -> str:
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if ended is None:
        return ""
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended['exitCode']}"


def _template(obj: Json) -> tuple[str, str]:
    containers = obj["spec"]["template"]["spec"]["containers"]
    return ",".join(each["name"] for each in containers), ",".join(each["image"] for each in containers)


def _selector(selector: Json | None) -> str:
    wanted = (selector or {}).get("matchLabels", selector) or {}
    return ",".join(f"{key}={value}" for key, value in sorted(wanted.items())) or "<none>"


def _deployment(obj: Json, now: float) -> list[Any]:
    status, spec = _status(obj), obj["spec"]
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    counts = [ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [name_of(obj), *counts, _age(obj, now), *_template(obj), _selector(spec.get("selector"))]


def _replica_set(obj: Json, now: float) -> list[Any]:
    status, spec = _status(obj), obj["spec"]
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [name_of(obj), *counts, _age(obj, now), *_template(obj), _selector(spec.get("selector"))]


def _stateful_set(obj: Json, now: float) -> list[Any]:
    ready = f"{_status(obj).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"
    return [name_of(obj), ready, _age(obj, now), *_template(obj)]


def _daemon_set(obj: Json, now: float) -> list[Any]:
    status, spec = _status(obj), obj["spec"]
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    where = _selector(spec["template"]["spec"].get("nodeSelector"))
    return [
        name_of(obj),
        *(status.get(each, 0) for each in fields),
        where,
        _age(obj, now),
        *_template(obj),
        _selector(spec.get("selector")),
    ]


def _event(event: Json, now: float) -> list[Any]:
    about = event.get("involvedObject") or {}
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    first = event.get("firstTimestamp") or event.get("eventTime")
    count = series.get("count") or event.get("count") or 1
    source = event.get("source") or {}
    origin = ", ".join(part for part in (source.get("component"), source.get("host")) if part) or event.get(
        "reportingComponent", ""
    )
    subject = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    message = str(event.get("message", "")).strip()
    said = [about.get("fieldPath", ""), origin, message, age(first, now), count, name_of(event)]
    return [age(last, now), event.get("type", ""), event.get("reason", ""), subject, *said]


def _node(node: Json, now: float) -> list[Any]:
    status = _status(node)
    ready = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    prefix = "node-role.kubernetes.io/"
    roles = ",".join(sorted(label.removeprefix(prefix) for label in labels_of(node) if label.startswith(prefix)))
    address = next((each["address"] for each in status.get("addresses") or () if each["type"] == "InternalIP"), "<none>")
    info = status.get("nodeInfo") or {}
    system = [info.get(key, "<unknown>") for key in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    return [
        name_of(node),
        ",".join(words),
        roles or "<none>",
        _age(node, now),
        info.get("kubeletVersion", ""),
        address,
        "<none>",
        *system,
    ]


def _service(obj: Json, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    ports = ",".join(f"{each['port']}/{each.get('protocol', 'TCP')}" for each in spec.get("ports") or ()) or "<none>"
    address = spec.get("clusterIP") or "<none>"
    return [
        name_of(obj),
        spec.get("type", "ClusterIP"),
        address,
        "<none>",
        ports,
        _age(obj, now),
        _selector(spec.get("selector")),
    ]


def _namespace(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), _status(obj).get("phase", ""), _age(obj, now)]


def _lease(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _age(obj, now)]


def _secret(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type", "Opaque"), len(obj.get("data") or {}), _age(obj, now)]


def _controller_revision(obj: Json, now: float) -> list[Any]:
    owner = next(iter(obj["metadata"].get("ownerReferences") or ()), None)
    controller = f"{str(owner['kind']).lower()}.apps/{owner['name']}" if owner else "<none>"
    return [name_of(obj), controller, obj.get("revision", 0), _age(obj, now)]


_WIDE = ("Containers*", "Images*", "Selector*")
_EVENT_NAMES = (
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "Subobject*",
    "Source*",
    "Message",
    "First Seen*",
    "Count*",
    "Name*",
)
_DAEMON_COUNTS = ("Desired", "Current", "Ready", "Up-to-date", "Available")

COLUMNS: dict[str, Columns] = {
    "pods": Columns(
        ("Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"), _pod
    ),
    "deployments.apps": Columns(
        ("Name", "Ready", "Up-to-date", "Available", "Age", *_WIDE), _deployment, frozenset({"Up-to-date", "Available"})
    ),
    "replicasets.apps": Columns(
        ("Name", "Desired", "Current", "Ready", "Age", *_WIDE), _replica_set, frozenset({"Desired", "Current", "Ready"})
    ),
    "statefulsets.apps": Columns(("Name", "Ready", "Age", "Containers*", "Images*"), _stateful_set),
    "daemonsets.apps": Columns(
        ("Name", *_DAEMON_COUNTS, "Node Selector", "Age", *_WIDE), _daemon_set, frozenset(_DAEMON_COUNTS)
    ),
    "events": Columns(_EVENT_NAMES, _event, frozenset({"Count*"})),
    "events.events.k8s.io": Columns(_EVENT_NAMES, _event, frozenset({"Count*"})),
    "nodes": Columns(
        ("Name", "Status", "Roles", "Age", "Version", "Internal-IP*", "External-IP*", "OS-Image*", "Kernel-Version*",
         "Container-Runtime*"), _node
    ),
    "namespaces": Columns(("Name", "Status", "Age"), _namespace),
    "services": Columns(("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"), _service),
    "configmaps": Columns(
        ("Name", "Data", "Age"), lambda o, now: [name_of(o), len(o.get("data") or {}), _age(o, now)], frozenset({"Data"})
    ),
    "secrets": Columns(("Name", "Type", "Data", "Age"), _secret, frozenset({"Data"})),
    "leases.coordination.k8s.io": Columns(
        ("Name", "Holder", "Age"), _lease
    ),
    "controllerrevisions.apps": Columns(("Name", "Controller", "Revision", "Age"), _controller_revision),
}  # fmt: skip
OTHERS = Columns(("Name", "Created At"), lambda o, now: [name_of(o), o["metadata"].get("creationTimestamp", "")])
