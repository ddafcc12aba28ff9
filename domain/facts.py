"""What can happen to a fleet, in the past tense: the only things that `fold` takes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.fleet import RevisionRecord
from domain.health import HealthAnswer
from domain.metrics import Series
from domain.scope import Scope
from domain.streams import Source, StreamPhase
from domain.workloads import WorkloadKey


class Identified(Protocol):
    """Whatever a cluster stream carries: told apart by `uid`, newer replaces older."""

    @property
    def uid(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Some objects of a source, as one page. `is_first` begins a new list, `is_last` ends it: only then is what was
    not in the list known to be gone. A quick first page shown ahead of the real list is neither."""

    source: Source
    values: tuple[Identified, ...]
    is_first: bool
    is_last: bool
    expected: int | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Added or changed."""

    source: Source
    value: Identified


@dataclass(frozen=True, slots=True)
class Gone:
    source: Source
    uid: str


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """A stream came up, was lost, was refused, or gave a sign of life (`LIVE` again)."""

    source: Source
    phase: StreamPhase
    at: float
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class HealthAnswered:
    workload: WorkloadKey
    answers: tuple[HealthAnswer, ...]
    at: float


@dataclass(frozen=True, slots=True)
class MetricsRead:
    workload: WorkloadKey
    series: tuple[Series, ...]
    at: float


@dataclass(frozen=True, slots=True)
class LogLinesRead:
    """The last lines of a failing container, fetched for the verdict's cause. `lines` are sanitised."""

    pod_uid: str
    container: str
    is_previous: bool
    lines: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """What earlier runs learned of the versions of a workload."""

    records: Mapping[tuple[WorkloadKey, str], RevisionRecord]


@dataclass(frozen=True, slots=True)
class ScopeLearned:
    """Who we are has become known, or the scope was changed."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Ticked:
    """The clock, about once a second. Seconds since the epoch, corrected by the server's Date header."""

    now: float


Fact = (
    Listed | Seen | Gone | StreamChanged | HealthAnswered | MetricsRead | LogLinesRead | RecordsRead | ScopeLearned | Ticked
)
