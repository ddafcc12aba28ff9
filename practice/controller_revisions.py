"""The history of stateful sets and daemon sets: one ControllerRevision for every template they have had."""

from __future__ import annotations

import json

from practice.kinds import CONTROLLER_REVISIONS
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
from practice.store import Store

MANAGER = "kube-controller-manager"
HASH_LABEL = "controller-revision-hash"


def revisions_of(store: Store, owner: Json) -> list[Json]:
    """Oldest first."""
    found = store.each(CONTROLLER_REVISIONS, namespace_of(owner))
    mine = [each for each in found if (ref := controller_of(each)) and ref["uid"] == uid_of(owner)]
    return sorted(mine, key=lambda each: int(each["revision"]))


def current_revision(store: Store, owner: Json, label: str) -> Json:
    """The revision of the owner's template: made when it is new, numbered anew when it comes back."""
    template = {**copied(owner["spec"]["template"]), "$patch": "replace"}
    data = {"spec": {"template": template}}
    past = revisions_of(store, owner)
    same = next((each for each in past if each["data"] == data), None)
    if same is not None:
        if same is past[-1]:
            return same
        return store.replace(CONTROLLER_REVISIONS, {**same, "revision": int(past[-1]["revision"]) + 1}, manager=MANAGER)
    hash_ = short_hash(json.dumps(data, sort_keys=True))
    labels = {**(owner["spec"]["template"]["metadata"].get("labels") or {}), label: hash_}
    meta = {"name": f"{name_of(owner)}-{hash_}", "namespace": namespace_of(owner), "labels": labels}
    meta |= {"annotations": dict(annotations_of(owner)), "ownerReferences": owned_by(owner)}
    number = int(past[-1]["revision"]) + 1 if past else 1
    return store.create(CONTROLLER_REVISIONS, {"metadata": meta, "data": data, "revision": number}, manager=MANAGER)


def forget_oldest(store: Store, owner: Json, in_use: set[str]) -> None:
    """Keeps `revisionHistoryLimit` of those that no pod has."""
    idle = [each for each in revisions_of(store, owner) if name_of(each) not in in_use]
    surplus = len(idle) - int(owner["spec"].get("revisionHistoryLimit", 10))
    for each in idle[: max(0, surplus)]:
        store.remove(CONTROLLER_REVISIONS, namespace_of(each), name_of(each))


def template_of(revision: Json) -> Json:
    """The pod template that a revision keeps."""
    template: Json = copied(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template
