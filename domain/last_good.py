"""Which version a rollback goes to when nobody names one: the newest that is known to have served, and how we know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.ages import short_duration
from domain.marks import Mark, Standing
from domain.occurrences import Occurrence

_SCALED = re.compile(r"Scaled (up|down) replica set (\S+?) (?:from \d+ )?to (\d+)")
"""The deployment controller's event, in the words of old and new versions of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Version:
    """One revision of a workload with all that is known of how it did. `number` is for showing and for the order only."""

    template_hash: str
    number: int
    name: str
    """Of the ReplicaSet or ControllerRevision."""
    uid: str
    created_at: float
    images: tuple[str, ...] = ()
    digest: str = ""
    """"sha256:…" of its main image, where its pods, its record or its own reference say."""
    ready: int = 0
    good_for_s: float = 0.0
    """The longest time that it was seen fully available."""
    failed_at: float | None = None
    """When it was last seen failing."""
    mark: Mark | None = None
    stood_s: float | None = None
    """How long it was the newest version, by the ages of revisions or by events; None where nobody can say."""
    is_current: bool = False
    is_rolled_back: bool = False
    """Somebody went back behind it: it was made after the version that is the current one."""
    is_left: bool = False
    """The workload itself says that a rollback went away from it."""

    @property
    def is_bad(self) -> bool:
        return self.mark is not None and self.mark.standing is Standing.BAD

    @property
    def is_marked_good(self) -> bool:
        return self.mark is not None and self.mark.standing is Standing.GOOD


@dataclass(frozen=True, slots=True)
class Choice:
    version: Version
    how: str
    """How that is known, for the flight check: "serving, 3 ready"."""
    is_proven: bool
    """By a verification, a record or pods that serve; else it is only the best that the cluster's own traces tell."""


def choose_last_good(versions: Iterable[Version], *, good_after_s: float = 600.0) -> Choice | None:
    """The newest earlier version that is verified, has stayed available for `good_after_s`, or whose pods still serve; else
    the newest that stood for so long, else the one that stood longest. Never one that is marked bad, that a rollback has
    just left, that failed, or was rolled back without having proved itself. None: there is none."""
    wanted = (v for v in versions if not v.is_current and not v.is_bad and not (v.is_left and not v.is_marked_good))
    earlier = sorted(wanted, key=_newest_first)
    proven = [v for v in earlier if _is_proven(v, good_after_s)]
    hopeful = [v for v in earlier if v in proven or (v.failed_at is None and not v.is_rolled_back)]
    for version in hopeful:
        if version in proven or version.ready > 0:
            return Choice(version, how_good(version), is_proven=True)
    stood = [v for v in hopeful if v.good_for_s > 0.0 or (v.stood_s is not None and v.stood_s >= good_after_s)]
    if stood:
        return Choice(stood[0], how_good(stood[0]), is_proven=False)
    longest = max((v for v in hopeful if v.stood_s is not None), key=lambda v: v.stood_s or 0.0, default=None)
    return None if longest is None else Choice(longest, how_good(longest), is_proven=False)


def how_good(version: Version) -> str:
    """What speaks for a version, the strongest first; what speaks against it where nothing else does."""
    if version.mark is not None:
        return version.mark.words
    if version.good_for_s > 0.0 and version.failed_at is None:
        return f"good for {short_duration(version.good_for_s)}"
    if version.failed_at is not None:
        return "failed when it was rolled out"
    if version.ready > 0:
        return f"serving, {version.ready} ready"
    if version.is_rolled_back:
        return "was rolled back before"
    if version.stood_s is not None:
        return f"stood for {short_duration(version.stood_s)}, not verified"
    return "nothing is known of how it did"


def stood_s(name: str, created_at: float, later: Sequence[float], occurrences: Iterable[Occurrence]) -> float | None:
    """How long a revision was the newest: by the events that scaled its replica set up and down, else from its making to
    that of the next one (`later`: when those above it in the history were made, newest first). None where a rollback has
    used the next one again, which hides its beginning."""
    by_events = _served_by_events(name, occurrences)
    if by_events is not None:
        return by_events
    if not later:
        return None
    until_next_s = later[-1] - created_at
    return until_next_s if until_next_s > 0 else None


def _served_by_events(name: str, occurrences: Iterable[Occurrence]) -> float | None:
    up_at = down_at = None
    for occurrence in occurrences:
        match = _SCALED.match(occurrence.message) if occurrence.reason == "ScalingReplicaSet" else None
        if match is None or match[2] != name:
            continue
        if match[1] == "up":
            up_at = occurrence.first_at if up_at is None else min(up_at, occurrence.first_at)
        elif match[3] == "0":
            down_at = occurrence.last_at if down_at is None else max(down_at, occurrence.last_at)
    return down_at - up_at if up_at is not None and down_at is not None and down_at > up_at else None


def _is_proven(version: Version, good_after_s: float) -> bool:
    return version.is_marked_good or version.good_for_s >= good_after_s


def _newest_first(version: Version) -> tuple[int, float, str]:
    return -version.number, -version.created_at, version.uid
