"""Builds what a person sees of one workload: its rollout, its history with marks, and how long it may still take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ages import short_duration
from domain.case import Case, Versions, bare_hash, is_complete, is_observed, versions_of
from domain.findings import observe
from domain.fleet import RevisionRecord, SeenRollout, Sighting
from domain.judge import degree_of, verdict_of
from domain.memory import learn, remember, with_degree
from domain.pods import Pod
from domain.rollouts import RevisionLine, RevisionMark, Rollout
from domain.templates import ContainerRole, ImageName, image_name
from domain.verdict import Degree
from domain.workloads import Revision

_NO_RECORD = RevisionRecord()
_PACE_AFTER_S = 2.0
"""The cluster's times are whole seconds: before that there is no pace to speak of."""


@dataclass(slots=True)
class Judged:
    """A rollout, what to remember of it, and the moment from which the clock alone may change it."""

    rollout: Rollout
    seen: SeenRollout
    sightings: dict[tuple[str, str, str], Sighting]
    record: RevisionRecord | None
    wake_at: float


def rollout_of(case: Case) -> Judged:
    workload = case.workload
    versions = versions_of(case)
    complete = is_complete(workload)
    seen = remember(case, versions, complete)
    observed = observe(case, versions, seen, complete) if is_observed(workload) else None
    findings = observed.findings if observed is not None else ()
    seen = with_degree(seen, degree_of(case, seen, findings, complete), case.now)
    record = learn(case, versions, seen, seen.degree)
    rollout = Rollout(
        workload=workload,
        history=history_of(case, versions, seen, record),
        new=versions.new,
        new_pods=tuple(p.uid for p in versions.new_pods),
        old_pods=tuple(p.uid for p in versions.old_pods),
        new_ready=versions.new_serving,
        old_ready=versions.old_serving,
        is_complete=complete,
        began_at=seen.began_at,
        finished_at=seen.complete_since_at,
        eta_s=eta_s(case, versions, seen, complete),
        verdict=verdict_of(case, versions, seen, findings, complete),
    )
    is_restless = not complete or (observed is not None and observed.is_pending)
    return Judged(
        rollout,
        seen,
        observed.sightings if observed is not None else {},
        record,
        _wake_at(case, seen, is_restless),
    )


def _wake_at(case: Case, seen: SeenRollout, is_restless: bool) -> float:
    now = case.now
    if not now or case.is_loading:
        return now and now + 5.0
    if is_restless or seen.degree is not Degree.HEALTHY:
        return now + (1.0 if now - seen.degree_since_at < 120.0 else 5.0)
    if seen.complete_since_at is None:
        return now + 60.0
    # Only the record of how long it has been good still grows.
    good_for_s = max(0.0, now - seen.complete_since_at)
    soaks_in_s = case.rules.soak_s - good_for_s
    proves_in_s = case.rules.good_after_s - good_for_s
    ahead = [s for s in (soaks_in_s, proves_in_s) if s > 0.0]
    return now + min([max(60.0, good_for_s * 0.1), *ahead])


def eta_s(case: Case, versions: Versions, seen: SeenRollout, complete: bool) -> float | None:
    """Whole seconds, from the pace since the beginning: it grows while nothing moves. None until there is a pace."""
    workload = case.workload
    done = min(versions.new_serving, workload.desired)
    if complete or workload.paused or seen.began_at is None or seen.degree > Degree.PROGRESSING:
        return None
    elapsed_s = case.now - seen.began_at
    if done <= 0 or done >= workload.desired or elapsed_s < _PACE_AFTER_S or not is_observed(workload):
        return None
    return float(round((workload.desired - done) * elapsed_s / done))


def history_of(
    case: Case, versions: Versions, seen: SeenRollout, learned: RevisionRecord | None
) -> tuple[RevisionLine, ...]:
    """Newest first. Revisions that have neither a number nor pods are remains, and left out."""
    shown = [r for r in versions.history if r is versions.new or r.number or r.replicas]
    records = _records_of(case, versions, shown, learned)
    good = _good_index(case, versions, shown, records)
    return tuple(
        _line(case, versions, seen, revision, records[i], is_good=i == good, following=shown[:i])
        for i, revision in enumerate(shown)
    )


def _records_of(
    case: Case, versions: Versions, shown: Sequence[Revision], learned: RevisionRecord | None
) -> list[RevisionRecord]:
    key, known = case.workload.key, case.records
    return [
        learned if learned is not None and r is versions.new else known.get((key, r.template_hash), _NO_RECORD)
        for r in shown
    ]


def _good_index(case: Case, versions: Versions, shown: Sequence[Revision], records: Sequence[RevisionRecord]) -> int | None:
    """The newest that is proven or serves; else the newest that stood until it was followed. Never one that failed, and
    never one that was rolled back, unless it had proved itself."""
    others = [i for i, r in enumerate(shown) if r is not versions.new and records[i].failed_at is None]
    proven = [i for i in others if records[i].good_for_s >= case.rules.good_after_s]
    others = [i for i in others if i in proven or not _is_rolled_back(versions, shown[i])]
    for i in others:
        if i in proven or shown[i].ready > 0:
            return i
    for i in others:
        stood_s = _stood_s(shown[i], shown[:i])
        if records[i].good_for_s > 0.0 or (stood_s is not None and stood_s >= case.rules.good_after_s):
            return i
    return None


def _is_rolled_back(versions: Versions, revision: Revision) -> bool:
    """It was made after the version that is the newest again: somebody went back behind it."""
    return versions.new is not None and revision.created_at > versions.new.created_at


def _stood_s(revision: Revision, following: Sequence[Revision]) -> float | None:
    """How long it was the newest version; None where a rollback has used the next one again, which hides its beginning."""
    if not following:
        return None
    stood_s = following[-1].created_at - revision.created_at
    return stood_s if stood_s > 0 else None


def _line(
    case: Case,
    versions: Versions,
    seen: SeenRollout,
    revision: Revision,
    record: RevisionRecord,
    *,
    is_good: bool,
    following: Sequence[Revision],
) -> RevisionLine:
    mark, note = RevisionMark.PAST, ""
    if revision is versions.new:
        is_failing = seen.degree.is_failing and (not seen.was_complete or seen.degree is Degree.BUSINESS)
        mark = RevisionMark.FAILING if is_failing else RevisionMark.CURRENT
        note = "verified by time" if record.good_for_s >= case.rules.good_after_s else ""
    elif record.failed_at is not None:
        mark, note = RevisionMark.FAILED, "failed when it was rolled out"
    elif is_good:
        mark = RevisionMark.GOOD
        note = _why_good(case, revision, record, following)
    elif len(following) == 1 and _is_rolled_back(versions, revision):
        note = "rolled back"
    old = _line_before(case, len(following), revision)
    if old is not None and old.mark is mark and old.note == note and old.good_for_s == (record.good_for_s or None):
        is_empty = revision is not versions.new and not revision.replicas
        if is_empty or old.image_id:
            return old
    images = revision.template.main_images
    return RevisionLine(
        revision,
        mark,
        image_name(images[0]) if images else ImageName("", "", ""),
        _digest(case, versions, revision),
        record.good_for_s or None,
        note,
    )


def _line_before(case: Case, index: int, revision: Revision) -> RevisionLine | None:
    """The line drawn of the very same revision in the same place, if it was drawn."""
    if case.shown is None or index >= len(case.shown.history):
        return None
    line = case.shown.history[index]
    return line if line.revision is revision else None


def _why_good(case: Case, revision: Revision, record: RevisionRecord, following: Sequence[Revision]) -> str:
    if record.good_for_s > 0.0:
        return f"good for {short_duration(record.good_for_s)}"
    if revision.ready > 0:
        return f"serving, {revision.ready} ready"
    stood_s = _stood_s(revision, following)
    return f"stood for {short_duration(stood_s)}, not verified" if stood_s is not None else ""


def _digest(case: Case, versions: Versions, revision: Revision) -> str:
    """The digest that one of its pods runs, for the first main container."""
    pods: Sequence[Pod]
    if revision is versions.new:
        pods = versions.new_pods
    elif revision.kind == "ReplicaSet":
        pods = tuple(case.pods_by_owner.get(revision.uid, {}).values())
    else:
        wanted = bare_hash(revision.template_hash, case.workload.name)
        pods = [p for p in versions.old_pods if bare_hash(p.template_hash, case.workload.name) == wanted]
    names = {c.name for c in revision.template.containers if c.role is ContainerRole.MAIN}
    for pod in pods:
        for container in pod.containers:
            if container.image_id and (container.name in names or not names):
                return container.image_id
    return ""
