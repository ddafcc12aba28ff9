"""What carrying out an operation asks of the outside world; `clients` implements these, `app` hands them over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.fleet import Fleet
from domain.journal import JournalFact
from domain.operations import Json


@dataclass(frozen=True, slots=True)
class ClusterObject:
    """An object as the API server has it, whole. `body` is not sanitised: it goes back, it is never shown."""

    body: Mapping[str, Json]

    @property
    def uid(self) -> str:
        return str(self.body["metadata"]["uid"])

    @property
    def generation(self) -> int:
        return int(self.body["metadata"].get("generation", 0))

    @property
    def resource_version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.body["metadata"].get("annotations") or {}


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A Lease as read. `seen_unchanged_s` is how long this process has seen it unchanged, by its own monotonic clock."""

    name: str
    holder: str
    duration_s: int
    renew_time: str
    transitions: int
    uid: str
    resource_version: str
    annotations: Mapping[str, str]
    seen_unchanged_s: float = 0.0
    acquire_time: str = ""

    @property
    def is_held(self) -> bool:
        return bool(self.holder)


class ClusterWriter(Protocol):
    """Every write carries a precondition. ConflictError: it did not hold, and nothing was changed. UnreachableError
    after the request had been sent: nobody knows; the step's check reads back. Never retried in here."""

    async def read(self, kind: str, namespace: str, name: str) -> ClusterObject:
        """NotFoundError where there is none. `kind` as "Deployment", "ReplicaSet", "ControllerRevision", "ConfigMap" …"""
        ...

    async def list(self, kind: str, namespace: str, *, label_selector: str = "") -> tuple[ClusterObject, ...]: ...

    async def patch(
        self, kind: str, namespace: str, name: str, operations: Sequence[Mapping[str, Json]], *, is_dry_run: bool = False
    ) -> ClusterObject:
        """JSON patch (RFC 6902); begin it with `test`s on /metadata/uid and /metadata/generation. A failed test is
        ConflictError."""
        ...

    async def create(self, body: Mapping[str, Json], *, is_dry_run: bool = False) -> ClusterObject:
        """ConflictError where one of that name exists."""
        ...

    async def replace(self, body: Mapping[str, Json], *, is_dry_run: bool = False) -> ClusterObject:
        """PUT with the body's own metadata.resourceVersion; ConflictError where it is no longer that one."""
        ...

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str, is_dry_run: bool = False) -> None:
        """With a uid precondition; gone already is fine."""
        ...

    async def is_permitted(
        self, verb: str, resource: str, *, group: str = "", subresource: str = "", namespace: str = "", name: str = ""
    ) -> bool: ...


class Leases(Protocol):
    """`coordination.k8s.io` Leases, by the server's changes and never by this host's clock."""

    async def read(self, namespace: str, name: str) -> LeaseState | None: ...

    async def acquire(
        self, namespace: str, name: str, holder: str, duration_s: int, annotations: Mapping[str, str]
    ) -> LeaseState:
        """Free, ours, or expired (seen unchanged for its duration). ConflictError: somebody holds it."""
        ...

    async def renew(self, lease: LeaseState, namespace: str) -> LeaseState:
        """ConflictError: it is not ours any more."""
        ...

    async def release(self, lease: LeaseState, namespace: str) -> None: ...


class FleetWatcher(Protocol):
    def watch(self) -> AsyncIterator[Fleet]:
        """Snapshots as the watch screen gets them, from live streams, with verdicts."""
        ...


class JournalWriter(Protocol):
    def write(self, fact: JournalFact) -> None:
        """One line, on disk when this returns. JournalError where it cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class CommandResult:
    exit_code: int | None
    """None: it was ended for taking too long."""
    output: tuple[str, ...]
    """The last lines, sanitised."""
    took_s: float


class Commands(Protocol):
    async def run(self, argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None) -> CommandResult:
        """On this host, without a terminal, in a session of its own."""
        ...


class Registry(Protocol):
    async def digest_of(self, reference: str) -> str | None:
        """ "sha256:…" of an image reference; None: the registry says there is no such image. OutsideError: not known."""
        ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, by the API server's clock."""
        ...

    async def sleep(self, seconds: float) -> None: ...
