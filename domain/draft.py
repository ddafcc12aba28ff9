"""A fleet being changed by one batch of facts: what is touched is copied once, what is not stays the same object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from domain.fleet import EMPTY, Fleet
from domain.occurrences import Occurrence
from domain.pods import Pod
from domain.streams import Source, StreamState
from domain.workloads import Revision, Workload, WorkloadKey

K = TypeVar("K")
V = TypeVar("V")


class CopyOnWrite(Generic[K, V]):
    """A mapping that is copied when first written to; `now` is what holds at the moment."""

    __slots__ = ("_own", "now")

    def __init__(self, original: Mapping[K, V]) -> None:
        self.now = original
        self._own: dict[K, V] | None = None

    @property
    def is_changed(self) -> bool:
        return self._own is not None

    def own(self) -> dict[K, V]:
        if self._own is None:
            self._own = dict(self.now)
            self.now = self._own
        return self._own

    def set_all(self, content: dict[K, V]) -> None:
        self._own = content
        self.now = content

    def get(self, key: K) -> V | None:
        return self.now.get(key)

    def drop(self, key: K) -> V | None:
        return self.own().pop(key) if key in self.now else None


class CopyOnWriteIndex(Generic[V]):
    """Owner uid -> values by uid. Each inner mapping, too, is copied once per batch."""

    __slots__ = ("_fresh", "outer")

    def __init__(self, original: Mapping[str, Mapping[str, V]]) -> None:
        self.outer: CopyOnWrite[str, Mapping[str, V]] = CopyOnWrite(original)
        self._fresh: dict[str, dict[str, V]] = {}

    def _inner(self, owner: str) -> dict[str, V]:
        inner = self._fresh.get(owner)
        if inner is None:
            inner = dict(self.outer.now.get(owner, EMPTY))
            self._fresh[owner] = inner
            self.outer.own()[owner] = inner
        return inner

    def put(self, owner: str, uid: str, value: V) -> None:
        if owner:
            self._inner(owner)[uid] = value

    def drop(self, owner: str, uid: str) -> None:
        if uid not in self.outer.now.get(owner, EMPTY):
            return
        inner = self._inner(owner)
        del inner[uid]
        if not inner:
            del self._fresh[owner]
            del self.outer.own()[owner]

    def of(self, owner: str) -> Mapping[str, V]:
        return self.outer.now.get(owner, EMPTY)


_MAPPINGS = (
    "workloads", "revisions", "pods", "occurrences", "usage", "rollouts", "health", "metrics", "log_tails", "streams",
    "sightings", "seen_rollouts", "records", "listing", "wakes", "gone",
)  # fmt: skip
_INDEXES = ("pods_by_owner", "revisions_by_owner", "occurrences_by_about")


class Draft:
    """`touched` are the uids of workloads to be judged anew; `dropped_pods` those whose memory may go."""

    def __init__(self, fleet: Fleet) -> None:
        self._start(fleet)

    def _start(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.scope = fleet.scope
        self.now = fleet.now
        self.workloads = CopyOnWrite(fleet.workloads)
        self.revisions = CopyOnWrite(fleet.revisions)
        self.pods = CopyOnWrite(fleet.pods)
        self.occurrences = CopyOnWrite(fleet.occurrences)
        self.usage = CopyOnWrite(fleet.usage)
        self.rollouts = CopyOnWrite(fleet.rollouts)
        self.health = CopyOnWrite(fleet.health)
        self.metrics = CopyOnWrite(fleet.metrics)
        self.log_tails = CopyOnWrite(fleet.log_tails)
        self.streams = CopyOnWrite(fleet.streams)
        self.sightings = CopyOnWrite(fleet.sightings)
        self.seen_rollouts = CopyOnWrite(fleet.seen_rollouts)
        self.records = CopyOnWrite(fleet.records)
        self.listing: CopyOnWrite[Source, frozenset[str]] = CopyOnWrite(fleet.listing)
        self.listed_now: dict[Source, set[str]] = {}
        self.wakes = CopyOnWrite(fleet.wakes)
        self.gone = CopyOnWrite(fleet.gone)
        self.pods_by_owner: CopyOnWriteIndex[Pod] = CopyOnWriteIndex(fleet.pods_by_owner)
        self.revisions_by_owner: CopyOnWriteIndex[Revision] = CopyOnWriteIndex(fleet.revisions_by_owner)
        self.occurrences_by_about: CopyOnWriteIndex[Occurrence] = CopyOnWriteIndex(fleet.occurrences_by_about)
        self.touched: set[str] = set()
        self.dropped_pods: set[str] = set()
        self.dropped_workloads: dict[str, WorkloadKey] = {}

    def restart(self, **kept: Any) -> None:
        """Forget everything but the rules and the fields given: another cluster or namespace is looked at."""
        self._start(Fleet(scope=self.scope, rules=self.fleet.rules, now=self.now, **kept))

    def stream(self, source: Source) -> StreamState:
        return self.streams.get(source) or StreamState(source)

    def touch(self, owner_uid: str) -> None:
        """Judge anew the workload with this uid, or the one that owns the revision with this uid."""
        if owner_uid in self.workloads.now:
            self.touched.add(owner_uid)
            return
        revision = self.revisions.now.get(owner_uid)
        if revision is not None and revision.owner_uid in self.workloads.now:
            self.touched.add(revision.owner_uid)

    def put_pod(self, pod: Pod, old: Pod | None) -> None:
        self.pods.own()[pod.uid] = pod
        if old is not None and old.owner_uid != pod.owner_uid:
            self.pods_by_owner.drop(old.owner_uid, pod.uid)
            self.touch(old.owner_uid)
        self.pods_by_owner.put(pod.owner_uid, pod.uid, pod)
        self.touch(pod.owner_uid)

    def drop_pod(self, uid: str) -> None:
        pod = self.pods.drop(uid)
        if pod is not None:
            self.pods_by_owner.drop(pod.owner_uid, uid)
            self.dropped_pods.add(uid)
            self.touch(pod.owner_uid)

    def put_revision(self, revision: Revision, old: Revision | None) -> None:
        if old is not None and old.owner_uid != revision.owner_uid:
            self.revisions_by_owner.drop(old.owner_uid, old.uid)
            self.touch(old.owner_uid)
        self.revisions.own()[revision.uid] = revision
        self.revisions_by_owner.put(revision.owner_uid, revision.uid, revision)
        self.touch(revision.owner_uid)

    def drop_revision(self, uid: str) -> None:
        revision = self.revisions.drop(uid)
        if revision is not None:
            self.revisions_by_owner.drop(revision.owner_uid, uid)
            self.touch(revision.owner_uid)

    def put_workload(self, workload: Workload, old: Workload | None) -> None:
        if old is None:
            shown = self.rollouts.get(workload.key)
            # Deleted and made again: there is only one of a name, whether or not we were told of the deletion.
            if shown is not None and shown.workload.uid in self.workloads.now:
                if shown.workload.created_at > workload.created_at:
                    return
                self.drop_workload(shown.workload.uid)
        self.workloads.own()[workload.uid] = workload
        self.touched.add(workload.uid)

    def drop_workload(self, uid: str) -> None:
        workload = self.workloads.drop(uid)
        if workload is not None:
            self.dropped_workloads[uid] = workload.key
            self.touched.discard(uid)

    def put_occurrence(self, occurrence: Occurrence) -> None:
        self.occurrences.own()[occurrence.uid] = occurrence
        self.occurrences_by_about.put(occurrence.about_uid, occurrence.uid, occurrence)

    def drop_occurrence(self, uid: str) -> None:
        occurrence = self.occurrences.drop(uid)
        if occurrence is not None:
            self.occurrences_by_about.drop(occurrence.about_uid, uid)

    def finish(self) -> Fleet:
        """The fleet as it is now; the very same object when nothing has changed."""
        for source, uids in self.listed_now.items():
            self.listing.own()[source] = frozenset(uids)
        changes: dict[str, Any] = {name: getattr(self, name).now for name in _MAPPINGS if getattr(self, name).is_changed}
        for name in _INDEXES:
            index = getattr(self, name)
            if index.outer.is_changed:
                changes[name] = index.outer.now
        if self.now != self.fleet.now:
            changes["now"] = self.now
        if self.scope is not self.fleet.scope:
            changes["scope"] = self.scope
        return replace(self.fleet, **changes) if changes else self.fleet
