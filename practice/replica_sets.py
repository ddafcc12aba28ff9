"""The replica set controller: as many pods as asked for, the least useful ones go first."""

from __future__ import annotations

from practice.answers import ApiError
from practice.kinds import PODS, REPLICA_SETS, Kind
from practice.objects import (
    Json,
    controller_of,
    copied,
    epoch_of,
    labels_of,
    name_of,
    namespace_of,
    owned_by,
    rfc3339,
    uid_of,
)
from practice.recorder import Recorder
from practice.rolling import desired_of
from practice.store import Change, Store
from practice.workqueue import WorkQueue

_SOURCE = "replicaset-controller"
_MANAGER = "kube-controller-manager"
_COARSE_S = 5.0


def is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_active(pod: Json) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


class ReplicaSetController:
    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._queue = WorkQueue(store.clock, self._sync)
        self._pods: dict[str, set[tuple[str, str]]] = {}
        self._ready_at: dict[str, float] = {}
        store.listen(self._noticed)

    def adopt(self, pod: Json) -> None:
        """Makes a pod known that was laid down quietly."""
        if owner := controller_of(pod):
            self._pods.setdefault(owner["uid"], set()).add((namespace_of(pod), name_of(pod)))

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is REPLICA_SETS:
            self._queue.add(namespace_of(change.object), name_of(change.object))
        elif kind is PODS and (owner := controller_of(change.object)) and owner["kind"] == "ReplicaSet":
            key = (namespace_of(change.object), name_of(change.object))
            known = self._pods.setdefault(owner["uid"], set())
            (known.discard if change.type == "DELETED" else known.add)(key)
            if change.type == "DELETED" or not is_ready(change.object):
                self._ready_at.pop(uid_of(change.object), None)
            self._queue.add(key[0], owner["name"])

    def _sync(self, namespace: str, name: str) -> None:
        replica_set = self._store.find(REPLICA_SETS, namespace, name)
        if replica_set is None:
            return
        keys = sorted(self._pods.get(uid_of(replica_set), ()))
        pods = [pod for key in keys if (pod := self._store.find(PODS, *key)) is not None and is_active(pod)]
        failure = ""
        surplus = len(pods) - desired_of(replica_set)
        if surplus < 0:
            failure = self._make(replica_set, -surplus)
        elif surplus > 0:
            self._drop(replica_set, pods, surplus)
        keys = sorted(self._pods.get(uid_of(replica_set), ()))
        pods = [pod for key in keys if (pod := self._store.find(PODS, *key)) is not None and is_active(pod)]
        self._report(replica_set, pods, failure)

    def _ready_for_s(self, pod: Json) -> float:
        """Practice seconds since it was first seen ready; time stamps are too coarse to say."""
        elapsed = self._store.clock.elapsed
        real_s = self._store.clock.now() - _turned_ready(pod)
        return elapsed - self._ready_at.setdefault(uid_of(pod), elapsed - (real_s if real_s > _COARSE_S else 0.0))

    def _make(self, replica_set: Json, count: int) -> str:
        """Creates pods; returns what the API refused them for, or ""."""
        for _ in range(count):
            template = copied(replica_set["spec"]["template"])
            meta = template.get("metadata") or {}
            name = f"{name_of(replica_set)}-{self._store.names.suffix()}"
            pod: Json = {
                "metadata": {
                    **{key: value for key, value in meta.items() if key in ("labels", "annotations")},
                    "generateName": f"{name_of(replica_set)}-",
                    "name": name,
                    "namespace": namespace_of(replica_set),
                    "ownerReferences": owned_by(replica_set),
                },
                "spec": template["spec"],
                "status": {"phase": "Pending", "qosClass": "Burstable"},
            }
            try:
                self._store.create(PODS, pod, manager=_MANAGER)
            except ApiError as error:
                text = f"Error creating: {error.message}"
                self._recorder.tell(replica_set, "FailedCreate", text, source=_SOURCE, is_warning=True)
                self._queue.add_later(namespace_of(replica_set), name_of(replica_set), 5)
                return error.message
            self._recorder.tell(replica_set, "SuccessfulCreate", f"Created pod: {name}", source=_SOURCE)
        return ""

    def _drop(self, replica_set: Json, pods: list[Json], count: int) -> None:
        for pod in sorted(pods, key=_usefulness)[:count]:
            self._store.remove(PODS, namespace_of(pod), name_of(pod))
            self._recorder.tell(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", source=_SOURCE)

    def _report(self, replica_set: Json, pods: list[Json], failure: str) -> None:
        fresh = self._store.find(REPLICA_SETS, namespace_of(replica_set), name_of(replica_set))
        if fresh is None:
            return
        now = self._store.clock.now()
        labels = labels_of(fresh["spec"]["template"]).items()
        min_ready_s = fresh["spec"].get("minReadySeconds", 0)
        ready = [pod for pod in pods if is_ready(pod)]
        available = [pod for pod in ready if self._ready_for_s(pod) >= min_ready_s]
        if len(available) < len(ready):
            self._queue.add_later(namespace_of(fresh), name_of(fresh), 0.5)
        counts = {
            "fullyLabeledReplicas": sum(1 for pod in pods if labels <= labels_of(pod).items()),
            "readyReplicas": len(ready),
            "availableReplicas": len(available),
            "observedGeneration": fresh["metadata"].get("generation", 1),
        }
        status: Json = {"replicas": len(pods), **{key: value for key, value in counts.items() if value}}
        if failure:
            turned = {"lastTransitionTime": rfc3339(now), "reason": "FailedCreate", "message": failure}
            old = next(iter((fresh.get("status") or {}).get("conditions") or ()), None)
            status["conditions"] = [old or {"type": "ReplicaFailure", "status": "True", **turned}]
        if status != fresh.get("status"):
            self._store.replace(REPLICA_SETS, {**fresh, "status": status}, subresource="status", manager=_MANAGER)


def _turned_ready(pod: Json) -> float:
    conditions = pod["status"]["conditions"]
    return next((epoch_of(each["lastTransitionTime"]) or 0.0 for each in conditions if each["type"] == "Ready"), 0.0)


def _usefulness(pod: Json) -> tuple[object, ...]:
    """Ascending: unscheduled, pending, not ready, restarted more often, younger (controller_utils.go, ActivePods)."""
    status = pod.get("status") or {}
    restarts = sum(each.get("restartCount", 0) for each in status.get("containerStatuses") or ())
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    age = -(epoch_of(pod["metadata"].get("creationTimestamp")) or 0)
    has_node = bool(pod["spec"].get("nodeName"))
    return (has_node, phases.get(str(status.get("phase")), 0), is_ready(pod), -restarts, age, name_of(pod))
