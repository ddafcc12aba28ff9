"""The daemon set controller: one pod on every node, replaced a few at a time (kubernetes/pkg/controller/daemon)."""

from __future__ import annotations

from practice.controller_revisions import HASH_LABEL, MANAGER, current_revision, forget_oldest, revisions_of
from practice.kinds import DAEMON_SETS, NODES, PODS, Kind
from practice.objects import Json, controller_of, copied, labels_of, name_of, namespace_of, owned_by, uid_of
from practice.recorder import Recorder
from practice.replica_sets import is_ready
from practice.rolling import scaled
from practice.store import Change, Store
from practice.workqueue import WorkQueue

_SOURCE = "daemonset-controller"


def node_wanted(pod: Json) -> str:
    """The node that a daemon set made the pod for; "" for other pods."""
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    for term in (affinity or {}).get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["values"]:
                return str(field["values"][0])
    return ""


class DaemonSetController:
    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._queue = WorkQueue(store.clock, self._sync)
        store.listen(self._noticed)

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is DAEMON_SETS:
            self._queue.add(namespace_of(change.object), name_of(change.object))
        elif kind is PODS and (owner := controller_of(change.object)) and owner["kind"] == "DaemonSet":
            self._queue.add(namespace_of(change.object), owner["name"])
        elif kind is NODES and change.type != "MODIFIED":
            for each in self._store.each(DAEMON_SETS):
                self._queue.add(namespace_of(each), name_of(each))

    def _sync(self, namespace: str, name: str) -> None:
        found = self._store.find(DAEMON_SETS, namespace, name)
        if found is None:
            return
        revision = current_revision(self._store, found, HASH_LABEL)
        hash_ = labels_of(revision)[HASH_LABEL]
        nodes = self._nodes(found)
        by_node = self._pods(found)
        for node in nodes:
            if node not in by_node:
                self._make(found, node, hash_)
        for node, pods in by_node.items():
            if node not in nodes:
                for pod in pods:
                    self._drop(found, pod)
        if found["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate":
            self._replace_old(found, nodes, hash_)
        self._report(found, nodes, hash_)

    def _nodes(self, owner: Json) -> list[str]:
        wanted = (owner["spec"]["template"]["spec"].get("nodeSelector") or {}).items()
        return sorted(name_of(node) for node in self._store.each(NODES) if wanted <= labels_of(node).items())

    def _pods(self, owner: Json) -> dict[str, list[Json]]:
        """Node -> its pods, those that are ending too."""
        found: dict[str, list[Json]] = {}
        for pod in self._store.each(PODS, namespace_of(owner)):
            ref = controller_of(pod)
            if ref and ref["uid"] == uid_of(owner):
                found.setdefault(pod["spec"].get("nodeName") or node_wanted(pod), []).append(pod)
        return found

    def _replace_old(self, owner: Json, nodes: list[str], hash_: str) -> None:
        """Old pods that serve nobody go at once, others as many as may be missing (maxUnavailable, 1 unless said)."""
        rolling = owner["spec"].get("updateStrategy", {}).get("rollingUpdate") or {}
        room = max(1, scaled(rolling.get("maxUnavailable", 1), len(nodes), is_up=True))
        serving: list[Json] = []
        for pods in self._pods(owner).values():
            pod = pods[0]
            is_old = labels_of(pod).get(HASH_LABEL) != hash_
            if pod["metadata"].get("deletionTimestamp") or not is_ready(pod):
                room -= 1
                if is_old:
                    self._drop(owner, pod)
            elif is_old:
                serving.append(pod)
        for pod in sorted(serving, key=name_of)[: max(0, room)]:
            self._drop(owner, pod)

    def _make(self, owner: Json, node: str, hash_: str) -> None:
        template = copied(owner["spec"]["template"])
        name = f"{name_of(owner)}-{self._store.names.suffix()}"
        labels = {
            **(template["metadata"].get("labels") or {}),
            HASH_LABEL: hash_,
            "pod-template-generation": str(owner["metadata"].get("generation", 1)),
        }
        meta = {"name": name, "generateName": f"{name_of(owner)}-", "namespace": namespace_of(owner), "labels": labels}
        if template["metadata"].get("annotations"):
            meta["annotations"] = template["metadata"]["annotations"]
        meta["ownerReferences"] = owned_by(owner)
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]}}
        spec = {**template["spec"], "affinity": {"nodeAffinity": required}}
        self._store.create(PODS, {"metadata": meta, "spec": spec, "status": {"phase": "Pending"}}, manager=MANAGER)
        self._recorder.tell(owner, "SuccessfulCreate", f"Created pod: {name}", source=_SOURCE)

    def _drop(self, owner: Json, pod: Json) -> None:
        if not pod["metadata"].get("deletionTimestamp"):
            self._store.remove(PODS, namespace_of(pod), name_of(pod))
            self._recorder.tell(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", source=_SOURCE)

    def _report(self, owner: Json, nodes: list[str], hash_: str) -> None:
        fresh = self._store.get(DAEMON_SETS, namespace_of(owner), name_of(owner))
        pods = [pods[0] for node, pods in self._pods(owner).items() if node in nodes]
        alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        ready = sum(1 for pod in alive if is_ready(pod))
        updated = sum(1 for pod in alive if labels_of(pod).get(HASH_LABEL) == hash_)
        counts = {"updatedNumberScheduled": updated, "numberAvailable": ready, "numberUnavailable": len(nodes) - ready}
        status: Json = {
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": len(nodes),
            "numberReady": ready,
            "observedGeneration": fresh["metadata"].get("generation", 1),
            **{key: value for key, value in counts.items() if value},
        }
        if status != fresh.get("status"):
            self._store.replace(DAEMON_SETS, {**fresh, "status": status}, subresource="status", manager=MANAGER)
        hashes = {labels_of(pod).get(HASH_LABEL) for pod in pods} | {hash_}
        in_use = {name_of(each) for each in revisions_of(self._store, fresh) if labels_of(each)[HASH_LABEL] in hashes}
        forget_oldest(self._store, fresh, in_use)
