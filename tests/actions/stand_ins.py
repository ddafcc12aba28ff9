"""A cluster in memory with the API server's own rules for writing, its leases, a journal, and a way to kill anywhere."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from clients.journal_lines import facts_in, line_of
from domain.errors import ConflictError, NotFoundError
from domain.journal import JournalFact
from domain.operation_ports import ClusterObject, CommandResult, LeaseState

T0 = 1_800_000_000.0
Place = tuple[str, str, str]
"""(kind, namespace, name)."""


class Killed(BaseException):
    """`kill -9`: nobody catches it, and nothing that runs after it reaches anything outside."""


@dataclass(slots=True)
class Points:
    """Every place where a runner can be killed: before and after each effect and each line of the journal. `cut_at` is the
    number of the one where it is; `trouble` is called at each, and may raise what an outside system would."""

    cut_at: int | None = None
    seen: list[str] = field(default_factory=list)
    is_dead: bool = False
    trouble: Callable[[str], None] = lambda _: None

    def pass_by(self, name: str) -> None:
        if self.is_dead:
            raise Killed
        if len(self.seen) == self.cut_at:
            self.is_dead = True
            raise Killed
        self.seen.append(name)
        self.trouble(name)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.pass_by(f"before {name}")
        yield
        self.pass_by(f"after {name}")


class Clock:
    """The server's; `offset` is the time that has passed before this event loop began."""

    def now(self) -> float:
        return T0 + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Journal:
    """In memory, with the lines that the real one has on disk; it can be cut in the middle of one."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.text = b""

    @property
    def facts(self) -> list[JournalFact]:
        return list(facts_in(self.text))

    def write(self, fact: JournalFact) -> None:
        line, name = line_of(fact), f"line {type(fact).__name__}"
        self.points.pass_by(f"before {name}")
        if self.text and not self.text.endswith(b"\n"):
            self.text += b"\n"
        self.text += line[: len(line) // 2]
        self.points.pass_by(f"half {name}")
        self.text += line[len(line) // 2 :]
        self.points.pass_by(f"after {name}")


class Cluster:
    """Implements `ClusterWriter`: uid, generation and resourceVersion as the API server keeps them, JSON patches with
    tests, and the effects that came about, in order."""

    def __init__(self, points: Points, objects: Sequence[Mapping[str, Any]] = ()) -> None:
        self.points = points
        self.objects: dict[Place, dict[str, Any]] = {}
        self.effects: list[str] = []
        self.deny: set[str] = set()
        self.on_change: Callable[[str, dict[str, Any]], None] = lambda verb, body: None
        self._versions = itertools.count(1000)
        for body in objects:
            self.put(body)

    def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """As somebody else would write it: no effect of ours, no point to be killed at."""
        new = copy.deepcopy(dict(body))
        place = _place_of(new)
        old = self.objects.get(place)
        meta = new["metadata"]
        meta["uid"] = old["metadata"]["uid"] if old else meta.get("uid") or f"uid-{next(self._versions)}"
        meta["resourceVersion"] = str(next(self._versions))
        if "spec" in new:
            is_same = old is not None and old["spec"] == new["spec"]
            meta["generation"] = (old["metadata"]["generation"] + (not is_same)) if old else meta.get("generation", 1)
        self.objects[place] = new
        return new

    async def read(self, kind: str, namespace: str, name: str) -> ClusterObject:
        self.points.pass_by(f"read {kind}")
        return ClusterObject(copy.deepcopy(self._found(kind, namespace, name)))

    async def list(self, kind: str, namespace: str, *, label_selector: str = "") -> tuple[ClusterObject, ...]:
        self.points.pass_by(f"list {kind}")
        wanted = dict(pair.split("=") for pair in label_selector.split(",") if pair)
        found = [b for (k, ns, _), b in self.objects.items() if k == kind and namespace in ("", ns)]
        matching = [b for b in found if wanted.items() <= (b["metadata"].get("labels") or {}).items()]
        return tuple(ClusterObject(copy.deepcopy(b)) for b in matching)

    async def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        is_dry_run: bool = False,
    ) -> ClusterObject:
        with self._effect(f"patch {kind}/{name}", is_dry_run):
            new = patched(self._found(kind, namespace, name), operations)
            return self._written("patch", new, is_dry_run)

    async def create(self, body: Mapping[str, Any], *, is_dry_run: bool = False) -> ClusterObject:
        kind, namespace, name = _place_of(body)
        with self._effect(f"create {kind}/{name}", is_dry_run):
            if (kind, namespace, name) in self.objects:
                raise ConflictError(f"{name} exists", "")
            return self._written("create", body, is_dry_run)

    async def replace(self, body: Mapping[str, Any], *, is_dry_run: bool = False) -> ClusterObject:
        kind, namespace, name = _place_of(body)
        with self._effect(f"replace {kind}/{name}", is_dry_run):
            version = self._found(kind, namespace, name)["metadata"]["resourceVersion"]
            if body["metadata"]["resourceVersion"] != version:
                raise ConflictError(f"{name} has been changed", "")
            return self._written("replace", body, is_dry_run)

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str, is_dry_run: bool = False) -> None:
        with self._effect(f"delete {kind}/{name}", is_dry_run):
            body = self.objects.get((kind, namespace, name))
            if body is None:
                return
            if body["metadata"]["uid"] != uid:
                raise ConflictError(f"{name} is another one", "")
            if not is_dry_run:
                del self.objects[kind, namespace, name]
                self.effects.append(f"delete {kind}/{name}")
                self.on_change("delete", body)

    async def is_permitted(
        self, verb: str, resource: str, *, group: str = "", subresource: str = "", namespace: str = "", name: str = ""
    ) -> bool:
        return f"{verb} {resource}" not in self.deny

    def _found(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        body = self.objects.get((kind, namespace, name))
        if body is None:
            raise NotFoundError(f"{kind} {name} was not found", "")
        return body

    @contextmanager
    def _effect(self, name: str, is_dry_run: bool) -> Iterator[None]:
        """A read-only pass for a dry run; a point on each side of an effect, and where it was refused only before it."""
        self.points.pass_by(f"before {name}")
        yield
        self.points.pass_by(f"after {name}")

    def _written(self, verb: str, body: Mapping[str, Any], is_dry_run: bool) -> ClusterObject:
        if is_dry_run:
            return ClusterObject(copy.deepcopy(dict(body)))
        new = self.put(body)
        self.effects.append(f"{verb} {new['kind']}/{new['metadata']['name']}")
        self.on_change(verb, new)
        return ClusterObject(copy.deepcopy(new))


class LeaseShelf:
    """The leases of a cluster, as all processes see them."""

    def __init__(self) -> None:
        self.leases: dict[tuple[str, str], LeaseState] = {}
        self.effects: list[str] = []
        self._versions = itertools.count(1)

    def put(self, namespace: str, lease: LeaseState) -> LeaseState:
        version = str(next(self._versions))
        kept = LeaseState(
            lease.name,
            lease.holder,
            lease.duration_s,
            version,
            lease.transitions,
            lease.uid or f"lease-{version}",
            version,
            dict(lease.annotations),
        )
        self.leases[namespace, lease.name] = kept
        return kept


class Leases:
    """Implements `Leases` for one process: it remembers since when it has seen each unchanged, by the loop's time."""

    def __init__(self, shelf: LeaseShelf, points: Points) -> None:
        self._shelf = shelf
        self._points = points
        self._seen: dict[str, tuple[str, float]] = {}

    async def read(self, namespace: str, name: str) -> LeaseState | None:
        self._points.pass_by("read Lease")
        return self._shelf.leases.get((namespace, name))

    async def acquire(
        self, namespace: str, name: str, holder: str, duration_s: int, annotations: Mapping[str, str]
    ) -> LeaseState:
        with self._points.around("acquire"):
            found = self._shelf.leases.get((namespace, name))
            if found is not None and found.is_held and found.holder != holder:
                now = asyncio.get_running_loop().time()
                version, since = self._seen.setdefault(name, (found.resource_version, now))
                if version != found.resource_version:
                    version, since = self._seen[name] = (found.resource_version, now)
                if now - since < found.duration_s:
                    raise ConflictError(f"{found.holder} holds it", "")
            transitions = found.transitions + (found.holder != holder) if found else 0
            if found is None or found.holder != holder:
                self._shelf.effects.append(f"acquire {name}")
            uid = found.uid if found else ""
            return self._shelf.put(namespace, LeaseState(name, holder, duration_s, "", transitions, uid, "", annotations))

    async def renew(self, lease: LeaseState, namespace: str) -> LeaseState:
        with self._points.around("renew"):
            self._ours(lease, namespace)
            return self._shelf.put(namespace, lease)

    async def release(self, lease: LeaseState, namespace: str) -> None:
        with self._points.around("release"):
            self._ours(lease, namespace)
            self._shelf.effects.append(f"release {lease.name}")
            self._shelf.put(namespace, LeaseState(lease.name, "", 1, "", lease.transitions, lease.uid, "", {}))

    def _ours(self, lease: LeaseState, namespace: str) -> None:
        found = self._shelf.leases.get((namespace, lease.name))
        if found is None or found.resource_version != lease.resource_version:
            raise ConflictError("the lease has been changed", "")


class Commands:
    """Answers with `result`, and remembers what was run."""

    def __init__(self, points: Points, result: CommandResult | None = None) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.result = result or CommandResult(0, ("all well",), 2.0)
        self._points = points

    async def run(self, argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        with self._points.around("command"):
            self.ran.append(tuple(argv))
            await asyncio.sleep(self.result.took_s)
            return self.result


def patched(body: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """RFC 6902's test, add, replace and remove. ConflictError where a test fails or a path leads nowhere."""
    new = copy.deepcopy(dict(body))
    for operation in operations:
        *parts, last = [p.replace("~1", "/").replace("~0", "~") for p in operation["path"].split("/")[1:]]
        at: Any = new
        try:
            for part in parts:
                at = at[int(part)] if isinstance(at, list) else at[part]
            key: Any = int(last) if isinstance(at, list) else last
            if operation["op"] == "test":
                if at[key] != operation["value"]:
                    raise ConflictError(f"{operation['path']} is {at[key]!r}", "")
            elif operation["op"] == "remove":
                del at[key]
            else:
                if operation["op"] == "replace":
                    at[key]
                at[key] = copy.deepcopy(operation["value"])
        except (KeyError, IndexError, TypeError) as error:
            raise ConflictError(f"{operation['path']} is not there", "") from error
    return new


def _place_of(body: Mapping[str, Any]) -> Place:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]
