"""The garbage collector: what an owner leaves behind goes with it, and a namespace takes everything in it along."""

from __future__ import annotations

from practice.kinds import CONTROLLER_REVISIONS, KINDS, NAMESPACES, PODS, REPLICA_SETS, Kind
from practice.objects import name_of, namespace_of, uid_of
from practice.store import Change, Store

OWNED = (REPLICA_SETS, PODS, CONTROLLER_REVISIONS)


class GarbageCollector:
    def __init__(self, store: Store) -> None:
        self._store = store
        store.listen(self._noticed)

    def _noticed(self, kind: Kind, change: Change) -> None:
        if change.type != "DELETED":
            return
        gone = change.object
        if kind is NAMESPACES:
            self._store.clock.call_in(0.1, lambda: self._empty(name_of(gone)))
        elif kind.group in ("apps", "batch"):
            self._store.clock.call_in(0.1, lambda: self._follow(namespace_of(gone), uid_of(gone)))

    def _follow(self, namespace: str, uid: str) -> None:
        for kind in OWNED:
            for obj in self._store.each(kind, namespace):
                if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or ()):
                    self._store.remove(kind, namespace, name_of(obj))

    def _empty(self, namespace: str) -> None:
        for kind in KINDS:
            if kind.is_namespaced and not kind.storage:
                for obj in self._store.each(kind, namespace):
                    self._store.remove(kind, namespace, name_of(obj))
