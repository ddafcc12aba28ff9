"""What a verdict is made of. The rules that reach one are in `judge.py`, the table they follow in docs/guide.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Degree(IntEnum):
    """Ordered: a higher one wins. The names are what is shown."""

    HEALTHY = 0
    PROGRESSING = 1
    PAUSED = 2
    SUSPECT = 3
    LIKELY = 4
    BUSINESS = 5
    DOOMED = 6

    @property
    def is_failing(self) -> bool:
        return self >= Degree.LIKELY


class FindingClass(StrEnum):
    DOOMED = "doomed"
    LIKELY = "likely"
    SUSPECT = "suspect"
    BUSINESS = "business"
    NOISE = "noise"
    """Shown, never counted: evictions, node trouble, registry rate limits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One observed trouble of one rollout; the same trouble on several pods is one finding with a count."""

    kind: FindingClass
    reason: str
    """Kubernetes' own word where it has one: "ImagePullBackOff", "CrashLoopBackOff", "FailedCreate"."""
    message: str
    """The most useful evidence in one line."""
    pod_uids: tuple[str, ...] = ()
    container: str = ""
    exit_code: int | None = None
    restarts: int = 0
    first_seen_at: float = 0.0
    is_confirmed: bool = False
    """Its threshold is reached: it counts towards the degree."""


@dataclass(frozen=True, slots=True)
class Verdict:
    degree: Degree
    title: str
    """"likely failing", "healthy", "rolling out 4/6", "paused" …"""
    cause: str = ""
    """One line: reason, how often, best evidence."""
    capacity: str = ""
    """"old pods serve 6/6, users unaffected"."""
    since_began_s: float | None = None
    """The first clock: the rollout's age when this degree was reached."""
    kubernetes_says_at_s: float | None = None
    """The second clock: the rollout's age when Kubernetes itself would say so; None: it never would."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """Thresholds; the defaults are VERDICT's table, each can be configured."""

    confirm_after_s: float = 3.0
    """Two observations at least this far apart."""
    crash_restarts_one_pod: int = 2
    crash_pods: int = 2
    recovered_after_s: float = 10.0
    """A container that has crashed counts as recovered once it has been up and ready again for so long."""
    unschedulable_after_s: float = 60.0
    creating_after_s: float = 120.0
    pull_error_after_s: float = 60.0
    no_progress_after_s: float = 240.0
    soak_s: float = 60.0
    """All updated and available for so long before the rollout counts as succeeded."""
    good_after_s: float = 600.0
    """A version that stayed available this long is "last known good" even without a verification."""
    business_factor: float = 2.0
    business_min_rate_per_s: float = 0.5
    business_window_s: float = 1800.0
    """So long after a rollout's end its metrics are still compared with those from before it."""
