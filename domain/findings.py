"""What is wrong with a rollout as a whole: the troubles of its new pods counted, waited for and confirmed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.ages import short_duration
from domain.business import business_troubles
from domain.case import Case, Versions
from domain.evidence import evidence_of
from domain.fleet import SeenRollout, Sighting
from domain.pods import Pod
from domain.templates import ContainerRole
from domain.troubles import NO_HINTS, PodHints, Trouble, hints_from, is_starting, troubles_of
from domain.verdict import Finding, FindingClass
from domain.workloads import Condition, Workload, WorkloadKind

FORGET_S = 60.0
"""A trouble not seen for so long is a new one when it comes back."""
_REFRESH_S = 10.0
_EVENT_WINDOW_S = 900.0
_NODE_EVENT_WINDOW_S = 300.0
_NODE_EVENTS = frozenset({"NodeNotReady", "TaintManagerEviction", "Preempted", "NodeShutdown"})
_UNREACHED = re.compile(r"connection refused|timed? ?out|deadline exceeded|no endpoints|EOF|no such host", re.IGNORECASE)
_CRASHES = frozenset({"CrashLoopBackOff", "Error", "Completed"})
_RANK = {
    FindingClass.DOOMED: 4,
    FindingClass.BUSINESS: 3,
    FindingClass.LIKELY: 2,
    FindingClass.SUSPECT: 1,
    FindingClass.NOISE: 0,
}
_GENERIC = frozenset({"ProgressDeadlineExceeded", "NoProgress", "NotReady"})
"""True, but less telling than any other finding of the same class."""


@dataclass(slots=True)
class _Group:
    """The same trouble on several pods."""

    trouble: Trouble
    role: ContainerRole | None = None
    pod_uids: list[str] = field(default_factory=list)
    restarts: int = 0
    most_restarts: int = 0
    crashed_pods: int = 0
    first_seen_at: float = 0.0
    is_confirmed: bool = False


@dataclass(slots=True)
class Observed:
    """Best finding first. `sightings` are those that are new or have moved; `is_pending`: time alone may confirm one."""

    findings: tuple[Finding, ...]
    sightings: dict[tuple[str, str, str], Sighting]
    is_pending: bool


_NOTHING = Observed((), {}, is_pending=False)


def observe(case: Case, versions: Versions, seen: SeenRollout, is_complete: bool) -> Observed:
    troubles = list(_of_workload(case, versions, seen, is_complete))
    pods = [p for p in versions.new_pods if (p.restarts or not p.ready) and p.deleted_at is None]
    if not troubles and not pods:
        return _NOTHING
    collector = _Collector(case)
    for trouble in troubles:
        collector.add(trouble, case.workload.uid, None)
    window_s = case.workload.template.readiness_window_s
    for pod in pods:
        if pod.uid not in case.occurrences_by_about and is_starting(pod, window_s, case.now):
            continue
        hints = _hints(case, pod)
        for trouble in troubles_of(pod, window_s, hints, case.rules, case.now):
            collector.add(trouble, pod.uid, pod)
    return collector.result(pods)


class _Collector:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._groups: dict[tuple[str, str, FindingClass], _Group] = {}
        self._sightings: dict[tuple[str, str, str], Sighting] = {}

    def add(self, trouble: Trouble, uid: str, pod: Pod | None) -> None:
        reason = "CrashLoopBackOff" if trouble.reason in _CRASHES else trouble.reason
        key = (reason, trouble.container, trouble.kind)
        group = self._groups.get(key)
        if group is None:
            role = None
            if pod is not None and trouble.container:
                role = next((c.role for c in pod.containers if c.name == trouble.container), None)
            group = self._groups[key] = _Group(trouble, role, first_seen_at=self._case.observed_at)
        elif trouble.reason == reason != group.trouble.reason or (trouble.message and not group.trouble.message):
            group.trouble = trouble
        if pod is not None:
            group.pod_uids.append(uid)
        group.restarts += trouble.restarts
        group.most_restarts = max(group.most_restarts, trouble.restarts)
        group.crashed_pods += trouble.restarts > 0
        sighting = self._sight((uid, trouble.container, reason), trouble)
        group.first_seen_at = min(group.first_seen_at, sighting.first_at)
        if trouble.kind in (FindingClass.DOOMED, FindingClass.SUSPECT, FindingClass.BUSINESS):
            group.is_confirmed |= self._case.observed_at - sighting.first_at >= trouble.needs_s

    def _sight(self, key: tuple[str, str, str], trouble: Trouble) -> Sighting:
        at = self._case.observed_at
        old = self._case.sightings.get(key)
        is_same = old is not None and at - old.last_at <= FORGET_S
        first_at = old.first_at if old is not None and is_same else at
        if old is None or not is_same or at - old.last_at >= _REFRESH_S:
            self._sightings[key] = Sighting(first_at, at)
        if trouble.since_at is not None:
            first_at = min(first_at, trouble.since_at)
        return Sighting(first_at, at)

    def result(self, pods: Sequence[Pod]) -> Observed:
        rules = self._case.rules
        likely = [g for g in self._groups.values() if g.trouble.kind is FindingClass.LIKELY]
        crashed = sum(g.crashed_pods for g in likely)
        for group in likely:
            is_often = group.most_restarts >= rules.crash_restarts_one_pod
            is_shared = group.crashed_pods > 0 and crashed >= rules.crash_pods
            group.is_confirmed = is_often or is_shared or group.trouble.since_at is not None
        findings = [self._finding(group) for group in self._groups.values()]
        findings += _recovered(self._case, pods)
        findings.sort(key=_by_weight)
        is_pending = any(not f.is_confirmed and f.kind is not FindingClass.NOISE for f in findings)
        return Observed(tuple(findings), self._sightings, is_pending)

    def _finding(self, group: _Group) -> Finding:
        trouble = group.trouble
        reason = "CrashLoopBackOff" if trouble.reason == "Error" and group.is_confirmed else trouble.reason
        return Finding(
            trouble.kind,
            f"Init:{reason}" if group.role is ContainerRole.INIT else reason,
            evidence_of(self._case, trouble, group.pod_uids),
            tuple(group.pod_uids),
            trouble.container,
            trouble.exit_code,
            group.restarts,
            group.first_seen_at,
            group.is_confirmed,
        )


def _by_weight(finding: Finding) -> tuple[bool, int, bool, int, str]:
    return (
        not finding.is_confirmed,
        -_RANK[finding.kind],
        finding.reason in _GENERIC,
        -len(finding.pod_uids),
        finding.reason,
    )


def _recovered(case: Case, pods: Sequence[Pod]) -> Iterable[Finding]:
    """One recovery takes a crash out of the count; it stays in the record."""
    pods = [p for p in pods if p.restarts and p.ready]
    pods = [p for p in pods if p.last_restart_at is not None and case.now - p.last_restart_at < _EVENT_WINDOW_S]
    if not pods:
        return
    restarts = sum(p.restarts for p in pods)
    yield Finding(
        FindingClass.NOISE,
        "Recovered",
        f"restarted {restarts}×, running and ready again",
        tuple(p.uid for p in pods),
        restarts=restarts,
    )


def _hints(case: Case, pod: Pod) -> PodHints:
    occurrences = case.occurrences_by_about.get(pod.uid)
    if not occurrences:
        return NO_HINTS
    hints = NO_HINTS
    for o in sorted(occurrences.values(), key=lambda o: o.last_at):
        if o.reason == "Killing" and case.now - o.last_at > _EVENT_WINDOW_S:
            continue
        if o.reason in _NODE_EVENTS and case.now - o.last_at > _NODE_EVENT_WINDOW_S:
            continue
        hints = hints_from(o.reason, o.message, o.count, o.first_at, hints)
    return hints


def _of_workload(case: Case, versions: Versions, seen: SeenRollout, is_complete: bool) -> Iterable[Trouble]:
    yield from _not_created(case, versions, seen)
    workload = case.workload
    progressing = workload.condition("Progressing")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded" and not is_complete:
        yield Trouble(
            FindingClass.LIKELY,
            "ProgressDeadlineExceeded",
            f"no progress for {short_duration(workload.progress_deadline_s or 600)}: Kubernetes has given up waiting",
            since_at=progressing.updated_at or case.observed_at,
        )
    if not is_complete and workload.strategy != "OnDelete" and not workload.paused:
        yield from _no_progress(case, seen)
    yield from business_troubles(case, versions, seen, is_complete)


def _no_progress(case: Case, seen: SeenRollout) -> Iterable[Trouble]:
    """Nothing has moved for longer than the template itself may take."""
    allowed_s = max(
        case.rules.no_progress_after_s,
        float(case.workload.template.readiness_window_s + 30),
        float(case.workload.min_ready_s + 30),
    )
    waited_s = case.observed_at - seen.progress_at
    if waited_s >= allowed_s:
        message = f"nothing has changed for more than {short_duration(allowed_s)}"
        yield Trouble(FindingClass.SUSPECT, "NoProgress", message, since_at=seen.progress_at)


def _not_created(case: Case, versions: Versions, seen: SeenRollout) -> Iterable[Trouble]:
    """Pods that Kubernetes was not allowed to make: quota, a webhook's denial, a missing service account."""
    workload = case.workload
    conditions: list[Condition | None] = [workload.condition("ReplicaFailure")]
    if versions.new is not None:
        conditions += [c for c in versions.new.conditions if c.type == "ReplicaFailure"]
    for condition in conditions:
        if condition is not None and condition.status:
            yield _creation_failed(case, condition.reason or "FailedCreate", condition.message, condition.changed_at)
            return
    if not _lacks_pods(workload, versions):
        return
    about = [workload.uid] if versions.new is None else [workload.uid, versions.new.uid]
    began_at = seen.began_at if seen.began_at is not None else 0.0
    for uid in about:
        for o in case.occurrences_by_about.get(uid, {}).values():
            is_now = o.last_at >= began_at and case.now - o.last_at < _EVENT_WINDOW_S
            if o.reason == "FailedCreate" and is_now and not o.is_remembered:
                yield _creation_failed(case, o.reason, o.message, max(o.first_at, began_at))
                return


def _lacks_pods(workload: Workload, versions: Versions) -> bool:
    if workload.kind is not WorkloadKind.DEPLOYMENT:
        return len(versions.new_pods) + len(versions.old_pods) < workload.desired
    new = versions.new
    return new is not None and max(len(versions.new_pods), new.replicas) < new.desired


def _creation_failed(case: Case, reason: str, message: str, since_at: float | None) -> Trouble:
    if _UNREACHED.search(message) and "denied the request" not in message:
        return Trouble(FindingClass.SUSPECT, reason, message, needs_s=case.rules.pull_error_after_s, since_at=since_at)
    return Trouble(FindingClass.DOOMED, reason, message, needs_s=case.rules.confirm_after_s, since_at=since_at)
