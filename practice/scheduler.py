"""The scheduler: every pod gets the node with the fewest pods that will have it."""

from __future__ import annotations

from collections import Counter

from practice.daemon_sets import node_wanted
from practice.kinds import NODES, PODS, Kind
from practice.objects import Json, labels_of, name_of, namespace_of, rfc3339
from practice.recorder import Recorder
from practice.store import Change, Store
from practice.workqueue import WorkQueue

_RETRY_S = 5.0


class Scheduler:
    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._queue = WorkQueue(store.clock, self._place, delay_s=0.1)
        self._load: Counter[str] = Counter()
        store.listen(self._noticed)

    def adopt(self, pod: Json) -> None:
        self._load[pod["spec"]["nodeName"]] += 1

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is not PODS:
            return
        node = change.object["spec"].get("nodeName")
        if change.type == "DELETED" and node:
            self._load[node] -= 1
        elif not node and change.type == "ADDED":
            self._queue.add(namespace_of(change.object), name_of(change.object))

    def _place(self, namespace: str, name: str) -> None:
        pod = self._store.find(PODS, namespace, name)
        if pod is None or pod["spec"].get("nodeName"):
            return
        nodes = list(self._store.each(NODES))
        free = [node for node in nodes if not node["spec"].get("unschedulable") and _is_ready(node)]
        wanted = (pod["spec"].get("nodeSelector") or {}).items()
        place = node_wanted(pod)
        if place:  # daemon set pods tolerate a closed node
            free = [node for node in nodes if name_of(node) == place and _is_ready(node)]
        fitting = [node for node in free if wanted <= labels_of(node).items()]
        if not fitting:
            self._refuse(pod, nodes, free)
            return
        node = name_of(min(fitting, key=lambda each: (self._load[name_of(each)], name_of(each))))
        self._load[node] += 1
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        condition["lastTransitionTime"] = rfc3339(self._store.clock.now())
        placed = {**pod, "spec": {**pod["spec"], "nodeName": node}}
        placed = self._store.replace(PODS, placed, manager="kube-scheduler")
        self._store.replace(
            PODS,
            {**placed, "status": {**placed["status"], "conditions": [condition]}},
            subresource="status",
            manager="kubelet",
        )
        text = f"Successfully assigned {namespace}/{name} to {node}"
        self._recorder.tell_new_style(placed, "Scheduled", text, source="default-scheduler", action="Binding")

    def _refuse(self, pod: Json, nodes: list[Json], free: list[Json]) -> None:
        total = len(nodes)
        parts = []
        if len(free) < total:
            parts.append(f"{total - len(free)} node(s) were unschedulable")
        if free:
            parts.append(f"{len(free)} node(s) didn't match Pod's node affinity/selector")
        text = f"0/{total} nodes are available: {', '.join(parts)}. preemption: 0/{total} nodes are available: "
        text += f"{total} Preemption is not helpful for scheduling."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        old = (pod["status"].get("conditions") or [{}])[0]
        turned = old.get("lastTransitionTime") or rfc3339(self._store.clock.now())
        status = {**pod["status"], "conditions": [{**condition, "lastProbeTime": None, "lastTransitionTime": turned}]}
        self._store.replace(PODS, {**pod, "status": status}, subresource="status", manager="kube-scheduler")
        if old.get("message") != text:
            self._recorder.tell_new_style(
                pod, "FailedScheduling", text, source="default-scheduler", action="Scheduling", is_warning=True
            )
        self._queue.add_later(namespace_of(pod), name_of(pod), _RETRY_S)


def _is_ready(node: Json) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"].get("conditions") or ())
