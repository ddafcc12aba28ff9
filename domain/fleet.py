"""The one immutable snapshot that everything is drawn from. Values that did not change keep their identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from domain.health import HealthAnswer
from domain.metrics import Series
from domain.occurrences import Occurrence
from domain.pods import Pod, PodUsage
from domain.rollouts import Rollout
from domain.scope import Scope
from domain.streams import Source, StreamPhase, StreamState
from domain.verdict import Degree, VerdictRules
from domain.workloads import Revision, Workload, WorkloadKey

EMPTY: Mapping[Any, Any] = MappingProxyType({})
_POLLED = frozenset({Source.METRICS, Source.HEALTH})


@dataclass(frozen=True, slots=True)
class LogTail:
    pod_uid: str
    container: str
    is_previous: bool
    lines: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """When a trouble was first and last seen on a pod's container: the memory that "two observations" needs."""

    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class SeenRollout:
    """What is remembered of a workload between snapshots, because the cluster does not say it."""

    template_hash: str
    began_at: float | None
    """When this hash was first seen to be new, or the cluster's own time for it."""
    progress_at: float
    """When a count last moved."""
    progress: tuple[int, ...]
    complete_since_at: float | None
    """Since when every pod has been updated and available; None while that is not so."""
    was_complete: bool
    """This version has succeeded once: pods in trouble now are a degradation, not a rollout."""
    degree: Degree
    degree_since_at: float
    is_provisional: bool = False
    """Made while lists were still loading: the next look starts anew."""


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """What has been learned of one version of a workload, kept between runs of the program."""

    good_for_s: float = 0.0
    """The longest time it was seen fully available."""
    failed_at: float | None = None
    """When it was last seen failing."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Keys: pods, revisions, workloads and occurrences by uid; usage by "namespace/name"; rollouts, health and metrics by
    workload key."""

    scope: Scope
    now: float = 0.0
    rules: VerdictRules = field(default_factory=VerdictRules)
    workloads: Mapping[str, Workload] = field(default_factory=lambda: EMPTY)
    revisions: Mapping[str, Revision] = field(default_factory=lambda: EMPTY)
    pods: Mapping[str, Pod] = field(default_factory=lambda: EMPTY)
    occurrences: Mapping[str, Occurrence] = field(default_factory=lambda: EMPTY)
    usage: Mapping[str, PodUsage] = field(default_factory=lambda: EMPTY)
    rollouts: Mapping[WorkloadKey, Rollout] = field(default_factory=lambda: EMPTY)
    """In the order they are shown: what needs attention first, then by namespace and name."""
    health: Mapping[WorkloadKey, tuple[HealthAnswer, ...]] = field(default_factory=lambda: EMPTY)
    metrics: Mapping[WorkloadKey, tuple[Series, ...]] = field(default_factory=lambda: EMPTY)
    log_tails: Mapping[str, LogTail] = field(default_factory=lambda: EMPTY)
    """By pod uid: the tail read last."""
    streams: Mapping[Source, StreamState] = field(default_factory=lambda: EMPTY)
    pods_by_owner: Mapping[str, Mapping[str, Pod]] = field(default_factory=lambda: EMPTY)
    """Owner uid (ReplicaSet, StatefulSet, DaemonSet) -> pods by uid."""
    revisions_by_owner: Mapping[str, Mapping[str, Revision]] = field(default_factory=lambda: EMPTY)
    """Workload uid -> revisions by uid."""
    sightings: Mapping[tuple[str, str, str], Sighting] = field(default_factory=lambda: EMPTY)
    """(pod uid or workload uid, container, reason)."""
    seen_rollouts: Mapping[str, SeenRollout] = field(default_factory=lambda: EMPTY)
    """Workload uid -> memory."""
    records: Mapping[tuple[WorkloadKey, str], RevisionRecord] = field(default_factory=lambda: EMPTY)
    """(workload, template hash) -> what has been learned of that version."""
    listing: Mapping[Source, frozenset[str]] = field(default_factory=lambda: EMPTY)
    """Uids already in a list that has begun and not ended."""
    occurrences_by_about: Mapping[str, Mapping[str, Occurrence]] = field(default_factory=lambda: EMPTY)
    """Uid of what an occurrence is about -> occurrences by uid."""
    wakes: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Workload uid -> the moment from which the clock alone may change its rollout."""
    gone: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Uids deleted lately -> when, oldest first: a late or repeated event must not bring one back."""

    def stream(self, source: Source) -> StreamState:
        return self.streams.get(source) or StreamState(source)

    def is_stale(self, source: Source) -> bool:
        """True where what is shown of `source` may be old: its stream is lost, or the API server does not answer."""
        phase = self.stream(source).phase
        if phase is StreamPhase.STALE:
            return True
        is_shown = phase in (StreamPhase.LIVE, StreamPhase.LOADING)
        return is_shown and source not in _POLLED and self.stream(Source.API_SERVER).phase is StreamPhase.STALE

    def true_until(self, source: Source) -> float:
        """Until when what is shown of `source` is known to have been true, in epoch seconds.

        A watch is quiet by nature: as long as the API server answers the probe, and the stream is not known to be lost,
        what it has told still holds. What is polled holds for the moment it was asked.
        """
        state = self.stream(source)
        heard_at = state.heard_at
        if source not in _POLLED:
            answered_at = self.stream(Source.API_SERVER).heard_at
            if state.phase is StreamPhase.STALE:
                answered_at = min(answered_at, state.since_at)
            heard_at = max(heard_at, answered_at)
        return heard_at or state.since_at

    def owner_of(self, pod: Pod) -> WorkloadKey | None:
        """The workload a pod belongs to; None for bare pods, jobs and what is not being watched."""
        workload = self.workloads.get(pod.owner_uid)
        if workload is None:
            revision = self.revisions.get(pod.owner_uid)
            workload = self.workloads.get(revision.owner_uid) if revision else None
        return workload.key if workload else None

    def usage_of(self, pod: Pod) -> PodUsage | None:
        return self.usage.get(f"{pod.namespace}/{pod.name}")
