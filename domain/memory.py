"""What is remembered of a rollout between snapshots: when it began, last moved, was complete; what a version has proved."""

from __future__ import annotations

from dataclasses import replace

from domain.case import Case, Versions
from domain.fleet import Fleet, RevisionRecord, SeenRollout
from domain.verdict import Degree
from domain.workloads import Workload, WorkloadKey, WorkloadKind

_GROWTH = 1.1
_GROWTH_S = 30.0
_CAUSE_S = 60.0
"""A replica set is made within so much of the change that asks for it, unless the deployment was paused meanwhile."""


def remember(case: Case, versions: Versions, is_complete: bool) -> SeenRollout:
    """The memory after this look; `degree` is still the one before, `with_degree` sets it."""
    seen, workload = case.seen, case.workload
    progress = _progress(workload, versions)
    if seen is not None and not seen.is_provisional and versions.template_hash in ("", seen.template_hash):
        return _continued(case, seen, progress, is_complete and bool(versions.template_hash))
    is_witnessed = seen is not None and not seen.is_provisional
    began_at = _began_by_cluster(case, versions)
    if began_at is None and is_witnessed:
        began_at = case.now
    complete_since_at = None
    if is_complete:
        complete_since_at = case.now if is_witnessed else _complete_since_by_cluster(case, versions)
    return SeenRollout(
        template_hash=versions.template_hash,
        began_at=began_at,
        progress_at=case.now if is_witnessed else _progress_by_cluster(case, versions),
        progress=progress,
        complete_since_at=complete_since_at,
        was_complete=_has_soaked(case, complete_since_at) or (not is_witnessed and _was_complete_by_cluster(case)),
        degree=Degree.HEALTHY,
        degree_since_at=case.now,
        is_provisional=case.is_loading or not versions.template_hash,
    )


def _continued(case: Case, seen: SeenRollout, progress: tuple[int, ...], is_complete: bool) -> SeenRollout:
    complete_since_at = (case.now if seen.complete_since_at is None else seen.complete_since_at) if is_complete else None
    was_complete = seen.was_complete or _has_soaked(case, complete_since_at)
    is_same = complete_since_at == seen.complete_since_at and was_complete == seen.was_complete
    if is_same and progress == seen.progress:
        return seen
    return replace(
        seen,
        progress=progress,
        progress_at=seen.progress_at if progress == seen.progress else case.now,
        complete_since_at=complete_since_at,
        was_complete=was_complete,
    )


def with_degree(seen: SeenRollout, degree: Degree, now: float) -> SeenRollout:
    return seen if seen.degree is degree else replace(seen, degree=degree, degree_since_at=now)


def _has_soaked(case: Case, complete_since_at: float | None) -> bool:
    return complete_since_at is not None and case.now - complete_since_at >= case.rules.soak_s


def _progress(workload: Workload, versions: Versions) -> tuple[int, ...]:
    return (
        workload.generation,
        workload.observed_generation,
        workload.desired,
        workload.updated,
        workload.ready,
        workload.available,
        workload.replicas,
        len(versions.new_pods),
        versions.new_serving,
    )


def _began_by_cluster(case: Case, versions: Versions) -> float | None:
    """By the newest revision's birth, or what was applied just before it; for one used again by the managed fields, else
    by its oldest pod. None: nobody says."""
    new, changed_at = versions.new, case.workload.changed_at
    if new is None:
        return changed_at
    if all(new.created_at >= r.created_at for r in versions.history):
        # The managed fields also move when only the number of replicas is applied anew.
        is_cause = changed_at is not None and 0.0 <= new.created_at - changed_at <= _CAUSE_S
        return changed_at if is_cause else new.created_at
    return changed_at if changed_at is not None else min((p.created_at for p in versions.new_pods), default=None)


def _progress_by_cluster(case: Case, versions: Versions) -> float:
    condition = case.workload.condition("Progressing")
    moments = [condition.updated_at] if condition is not None and condition.updated_at is not None else []
    moments += [p.created_at for p in versions.new_pods]
    moments += [p.ready_changed_at for p in versions.new_pods if p.ready_changed_at is not None]
    return max(moments, default=case.now)


def _was_complete_by_cluster(case: Case) -> bool:
    workload = case.workload
    if workload.observed_generation < workload.generation:
        return False
    if workload.kind is WorkloadKind.DEPLOYMENT:
        condition = workload.condition("Progressing")
        if condition is None or condition.reason != "NewReplicaSetAvailable" or workload.replicas > workload.updated:
            return False
        return _has_soaked(case, condition.updated_at)
    if workload.kind is WorkloadKind.STATEFUL_SET:
        is_arrived = bool(workload.update_hash) and workload.current_hash == workload.update_hash
        return is_arrived and case.now - workload.created_at >= case.rules.good_after_s
    newest = max((r.created_at for r in case.revisions.values()), default=case.now)
    return workload.updated >= workload.desired and case.now - newest >= case.rules.good_after_s


def _complete_since_by_cluster(case: Case, versions: Versions) -> float:
    """Since when a version found complete has been so, as far as the cluster remembers."""
    moments: list[float] = []
    for type_ in ("Progressing", "Available"):
        condition = case.workload.condition(type_)
        moment = None if condition is None else condition.updated_at if type_ == "Progressing" else condition.changed_at
        if moment is not None:
            moments.append(moment)
    if not moments:
        moments = [p.ready_changed_at or p.created_at for p in versions.new_pods if p.deleted_at is None]
    if not moments and case.is_loading and versions.new is not None:
        moments = [versions.new.created_at]
    return min(max(moments, default=case.now), case.now) if case.now else max(moments, default=0.0)


def learn(case: Case, versions: Versions, seen: SeenRollout, degree: Degree) -> RevisionRecord | None:
    """What is newly known of the newest version; None when nothing is. Small growth is not worth a record."""
    if not versions.template_hash or case.is_loading or not case.now:
        return None
    old = case.records.get((case.workload.key, versions.template_hash)) or RevisionRecord()
    good_for_s = 0.0 if seen.complete_since_at is None else max(0.0, case.now - seen.complete_since_at)
    is_its_fault = degree.is_failing and (degree is Degree.BUSINESS or not seen.was_complete)
    if is_its_fault and old.good_for_s < case.rules.good_after_s:
        if old.failed_at is None or (case.seen is not None and not case.seen.degree.is_failing):
            return replace(old, failed_at=seen.degree_since_at)
        return None
    if degree.is_failing or good_for_s < case.rules.soak_s:
        return None
    is_proven = good_for_s >= case.rules.good_after_s
    is_milestone = is_proven and old.good_for_s < case.rules.good_after_s
    if is_proven and old.failed_at is not None and old.failed_at < case.now - good_for_s:
        return RevisionRecord(max(good_for_s, old.good_for_s))
    if is_milestone or good_for_s >= old.good_for_s * _GROWTH + _GROWTH_S:
        return replace(old, good_for_s=max(good_for_s, old.good_for_s))
    return None


def changed_records(before: Fleet, after: Fleet) -> dict[tuple[WorkloadKey, str], RevisionRecord]:
    """What has been learned of versions between two fleets: what is worth writing down."""
    if before.records is after.records:
        return {}
    return {key: record for key, record in after.records.items() if before.records.get(key) != record}
