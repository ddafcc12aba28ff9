"""Reaches the verdict on one rollout: how bad, since when, why, and what is left to serve. It never acts."""

from __future__ import annotations

from collections.abc import Sequence

from domain.case import Case, Versions, is_observed
from domain.fleet import SeenRollout
from domain.verdict import Degree, Finding, FindingClass, Verdict
from domain.workloads import Workload, WorkloadKind

_DEGREE_OF = {
    FindingClass.DOOMED: Degree.DOOMED,
    FindingClass.BUSINESS: Degree.BUSINESS,
    FindingClass.LIKELY: Degree.LIKELY,
    FindingClass.SUSPECT: Degree.SUSPECT,
}
_TITLES = {
    Degree.DOOMED: "doomed",
    Degree.LIKELY: "likely failing",
    Degree.SUSPECT: "suspect",
    Degree.BUSINESS: "worse for users",
}
_NO_DEADLINE_S = 2**31 - 1
"""Kubernetes' own way of writing "no progress deadline"."""


def degree_of(case: Case, seen: SeenRollout, findings: Sequence[Finding], is_complete: bool) -> Degree:
    """Order matters: what is not observed is not judged, what is paused is paused, then the worst confirmed finding."""
    workload = case.workload
    if not is_observed(workload):
        return Degree.SUSPECT if _is_ignored(case, seen) else Degree.PROGRESSING
    if workload.paused:
        return Degree.PAUSED
    worst = max((_DEGREE_OF.get(f.kind, Degree.HEALTHY) for f in findings if f.is_confirmed), default=Degree.HEALTHY)
    if worst is not Degree.HEALTHY:
        return worst
    if not is_complete:
        return Degree.PAUSED if workload.strategy == "OnDelete" else Degree.PROGRESSING
    return Degree.HEALTHY if is_settled(case, seen) else Degree.PROGRESSING


def is_settled(case: Case, seen: SeenRollout) -> bool:
    """The rollout has succeeded: complete once for the soak, or so long ago that nobody saw it."""
    return seen.was_complete or (seen.complete_since_at is not None and not case.now)


def verdict_of(
    case: Case, versions: Versions, seen: SeenRollout, findings: tuple[Finding, ...], is_complete: bool
) -> Verdict:
    """`seen` already holds the degree and since when."""
    since_began_s = None
    if seen.began_at is not None:
        since_began_s = max(0.0, seen.degree_since_at - seen.began_at)
    return Verdict(
        degree=seen.degree,
        title=_title(case, versions, seen, is_complete),
        cause=_cause(case, seen, findings),
        capacity=capacity_of(case.workload, versions, seen.degree, is_complete),
        since_began_s=since_began_s,
        kubernetes_says_at_s=kubernetes_says_at_s(case.workload, seen),
        findings=findings,
    )


def _is_ignored(case: Case, seen: SeenRollout) -> bool:
    return case.observed_at - seen.progress_at >= case.rules.unschedulable_after_s


def _title(case: Case, versions: Versions, seen: SeenRollout, is_complete: bool) -> str:
    workload, degree = case.workload, seen.degree
    if not is_observed(workload):
        return "not taken up by Kubernetes yet"
    if degree >= Degree.SUSPECT:
        if seen.was_complete and degree is not Degree.BUSINESS:
            return "degraded" if degree.is_failing else "degraded?"
        return _TITLES[degree]
    if degree is Degree.PAUSED:
        if workload.paused:
            return "paused" if is_complete else f"paused at {_done(workload, versions)}/{workload.desired}"
        return f"waits for its old pods to be deleted, {_done(workload, versions)}/{workload.desired} new"
    if degree is Degree.HEALTHY:
        return "healthy" if workload.desired else "scaled to 0"
    if is_complete:
        return f"all {workload.desired} up, settling"
    if seen.was_complete and workload.updated >= workload.desired:
        return f"{workload.available}/{workload.desired} available"
    return f"rolling out {_done(workload, versions)}/{workload.desired}"


def _done(workload: Workload, versions: Versions) -> int:
    return min(versions.new_serving, workload.desired)


def _cause(case: Case, seen: SeenRollout, findings: Sequence[Finding]) -> str:
    """One line from the most telling finding: `CrashLoopBackOff ×2: "cannot reach database" (exit 3)`."""
    if not is_observed(case.workload):
        if seen.degree is not Degree.SUSPECT:
            return ""
        return "its controller has not looked at the change: is the controller manager up?"
    finding = next((f for f in findings if f.kind is not FindingClass.NOISE), findings[0] if findings else None)
    return "" if finding is None else cause_line(case.workload, finding)


def cause_line(workload: Workload, finding: Finding) -> str:
    count = len(finding.pod_uids)
    line = f"{finding.reason} ×{count}" if count > 1 else finding.reason
    if finding.container and len(workload.template.containers) > 1:
        line += f" in {finding.container}"
    if finding.message:
        line += f": {finding.message}"
    if finding.exit_code is not None and finding.reason != "OOMKilled":
        line += f" (exit {finding.exit_code})"
    if not finding.is_confirmed and finding.kind is not FindingClass.NOISE:
        line += " · not certain yet"
    return line


def capacity_of(workload: Workload, versions: Versions, degree: Degree, is_complete: bool) -> str:
    """What is left to serve people, as long as that is a question; "" when all is well."""
    desired = workload.desired
    if not desired or (is_complete and degree <= Degree.PROGRESSING):
        return ""
    old, new = versions.old_serving, versions.new_serving
    serving = old + new
    if serving >= desired:
        if not new:
            return f"old pods still serve {min(old, desired)}/{desired}, users unaffected"
        if not old and not versions.old_pods:
            return f"{new}/{desired} serve"
        return f"{new} new and {old} old serve {min(serving, desired)}/{desired}, users unaffected"
    if not serving:
        if len(versions.history) < 2 and degree <= Degree.PAUSED:
            return f"0/{desired} serve yet"
        return f"no pod serves: 0/{desired}" if versions.old_pods else f"no old pods left: 0/{desired} serve"
    if old and new:
        return f"{serving}/{desired} left: {old} old, {new} new"
    if old:
        return f"{old}/{desired} left, all old"
    return f"{new}/{desired} left" if is_complete or not versions.old_pods else f"{new}/{desired} left, all new"


def kubernetes_says_at_s(workload: Workload, seen: SeenRollout) -> float | None:
    """The rollout's age at which `ProgressDeadlineExceeded` would come: the deadline counts from the last progress.

    None: never. Stateful sets and daemon sets have no deadline, a paused deployment's clock stands still.
    """
    deadline_s = workload.progress_deadline_s
    if workload.kind is not WorkloadKind.DEPLOYMENT or deadline_s is None or deadline_s >= _NO_DEADLINE_S:
        return None
    if seen.began_at is None or workload.paused or seen.was_complete:
        return None
    condition = workload.condition("Progressing")
    if condition is None or condition.updated_at is None:
        return max(0.0, seen.progress_at - seen.began_at) + deadline_s
    if condition.reason == "ProgressDeadlineExceeded":
        return max(0.0, condition.updated_at - seen.began_at)
    return max(0.0, condition.updated_at - seen.began_at) + deadline_s
