"""The stateful set controller: pods with numbers, one after the other up, one after the other replaced from the top.

After kubernetes/pkg/controller/statefulset: a pod that does not become ready holds up everything behind it."""

from __future__ import annotations

from practice.controller_revisions import HASH_LABEL, MANAGER, current_revision, forget_oldest, revisions_of, template_of
from practice.kinds import PODS, STATEFUL_SETS, Kind
from practice.objects import Json, controller_of, labels_of, name_of, namespace_of, owned_by, uid_of
from practice.recorder import Recorder
from practice.replica_sets import is_ready
from practice.rolling import desired_of
from practice.store import Change, Store
from practice.workqueue import WorkQueue

_SOURCE = "statefulset-controller"


class StatefulSetController:
    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._queue = WorkQueue(store.clock, self._sync)
        store.listen(self._noticed)

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is STATEFUL_SETS:
            self._queue.add(namespace_of(change.object), name_of(change.object))
        elif kind is PODS and (owner := controller_of(change.object)) and owner["kind"] == "StatefulSet":
            self._queue.add(namespace_of(change.object), owner["name"])

    def _sync(self, namespace: str, name: str) -> None:
        found = self._store.find(STATEFUL_SETS, namespace, name)
        if found is None:
            return
        update = current_revision(self._store, found, "controller.kubernetes.io/hash")
        past = {name_of(each): each for each in revisions_of(self._store, found)}
        status: Json = found.get("status") or {}
        current = past.get(str(status.get("currentRevision")), update)
        self._move(found, current, update)
        self._report(found, name_of(current), name_of(update))

    def _pods(self, owner: Json) -> dict[int, Json]:
        """Number -> pod."""
        pods: dict[int, Json] = {}
        for pod in self._store.each(PODS, namespace_of(owner)):
            ref = controller_of(pod)
            if ref and ref["uid"] == uid_of(owner):
                pods[int(name_of(pod).rpartition("-")[2])] = pod
        return pods

    def _move(self, owner: Json, current: Json, update: Json) -> None:
        """One step towards what is asked for; nothing while a pod is on its way up or down."""
        pods, desired = self._pods(owner), desired_of(owner)
        is_ordered = owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        unchanged = sum(1 for pod in pods.values() if labels_of(pod).get(HASH_LABEL) == name_of(current))
        for number in range(desired):
            pod = pods.get(number)
            if pod is None:
                is_old = current is not update and number < max(unchanged, self._partition(owner))
                self._make(owner, number, current if is_old else update)
            if is_ordered and (pod is None or not _is_healthy(pod)):
                return
        surplus = sorted((number for number in pods if number >= desired), reverse=True)
        if surplus:
            self._drop(owner, pods[surplus[0]])
            return
        if owner["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") != "RollingUpdate":
            return
        for number in range(desired - 1, self._partition(owner) - 1, -1):
            pod = pods[number]
            if labels_of(pod).get(HASH_LABEL) != name_of(update):
                self._drop(owner, pod)
                return
            if not _is_healthy(pod):
                return

    def _partition(self, owner: Json) -> int:
        rolling = owner["spec"].get("updateStrategy", {}).get("rollingUpdate") or {}
        return int(rolling.get("partition", 0))

    def _make(self, owner: Json, number: int, revision: Json) -> None:
        template = template_of(revision)
        name = f"{name_of(owner)}-{number}"
        labels = {
            **(template["metadata"].get("labels") or {}),
            "apps.kubernetes.io/pod-index": str(number),
            HASH_LABEL: name_of(revision),
            "statefulset.kubernetes.io/pod-name": name,
        }
        meta = {"name": name, "generateName": f"{name_of(owner)}-", "namespace": namespace_of(owner), "labels": labels}
        if template["metadata"].get("annotations"):
            meta["annotations"] = template["metadata"]["annotations"]
        meta["ownerReferences"] = owned_by(owner)
        spec = {**template["spec"], "hostname": name, "subdomain": owner["spec"].get("serviceName", "")}
        self._store.create(PODS, {"metadata": meta, "spec": spec, "status": {"phase": "Pending"}}, manager=MANAGER)
        self._tell(owner, "SuccessfulCreate", f"create Pod {name} in StatefulSet {name_of(owner)} successful")

    def _drop(self, owner: Json, pod: Json) -> None:
        if not pod["metadata"].get("deletionTimestamp"):
            self._store.remove(PODS, namespace_of(pod), name_of(pod))
            self._tell(owner, "SuccessfulDelete", f"delete Pod {name_of(pod)} in StatefulSet {name_of(owner)} successful")

    def _tell(self, owner: Json, reason: str, text: str) -> None:
        self._recorder.tell(owner, reason, text, source=_SOURCE)

    def _report(self, owner: Json, current: str, update: str) -> None:
        fresh = self._store.get(STATEFUL_SETS, namespace_of(owner), name_of(owner))
        pods = list(self._pods(owner).values())
        alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        ready = sum(1 for pod in alive if is_ready(pod))
        updated = sum(1 for pod in alive if labels_of(pod).get(HASH_LABEL) == update)
        desired = desired_of(fresh)
        if current != update and updated == ready == desired == len(pods) and self._partition(fresh) == 0:
            current = update
        counts = {
            "readyReplicas": ready,
            "currentReplicas": sum(1 for pod in alive if labels_of(pod).get(HASH_LABEL) == current),
            "updatedReplicas": updated,
        }
        status: Json = {
            "observedGeneration": fresh["metadata"].get("generation", 1),
            "replicas": len(pods),
            "availableReplicas": ready,
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": update,
            **{key: value for key, value in counts.items() if value},
        }
        if status != fresh.get("status"):
            self._store.replace(STATEFUL_SETS, {**fresh, "status": status}, subresource="status", manager=MANAGER)
        forget_oldest(self._store, fresh, {current, update})


def _is_healthy(pod: Json) -> bool:
    return is_ready(pod) and not pod["metadata"].get("deletionTimestamp")
