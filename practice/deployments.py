"""The deployment controller: replica sets for templates, rolled as kubernetes/pkg/controller/deployment rolls them."""

from __future__ import annotations

import json

from practice.answers import ApiError
from practice.deployment_status import status_of
from practice.kinds import DEPLOYMENTS, PODS, REPLICA_SETS, Kind
from practice.objects import (
    Json,
    annotations_of,
    controller_of,
    copied,
    name_of,
    namespace_of,
    owned_by,
    short_hash,
    uid_of,
)
from practice.recorder import Recorder
from practice.rolling import count_of, desired_of, new_set_size, old_set_sizes, proportional_sizes, surge_and_unavailable
from practice.store import Change, Store
from practice.workqueue import WorkQueue

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
MANAGER = "kube-controller-manager"
_NOT_COPIED = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED, MOST,
     "deprecated.deployment.rollback.to"}
)  # fmt: skip


def bare_template(obj: Json) -> Json:
    """The pod template without the label that the controller adds."""
    template: Json = obj["spec"]["template"]
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    return {**template, "metadata": {k: v for k, v in {**meta, "labels": labels}.items() if v and k != "creationTimestamp"}}


def revision_of(obj: Json) -> int:
    return int(annotations_of(obj).get(REVISION, 0))


class DeploymentController:
    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder
        self._queue = WorkQueue(store.clock, self._sync)
        store.listen(self._noticed)

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is DEPLOYMENTS:
            self._queue.add(namespace_of(change.object), name_of(change.object))
        elif kind is REPLICA_SETS and (owner := controller_of(change.object)):
            self._queue.add(namespace_of(change.object), owner["name"])
        elif kind is PODS and change.type == "DELETED" and (owner := controller_of(change.object)):
            replica_set = self._store.find(REPLICA_SETS, namespace_of(change.object), owner["name"])
            if replica_set is not None and (above := controller_of(replica_set)):
                self._queue.add(namespace_of(change.object), above["name"])

    def _sync(self, namespace: str, name: str) -> None:
        deployment = self._store.find(DEPLOYMENTS, namespace, name)
        if deployment is None:
            return
        try:
            self._sync_found(deployment)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
            self._queue.add(namespace, name)

    def _sync_found(self, deployment: Json) -> None:
        sets = self._sets_of(deployment)
        new = self._newest(deployment, sets)
        is_paused = bool(deployment["spec"].get("paused"))
        is_recreated = deployment["spec"]["strategy"]["type"] == "Recreate"
        if new is None and is_recreated and not is_paused and not self._are_old_gone(deployment, sets, None):
            self._report(deployment, self._sets_of(deployment))
            return
        if new is None and not is_paused:
            new = self._made(deployment, sets)
            sets.append(new)
        elif new is not None and not is_paused:
            renewed = self._renumbered(deployment, sets, new)
            sets[sets.index(new)] = renewed
            new = renewed
        deployment = self._store.get(DEPLOYMENTS, namespace_of(deployment), name_of(deployment))
        if is_paused or self._was_scaled(deployment, sets):
            self._scale_in_proportion(deployment, sets, new)
        elif new is not None:
            self._roll(deployment, sets, new)
        sets = self._sets_of(deployment)
        self._report(deployment, sets)

    # finding and making replica sets

    def _sets_of(self, deployment: Json) -> list[Json]:
        uid = uid_of(deployment)
        found = self._store.each(REPLICA_SETS, namespace_of(deployment))
        return [each for each in found if (owner := controller_of(each)) and owner["uid"] == uid]

    def _newest(self, deployment: Json, sets: list[Json]) -> Json | None:
        wanted = bare_template(deployment)
        same = [each for each in sets if bare_template(each) == wanted]
        return min(same, key=lambda each: (each["metadata"]["creationTimestamp"], name_of(each)), default=None)

    def _made(self, deployment: Json, sets: list[Json]) -> Json:
        template = copied(bare_template(deployment))
        collisions = count_of(deployment, "collisionCount")
        hash_ = short_hash(json.dumps([template, collisions], sort_keys=True))
        template["metadata"].setdefault("labels", {})[HASH_LABEL] = hash_
        size = new_set_size(deployment, sets, None)
        revision = max((revision_of(each) for each in sets), default=0) + 1
        selector = copied(deployment["spec"]["selector"])
        selector.setdefault("matchLabels", {})[HASH_LABEL] = hash_
        replica_set: Json = {
            "metadata": {
                "name": f"{name_of(deployment)}-{hash_}",
                "namespace": namespace_of(deployment),
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**self._inherited(deployment), **self._sizes(deployment), REVISION: str(revision)},
                "ownerReferences": owned_by(deployment),
            },
            "spec": {"replicas": size, "selector": selector, "template": template},
            "status": {"replicas": 0},
        }
        if "minReadySeconds" in deployment["spec"]:
            replica_set["spec"]["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        made = self._store.create(REPLICA_SETS, replica_set, manager=MANAGER)
        self._number(deployment, revision)
        if size > 0:
            self._say_scaled(deployment, made, 0, size)
        return made

    def _renumbered(self, deployment: Json, sets: list[Json], new: Json) -> Json:
        """The newest set carries the highest revision, so an old one that is rolled back to gets a new number."""
        highest = max((revision_of(each) for each in sets if each is not new), default=0)
        notes = {**annotations_of(new), **self._inherited(deployment), **self._sizes(deployment)}
        if revision_of(new) <= highest:
            past = [part for part in notes.get(REVISION_HISTORY, "").split(",") if part]
            notes[REVISION_HISTORY] = ",".join([*past, notes[REVISION]]) if notes.get(REVISION) else ""
            notes[REVISION] = str(highest + 1)
        self._number(deployment, int(notes[REVISION]))
        if self._was_scaled(deployment, sets):
            return new  # scaling writes the sizes itself, and must still see that they differ
        if notes == annotations_of(new):
            return new
        return self._store.replace(
            REPLICA_SETS, {**new, "metadata": {**new["metadata"], "annotations": notes}}, manager=MANAGER
        )

    def _number(self, deployment: Json, revision: int) -> None:
        fresh = self._store.get(DEPLOYMENTS, namespace_of(deployment), name_of(deployment))
        if revision_of(fresh) != revision:
            notes = {**annotations_of(fresh), REVISION: str(revision)}
            numbered = {**fresh, "metadata": {**fresh["metadata"], "annotations": notes}}
            self._store.replace(DEPLOYMENTS, numbered, subresource="status", manager=MANAGER)

    def _inherited(self, deployment: Json) -> dict[str, str]:
        return {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}

    def _sizes(self, deployment: Json) -> dict[str, str]:
        desired = desired_of(deployment)
        return {DESIRED: str(desired), MOST: str(desired + surge_and_unavailable(deployment)[0])}

    # changing sizes

    def _was_scaled(self, deployment: Json, sets: list[Json]) -> bool:
        active = [each for each in sets if desired_of(each) > 0]
        return any(
            annotations_of(each).get(DESIRED, str(desired_of(deployment))) != str(desired_of(deployment)) for each in active
        )

    def _scale_in_proportion(self, deployment: Json, sets: list[Json], new: Json | None) -> None:
        is_complete = new is not None and count_of(new, "availableReplicas") >= desired_of(deployment) == desired_of(new)
        if is_complete:
            sizes = {name_of(each): 0 for each in sets if each is not new}
        else:
            sizes = proportional_sizes(deployment, sets)
        for each in sets:
            self._resize(deployment, each, sizes.get(name_of(each), desired_of(each)))

    def _roll(self, deployment: Json, sets: list[Json], new: Json) -> None:
        desired = desired_of(deployment)
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(deployment, sets, new)
            return
        size = min(new_set_size(deployment, sets, new), desired)
        if size != desired_of(new):
            self._resize(deployment, new, size)
            return
        for name, size in old_set_sizes(deployment, sets, new).items():
            self._resize(deployment, next(each for each in sets if name_of(each) == name), size)
        self._clean(deployment, sets, new)

    def _recreate(self, deployment: Json, sets: list[Json], new: Json) -> None:
        """The new pods only come when the last old one has gone."""
        if self._are_old_gone(deployment, sets, new):
            self._resize(deployment, new, desired_of(deployment))
        self._clean(deployment, sets, new)

    def _are_old_gone(self, deployment: Json, sets: list[Json], new: Json | None) -> bool:
        old = [each for each in sets if each is not new]
        for each in old:
            self._resize(deployment, each, 0)
        uids = {uid_of(each) for each in old}
        pods = self._store.each(PODS, namespace_of(deployment))
        return not any((owner := controller_of(pod)) and owner["uid"] in uids for pod in pods)

    def _clean(self, deployment: Json, sets: list[Json], new: Json) -> None:
        """Old revisions beyond revisionHistoryLimit go, once the rollout is complete."""
        if count_of(new, "availableReplicas") < desired_of(deployment):
            return
        idle = [each for each in sets if each is not new and desired_of(each) == 0 and count_of(each, "replicas") == 0]
        surplus = len(idle) - int(deployment["spec"].get("revisionHistoryLimit", 10))
        for each in sorted(idle, key=revision_of)[: max(0, surplus)]:
            self._store.remove(REPLICA_SETS, namespace_of(each), name_of(each))

    def _resize(self, deployment: Json, replica_set: Json, size: int) -> None:
        before = desired_of(replica_set)
        notes = {**annotations_of(replica_set), **self._sizes(deployment)}
        if size == before and notes == annotations_of(replica_set):
            return
        meta = {**replica_set["metadata"], "annotations": notes}
        changed = {**replica_set, "metadata": meta, "spec": {**replica_set["spec"], "replicas": size}}
        self._store.replace(REPLICA_SETS, changed, manager=MANAGER)
        if size != before:
            self._say_scaled(deployment, replica_set, before, size)

    def _say_scaled(self, deployment: Json, replica_set: Json, before: int, size: int) -> None:
        way = "up" if size > before else "down"
        text = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {size}"
        self._recorder.tell(deployment, "ScalingReplicaSet", text, source="deployment-controller")

    # reporting

    def _report(self, deployment: Json, sets: list[Json]) -> None:
        deployment = self._store.get(DEPLOYMENTS, namespace_of(deployment), name_of(deployment))
        new = self._newest(deployment, sets)
        status = status_of(deployment, sets, new, self._store.clock.now(), self._store.clock.speed)
        if status != deployment.get("status"):
            self._store.replace(DEPLOYMENTS, {**deployment, "status": status}, subresource="status", manager=MANAGER)
        progressing = next((c for c in status.get("conditions", ()) if c["type"] == "Progressing"), None)
        deadline = deployment["spec"].get("progressDeadlineSeconds")
        if deadline and progressing and progressing["reason"] in ("ReplicaSetUpdated", "NewReplicaSetCreated"):
            self._queue.add_later(namespace_of(deployment), name_of(deployment), deadline + 1)
