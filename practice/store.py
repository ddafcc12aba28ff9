"""What the practice cluster remembers: objects, one version counter for all of them, and what changed lately."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from practice.answers import ApiError, already_exists, conflict, expired, not_found
from practice.clock import Clock
from practice.kinds import DEPLOYMENTS, Kind
from practice.managed_fields import with_manager
from practice.objects import Json, Names, annotations_of, copied, name_of, namespace_of, rfc3339

HISTORY = 4000
"""Changes remembered for each kind; a watch from before them is answered 410."""
_MOST_BEHIND = 20_000
"""Changes a watcher may be behind before it is cut off, as the real watch cache does."""
_GRACE_S = 30


@dataclass(frozen=True, slots=True)
class Change:
    """`type` is ADDED, MODIFIED or DELETED. `lines` keeps the encoded forms, made once for all watchers."""

    revision: int
    type: str
    object: Json
    before: Json | None
    lines: dict[str, bytes] = field(default_factory=dict, compare=False)


class Watcher:
    """The changes of one kind that one watch has not sent yet."""

    def __init__(self) -> None:
        self._pending: deque[Change] = deque()
        self._wake = asyncio.Event()
        self.is_cut = False

    def take(self, change: Change) -> None:
        if len(self._pending) >= _MOST_BEHIND:
            self.is_cut = True
        else:
            self._pending.append(change)
        self._wake.set()

    def cut(self) -> None:
        self.is_cut = True
        self._wake.set()

    async def next_changes(self, timeout_s: float) -> list[Change]:
        """All that is pending; empty when nothing came in time or the watcher was cut."""
        if not self._pending and not self.is_cut:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout_s)
        found = list(self._pending)
        self._pending.clear()
        return found


@dataclass(slots=True)
class _Shelf:
    places: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Namespace ("" for what has none) -> name -> object."""
    history: deque[Change] = field(default_factory=lambda: deque(maxlen=HISTORY))
    watchers: set[Watcher] = field(default_factory=set)
    forgotten: int = 0
    """The newest version that the history no longer knows."""


Listener = Callable[[Kind, Change], None]


class Store:
    """Objects handed out are never changed in place: copy (`objects.copied`), edit, `replace`."""

    def __init__(self, clock: Clock, names: Names) -> None:
        self.clock = clock
        self.names = names
        self.revision = 1000
        self._shelves: dict[str, _Shelf] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """`listener` is called after every change, at once."""
        self._listeners.append(listener)

    # reading

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        return self._shelf(kind).places.get(namespace, {}).get(name)

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        found = self.find(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def each(self, kind: Kind, namespace: str = "") -> Iterator[Json]:
        """In no order; `namespace` "" is all of them. Safe against changes on the way."""
        places = self._shelf(kind).places
        for place in [namespace] if namespace else list(places):
            yield from list(places.get(place, {}).values())

    def listed(self, kind: Kind, namespace: str = "") -> list[Json]:
        """In the order of namespace and name, as etcd keeps them."""
        places = self._shelf(kind).places
        wanted = [namespace] if namespace else sorted(places)
        return [obj for place in wanted for _, obj in sorted(places.get(place, {}).items())]

    # watching

    def watch(self, kind: Kind, since: int | None) -> tuple[Watcher, list[Change]]:
        """A watcher for what is to come, and what has changed since version `since` (None: nothing). 410 when too old."""
        shelf = self._shelf(kind)
        if since is not None and since < shelf.forgotten:
            raise expired(f"too old resource version: {since} ({self.revision})")
        past = [] if since is None else [change for change in shelf.history if change.revision > since]
        watcher = Watcher()
        shelf.watchers.add(watcher)
        return watcher, past

    def unwatch(self, kind: Kind, watcher: Watcher) -> None:
        self._shelf(kind).watchers.discard(watcher)

    def cut_watches(self) -> None:
        """Ends every watch, as an API server that restarts does."""
        for shelf in self._shelves.values():
            for watcher in shelf.watchers:
                watcher.cut()

    def forget_history(self) -> None:
        """Compaction: every version but the present one is too old from now on."""
        for shelf in self._shelves.values():
            shelf.history.clear()
            shelf.forgotten = self.revision

    # writing

    def create(self, kind: Kind, obj: Json, *, manager: str = "", is_dry_run: bool = False) -> Json:
        obj = copied(obj)
        meta = obj["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self.names.suffix()
        if self.find(kind, namespace_of(obj), name_of(obj)) is not None:
            raise already_exists(kind, name_of(obj))
        obj["apiVersion"], obj["kind"] = kind.api_version, kind.name
        meta |= {"uid": self.names.uid(), "creationTimestamp": rfc3339(self.clock.now())}
        if kind.has_spec:
            meta["generation"] = 1
        if kind.has_status:
            obj.setdefault("status", {})
        obj = with_manager(None, obj, manager, "", self.clock.now())
        return obj if is_dry_run else self._commit(kind, "ADDED", obj, None)

    def replace(self, kind: Kind, obj: Json, *, subresource: str = "", manager: str = "", is_dry_run: bool = False) -> Json:
        """Stores `obj` over the one of its name: 409 when `obj` carries another version than the stored one. `status` is
        taken only through the subresource of that name, everything else only without it. As in the real server, a
        deployment's annotations count as its spec, unless they come with the status: so its controller numbers it."""
        before = self.get(kind, namespace_of(obj), name_of(obj))
        meta, before_meta = obj["metadata"], before["metadata"]
        self._check_version(kind, before, meta)
        if subresource == "status":
            after = {**before, "status": obj.get("status") or {}}
            if kind is DEPLOYMENTS and "annotations" in meta:
                before_meta = {**before_meta, "annotations": meta["annotations"]}
        else:
            after = dict(obj)
            if kind.has_status:
                after.pop("status", None)
                if "status" in before:
                    after["status"] = before["status"]
        kept = {key: before["metadata"][key] for key in ("uid", "creationTimestamp") if key in before["metadata"]}
        base = before_meta if subresource == "status" else meta
        after["metadata"] = {**base, **kept, "resourceVersion": before["metadata"]["resourceVersion"]}
        after["apiVersion"], after["kind"] = kind.api_version, kind.name
        if kind.has_spec:
            changed = after.get("spec") != before.get("spec")
            if kind is DEPLOYMENTS and subresource != "status":
                changed = changed or annotations_of(after) != annotations_of(before)
            after["metadata"]["generation"] = before["metadata"].get("generation", 1) + changed
        if after == before:
            return before
        after = with_manager(before, after, manager, subresource, self.clock.now())
        return after if is_dry_run else self._commit(kind, "MODIFIED", after, before)

    def remove(self, kind: Kind, namespace: str, name: str, *, grace_s: int | None = None) -> Json:
        """Pods that run are only marked: the kubelet removes them (`grace_s` 0 removes at once). Returns what is left."""
        before = self.get(kind, namespace, name)
        runs = kind.resource == "pods" and before.get("spec", {}).get("nodeName")
        if runs and grace_s != 0:
            if before["metadata"].get("deletionTimestamp"):
                return before
            seconds = grace_s if grace_s is not None else before["spec"].get("terminationGracePeriodSeconds", _GRACE_S)
            stamps = {
                "deletionTimestamp": rfc3339(self.clock.now() + seconds),
                "deletionGracePeriodSeconds": seconds,
            }
            return self._commit(kind, "MODIFIED", {**before, "metadata": {**before["metadata"], **stamps}}, before)
        return self._commit(kind, "DELETED", dict(before), before)

    def _check_version(self, kind: Kind, before: Json, meta: Json) -> None:
        wanted = meta.get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise conflict(kind, name_of(before))
        uid = meta.get("uid")
        if uid and uid != before["metadata"]["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before['metadata']['uid']}"
            raise conflict(kind, name_of(before), why)

    def _commit(self, kind: Kind, type_: str, obj: Json, before: Json | None) -> Json:
        self.revision += 1
        obj["metadata"] = {**obj["metadata"], "resourceVersion": str(self.revision)}
        shelf = self._shelf(kind)
        place = shelf.places.setdefault(namespace_of(obj), {})
        if type_ == "DELETED":
            del place[name_of(obj)]
        else:
            place[name_of(obj)] = obj
        change = Change(self.revision, type_, obj, before)
        if len(shelf.history) == HISTORY:
            shelf.forgotten = shelf.history[0].revision
        shelf.history.append(change)
        for watcher in shelf.watchers:
            watcher.take(change)
        for listener in self._listeners:
            listener(kind, change)
        return obj

    def put_quietly(self, kind: Kind, obj: Json) -> None:
        """Lays an object down as if it had always been there: no history, nobody is told. For filling the store."""
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        obj["apiVersion"], obj["kind"] = kind.api_version, kind.name
        shelf = self._shelf(kind)
        shelf.places.setdefault(namespace_of(obj), {})[name_of(obj)] = obj
        shelf.forgotten = self.revision

    def _shelf(self, kind: Kind) -> _Shelf:
        shelf = self._shelves.get(kind.shelf)
        if shelf is None:
            shelf = self._shelves[kind.shelf] = _Shelf()
        return shelf


def retried(change: Callable[[], object]) -> None:
    """Does `change` again when somebody was first, as controllers do."""
    for _ in range(3):
        try:
            change()
        except ApiError as error:
            if error.code != 409:
                raise
        else:
            return
