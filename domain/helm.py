"""Releases of Helm and the revisions they have had; which one to go back to, and when one is stuck half way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.workloads import WorkloadKey, WorkloadKind

ALIVE_FOR_S = 600.0
"""Somebody's helm may still be at work on what became pending less long ago: its own time limit is five minutes for each
thing it waits for (`helm upgrade --help`), hooks among them."""
_ROLLED_BACK_TO = re.compile(r"Rollback to (\d{1,9})\b")
"""Helm's own description of a rollback (pkg/action/rollback.go), which is where its third version says what it was."""


class ReleaseStatus(StrEnum):
    """Helm's words (pkg/release/status.go)."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    """Was deployed once: what failed stays failed."""
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"

    @classmethod
    def of(cls, text: str) -> ReleaseStatus:
        return cls(text) if text in set(cls) else cls.UNKNOWN

    @property
    def is_pending(self) -> bool:
        return self in (self.PENDING_INSTALL, self.PENDING_UPGRADE, self.PENDING_ROLLBACK)


@dataclass(frozen=True, slots=True)
class ReleaseRevision:
    """What is "" or None was not read, or is not said. Text has been sanitised."""

    number: int
    status: ReleaseStatus
    changed_at: float | None = None
    """When its status was written last, seconds since the epoch."""
    chart: str = ""
    """ "shop-1.4.0"."""
    app_version: str = ""
    description: str = ""
    goes_back_to: int = 0
    """The revision that it is a rollback to; 0 for none."""

    @property
    def words(self) -> str:
        """ "revision 5 (shop-1.4.0, app v1.8.2)"."""
        inside = ", ".join(p for p in (self.chart, self.app_version and f"app {self.app_version}") if p)
        return f"revision {self.number}" + (f" ({inside})" if inside else "")


def rolled_back_to(description: str) -> int:
    match = _ROLLED_BACK_TO.match(description)
    return int(match[1]) if match else 0


@dataclass(frozen=True, slots=True)
class Release:
    """`revisions` are the newest first, and never none."""

    namespace: str
    name: str
    revisions: tuple[ReleaseRevision, ...]

    @property
    def newest(self) -> ReleaseRevision:
        return self.revisions[0]

    @property
    def deployed(self) -> ReleaseRevision | None:
        return next((r for r in self.revisions if r.status is ReleaseStatus.DEPLOYED), None)

    def revision(self, number: int) -> ReleaseRevision | None:
        return next((r for r in self.revisions if r.number == number), None)

    def pending_for_s(self, now: float) -> float | None:
        """How long the newest revision has been pending; None where it is not. 0 where nothing says since when."""
        if not self.newest.status.is_pending:
            return None
        return max(0.0, now - self.newest.changed_at) if self.newest.changed_at is not None else 0.0

    def target(self) -> ReleaseRevision | None:
        """Where a rollback goes unless it is told: on with a rollback that failed or got stuck; to what is deployed under
        an upgrade that did; else to the newest one that was deployed once and that nobody has rolled back from."""
        if self.newest.status is not ReleaseStatus.DEPLOYED:
            begun = self.revision(self.newest.goes_back_to)
            if begun is not None or self.deployed is not None:
                return begun or self.deployed
        left, origin = self._left(), self._origin(self.newest)
        was_good = [r for r in self.revisions[1:] if r.status is ReleaseStatus.SUPERSEDED]
        return next((r for r in was_good if self._origin(r) not in {*left, origin}), None)

    def _left(self) -> set[int]:
        """What was rolled back from: to go back there is to have the trouble again."""
        back = [r for r in self.revisions if r.goes_back_to and r.status is not ReleaseStatus.FAILED]
        own = [r.number for r in self.revisions if not r.goes_back_to]
        return {number for b in back for number in own if b.goes_back_to < number < b.number}

    def _origin(self, revision: ReleaseRevision) -> int:
        """The number of the revision whose content this one has."""
        seen = {revision.number}
        number = revision.number
        while (found := self.revision(number)) is not None and found.goes_back_to and found.goes_back_to not in seen:
            number = found.goes_back_to
            seen.add(number)
        return number


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """One object of a rendered chart. `body` may hold secrets: it is compared, never shown whole."""

    kind: str
    namespace: str
    name: str
    body: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """What one revision deploys. `values` are those that its user gave, and may hold secrets like everything in here."""

    namespace: str
    revision: ReleaseRevision
    values: Mapping[str, Any] = field(repr=False)
    objects: tuple[ManifestObject, ...] = field(repr=False)
    rollback_hooks: tuple[str, ...] = ()
    """What is run before or after a rollback to it: "Job/migrate"."""

    @property
    def workloads(self) -> tuple[WorkloadKey, ...]:
        """Those whose rollout can be followed, in the release's own namespace."""
        return tuple(
            WorkloadKey(o.namespace, WorkloadKind(o.kind), o.name)
            for o in self.objects
            if o.kind in set(WorkloadKind) and o.namespace == self.namespace
        )


@dataclass(frozen=True, slots=True)
class HelmVersion:
    major: int
    text: str
    """ "v3.22.0"."""
