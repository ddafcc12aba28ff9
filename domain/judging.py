"""Judges anew the rollouts that a batch of facts may have changed, and keeps all others as they are."""

from __future__ import annotations

from domain.attention import attention_of, order_key
from domain.case import Case
from domain.draft import Draft
from domain.findings import FORGET_S
from domain.rollout_of import Judged, rollout_of
from domain.streams import Source, StreamPhase
from domain.workloads import Workload, WorkloadKind

_SOURCE_OF = {
    WorkloadKind.DEPLOYMENT: Source.REPLICA_SETS,
    WorkloadKind.STATEFUL_SET: Source.CONTROLLER_REVISIONS,
    WorkloadKind.DAEMON_SET: Source.CONTROLLER_REVISIONS,
}


def touch_provisional(draft: Draft) -> None:
    """A list has ended or begun anew: judge those again whose judgement that makes final, or no longer so."""
    if _is_loading(draft, Source.PODS):
        return
    for uid, seen in draft.seen_rollouts.now.items():
        workload = draft.workloads.get(uid)
        if seen.is_provisional and workload is not None and not _is_loading(draft, _SOURCE_OF[workload.kind]):
            draft.touched.add(uid)


def judge_touched(draft: Draft) -> None:
    is_order_open = _forget_dropped(draft)
    observed_at = _observed_at(draft)
    _forget_sightings(draft, observed_at)
    loading = {kind: _is_loading(draft, Source.PODS) or _is_loading(draft, s) for kind, s in _SOURCE_OF.items()}
    for uid in draft.touched:
        workload = draft.workloads.get(uid)
        if workload is not None:
            case = _case(draft, workload, observed_at, is_loading=loading[workload.kind])
            is_order_open |= _apply(draft, case, rollout_of(case))
    if is_order_open:
        ordered = sorted(draft.rollouts.now.values(), key=order_key)
        draft.rollouts.set_all({rollout.key: rollout for rollout in ordered})


def _case(draft: Draft, workload: Workload, observed_at: float, *, is_loading: bool) -> Case:
    key = workload.key
    return Case(
        workload=workload,
        now=draft.now,
        observed_at=observed_at,
        rules=draft.fleet.rules,
        revisions=draft.revisions_by_owner.of(workload.uid),
        pods_by_owner=draft.pods_by_owner.outer.now,
        occurrences_by_about=draft.occurrences_by_about.outer.now,
        log_tails=draft.log_tails.now,
        sightings=draft.sightings.now,
        records=draft.records.now,
        series=draft.metrics.now.get(key, ()),
        seen=draft.seen_rollouts.get(workload.uid),
        shown=draft.rollouts.now.get(key),
        is_loading=is_loading,
    )


def _is_loading(draft: Draft, source: Source) -> bool:
    return draft.stream(source).phase is StreamPhase.LOADING


def _observed_at(draft: Draft) -> float:
    """Up to when the pods are known: a lost stream is no second observation of what was seen before."""
    moments = [draft.now]
    for source in (Source.PODS, Source.API_SERVER):
        state = draft.stream(source)
        if state.phase is StreamPhase.STALE:
            moments.append(state.heard_at or state.since_at)
    return min(moments)


def _apply(draft: Draft, case: Case, judged: Judged) -> bool:
    """Take in what was judged; True when the order of the rollouts may have changed by it."""
    workload, rollout, old = case.workload, judged.rollout, case.shown
    uid, key = workload.uid, workload.key
    if judged.sightings:
        draft.sightings.own().update(judged.sightings)
    if judged.seen is not case.seen and judged.seen != draft.seen_rollouts.get(uid):
        draft.seen_rollouts.own()[uid] = judged.seen
    if judged.record is not None:
        draft.records.own()[(key, judged.seen.template_hash)] = judged.record
    if judged.wake_at != draft.wakes.get(uid):
        draft.wakes.own()[uid] = judged.wake_at
    if old is not None and old.workload.uid != uid and old.workload.created_at > workload.created_at:
        return False
    if old is not None and old == rollout:
        return False
    draft.rollouts.own()[key] = rollout
    return old is None or attention_of(old) != attention_of(rollout)


def _forget_dropped(draft: Draft) -> bool:
    for uid, key in draft.dropped_workloads.items():
        draft.seen_rollouts.drop(uid)
        draft.wakes.drop(uid)
        rollout = draft.rollouts.get(key)
        if rollout is not None and rollout.workload.uid == uid:
            draft.rollouts.drop(key)
            draft.health.drop(key)
            draft.metrics.drop(key)
    if draft.dropped_workloads:
        keys = set(draft.dropped_workloads.values())
        draft.touched.update(uid for uid, w in draft.workloads.now.items() if w.key in keys)
    if draft.dropped_pods:
        for uid in draft.dropped_pods - draft.pods.now.keys():
            draft.log_tails.drop(uid)
        for sighting in [s for s in draft.sightings.now if s[0] in draft.dropped_pods]:
            draft.sightings.drop(sighting)
    return False


def _forget_sightings(draft: Draft, observed_at: float) -> None:
    if draft.now == draft.fleet.now or not draft.sightings.now:
        return
    for key in [k for k, s in draft.sightings.now.items() if observed_at - s.last_at > FORGET_S]:
        draft.sightings.drop(key)
