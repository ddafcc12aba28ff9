"""The one place where state changes: a fleet and what has happened since make the next fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from domain.draft import Draft
from domain.facts import (
    Fact,
    Gone,
    HealthAnswered,
    Identified,
    Listed,
    LogLinesRead,
    MetricsRead,
    RecordsRead,
    ScopeLearned,
    Seen,
    StreamChanged,
    Ticked,
)
from domain.fleet import Fleet, LogTail, RevisionRecord
from domain.judging import judge_touched, touch_provisional
from domain.occurrences import Occurrence
from domain.pods import Pod, PodUsage
from domain.streams import Source, StreamPhase, StreamState
from domain.workloads import Revision, Workload, WorkloadKind

_KIND_OF = {
    Source.DEPLOYMENTS: WorkloadKind.DEPLOYMENT,
    Source.STATEFUL_SETS: WorkloadKind.STATEFUL_SET,
    Source.DAEMON_SETS: WorkloadKind.DAEMON_SET,
}
_REVISION_KIND_OF = {Source.REPLICA_SETS: "ReplicaSet", Source.CONTROLLER_REVISIONS: "ControllerRevision"}
_JUDGED_FROM = frozenset({Source.PODS, Source.REPLICA_SETS, Source.CONTROLLER_REVISIONS})
_MOST_OCCURRENCES = 10_000
_MOST_TOMBSTONES = 4_000
_MOST_BACK_S = 2.0
"""The server's Date header counts whole seconds: so much is jitter, not a clock that was set back."""
_MOST_AHEAD_S = 300.0


def fold(fleet: Fleet, facts: Sequence[Fact]) -> Fleet:
    """`fleet` with `facts` taken in, in their order. What did not change keeps its identity, up to the fleet itself.

    Objects are told apart by uid. An older resourceVersion than the one at hand, a repetition, or a late event about
    what has been deleted changes nothing. Only rollouts that may have changed are judged anew.
    """
    draft = Draft(fleet)
    for fact in facts:
        _take(draft, fact)
    _forget_surplus(draft)
    judge_touched(draft)
    return draft.finish()


def _take(draft: Draft, fact: Fact) -> None:
    match fact:
        case Seen():
            _seen(draft, fact)
        case Gone():
            _gone(draft, fact)
        case Listed():
            _listed(draft, fact)
        case Ticked():
            _ticked(draft, fact)
        case StreamChanged():
            _stream_changed(draft, fact)
        case MetricsRead():
            draft.metrics.own()[fact.workload] = fact.series
            rollout = draft.rollouts.get(fact.workload)
            if rollout is not None:
                draft.touch(rollout.workload.uid)
        case HealthAnswered():
            draft.health.own()[fact.workload] = fact.answers
        case LogLinesRead():
            _log_lines_read(draft, fact)
        case RecordsRead():
            _records_read(draft, fact)
        case ScopeLearned():
            _scope_learned(draft, fact)


def _seen(draft: Draft, fact: Seen) -> None:
    uid = fact.value.uid
    if uid in draft.gone.now:
        return
    listing = _listing(draft, fact.source)
    if listing is not None:
        listing.add(uid)
    _put(draft, fact.value, is_authoritative=False)
    _heard(draft, fact.source, draft.now)


def _gone(draft: Draft, fact: Gone) -> None:
    if fact.source is Source.OCCURRENCES:
        # Kubernetes forgets its events after an hour; people on call do not.
        _remember_occurrences(draft, (fact.uid,))
    else:
        _drop(draft, fact.source, fact.uid)
        draft.gone.own()[fact.uid] = draft.now
    listing = _listing(draft, fact.source)
    if listing is not None:
        listing.discard(fact.uid)
    _heard(draft, fact.source, draft.now)


def _listing(draft: Draft, source: Source) -> set[str] | None:
    """The uids of the list of `source` that is under way, to be added to; None when none is."""
    uids = draft.listed_now.get(source)
    if uids is None and source in draft.listing.now:
        uids = draft.listed_now[source] = set(draft.listing.now[source])
    return uids


def _listed(draft: Draft, fact: Listed) -> None:
    if fact.is_first:
        draft.listed_now[fact.source] = set()
    if draft.now == 0.0 and fact.at:
        draft.now = fact.at
    uids = _listing(draft, fact.source)
    for value in fact.values:
        uid = value.uid
        if uids is not None:
            uids.add(uid)
            draft.gone.drop(uid)
        elif uid in draft.gone.now:
            continue
        _put(draft, value, is_authoritative=uids is not None)
    if uids is None:
        _loading(draft, fact, len(fact.values))
        return
    _loading(draft, fact, len(uids))
    if fact.is_last:
        missing = [uid for uid in _uids_of(draft, fact.source) if uid not in uids]
        if fact.source is Source.OCCURRENCES:
            _remember_occurrences(draft, missing)
        else:
            for uid in missing:
                _drop(draft, fact.source, uid)
        draft.listed_now.pop(fact.source, None)
        draft.listing.drop(fact.source)


def _loading(draft: Draft, fact: Listed, loaded: int) -> None:
    state = draft.stream(fact.source)
    at = fact.at or draft.now
    if fact.is_last:
        _set_stream(draft, replace(state, phase=StreamPhase.LIVE, heard_at=at, reason="", hint="", loaded=loaded), at)
    elif state.phase is StreamPhase.LOADING:
        expected = fact.expected if fact.expected is not None else state.expected
        _set_stream(draft, replace(state, heard_at=at, loaded=max(loaded, state.loaded), expected=expected), at)
    else:
        _heard(draft, fact.source, at)


def _uids_of(draft: Draft, source: Source) -> Iterable[str]:
    if source is Source.PODS:
        return list(draft.pods.now)
    if source is Source.POD_USAGE:
        return list(draft.usage.now)
    if source is Source.OCCURRENCES:
        return [uid for uid, o in draft.occurrences.now.items() if not o.is_remembered]
    if source in _KIND_OF:
        kind = _KIND_OF[source]
        return [uid for uid, w in draft.workloads.now.items() if w.kind is kind]
    if source in _REVISION_KIND_OF:
        word = _REVISION_KIND_OF[source]
        return [uid for uid, r in draft.revisions.now.items() if r.kind == word]
    return ()


def _put(draft: Draft, value: Identified, *, is_authoritative: bool) -> None:
    """Take in one object. `is_authoritative`: from a list under way, which is right even where it looks older."""
    match value:
        case Pod():
            old = draft.pods.get(value.uid)
            if old is None or _is_news(old, value, is_authoritative):
                draft.put_pod(value, old)
        case Workload():
            known = draft.workloads.get(value.uid)
            if known is None or _is_news(known, value, is_authoritative):
                draft.put_workload(value, known)
        case Revision():
            before = draft.revisions.get(value.uid)
            if before is None or _is_news(before, value, is_authoritative):
                draft.put_revision(value, before)
        case Occurrence():
            _put_occurrence(draft, value)
        case PodUsage():
            usage = draft.usage.get(value.uid)
            if usage is None or (usage.at <= value.at and usage != value):
                draft.usage.own()[value.uid] = value
        case _:
            raise TypeError(f"a cluster stream does not carry {type(value).__name__}")


_Versioned = Pod | Workload | Revision


def _is_news(old: _Versioned, new: _Versioned, is_authoritative: bool) -> bool:
    if old is new:
        return False
    was, now = old.resource_version, new.resource_version
    if was != now and not is_authoritative and was.isdecimal() and now.isdecimal():
        return int(now) > int(was)
    return old != new


def _put_occurrence(draft: Draft, value: Occurrence) -> None:
    old = draft.occurrences.get(value.uid)
    if old is not None:
        if value.is_remembered or (value.count, value.last_at) < (old.count, old.last_at) or value == old:
            return
        if old.about_uid != value.about_uid:
            draft.occurrences_by_about.drop(old.about_uid, old.uid)
    draft.put_occurrence(value)
    if value.type != "Normal" or value.reason == "Killing":
        pod = draft.pods.get(value.about_uid)
        draft.touch(pod.owner_uid if pod is not None else value.about_uid)


def _remember_occurrences(draft: Draft, uids: Iterable[str]) -> None:
    for uid in uids:
        occurrence = draft.occurrences.get(uid)
        if occurrence is not None and not occurrence.is_remembered:
            draft.put_occurrence(replace(occurrence, is_remembered=True))


def _drop_usage(draft: Draft, uid: str) -> None:
    draft.usage.drop(uid)


_DROPS: dict[Source, Callable[[Draft, str], None]] = {
    Source.PODS: Draft.drop_pod,
    Source.POD_USAGE: _drop_usage,
    Source.OCCURRENCES: Draft.drop_occurrence,
    **dict.fromkeys(_KIND_OF, Draft.drop_workload),
    **dict.fromkeys(_REVISION_KIND_OF, Draft.drop_revision),
}


def _drop(draft: Draft, source: Source, uid: str) -> None:
    drop = _DROPS.get(source)
    if drop is not None:
        drop(draft, uid)


def _heard(draft: Draft, source: Source, at: float) -> None:
    state = draft.streams.get(source)
    if state is not None and at > state.heard_at:
        draft.streams.own()[source] = replace(state, heard_at=at)


def _set_stream(draft: Draft, state: StreamState, at: float) -> None:
    old = draft.streams.get(state.source)
    if old is None or old.phase is not state.phase:
        state = replace(state, since_at=at)
        if state.source in _JUDGED_FROM:
            touch_provisional(draft)
    if state != old:
        draft.streams.own()[state.source] = state


def _stream_changed(draft: Draft, fact: StreamChanged) -> None:
    if draft.now == 0.0 and fact.at:
        draft.now = fact.at
    state = draft.stream(fact.source)
    heard_at = fact.at if fact.phase is StreamPhase.LIVE else state.heard_at
    _set_stream(draft, replace(state, phase=fact.phase, heard_at=heard_at, reason=fact.reason, hint=fact.hint), fact.at)
    if fact.source is Source.POD_USAGE and fact.phase in (StreamPhase.ABSENT, StreamPhase.FORBIDDEN) and draft.usage.now:
        draft.usage.set_all({})
    if fact.phase is not StreamPhase.LIVE:
        # A list that was under way will not be ended: the next one begins anew.
        draft.listed_now.pop(fact.source, None)
        draft.listing.drop(fact.source)


def _log_lines_read(draft: Draft, fact: LogLinesRead) -> None:
    pod = draft.pods.get(fact.pod_uid)
    if pod is None:
        return
    draft.log_tails.own()[fact.pod_uid] = LogTail(fact.pod_uid, fact.container, fact.is_previous, fact.lines, fact.at)
    draft.touch(pod.owner_uid)


def _records_read(draft: Draft, fact: RecordsRead) -> None:
    for key, read in fact.records.items():
        ours = draft.records.get(key)
        if ours is None:
            draft.records.own()[key] = read
        else:
            merged = RevisionRecord(max(ours.good_for_s, read.good_for_s), ours.failed_at or read.failed_at)
            if merged != ours:
                draft.records.own()[key] = merged
        rollout = draft.rollouts.get(key[0])
        if rollout is not None:
            draft.touch(rollout.workload.uid)


def _scope_learned(draft: Draft, fact: ScopeLearned) -> None:
    old, new = draft.scope, fact.scope
    draft.scope = new
    if old.context != new.context:
        draft.restart()
    elif old.namespace != new.namespace:
        draft.restart(records=draft.records.now)


def _ticked(draft: Draft, fact: Ticked) -> None:
    jump_s = fact.now - draft.now
    if draft.now and not -_MOST_BACK_S <= jump_s <= _MOST_AHEAD_S:
        # The clock was set, or we slept: what was timed by the old clock is worth nothing. Look as if for the first time.
        draft.sightings.set_all({})
        draft.seen_rollouts.set_all({})
        draft.touched.update(draft.workloads.now)
    draft.now = fact.now
    for uid, wake_at in draft.wakes.now.items():
        if wake_at <= fact.now:
            draft.touched.add(uid)


def _forget_surplus(draft: Draft) -> None:
    """Bound what only grows: occurrences remembered, and the uids of what is gone."""
    if draft.gone.is_changed and len(draft.gone.now) > _MOST_TOMBSTONES:
        for uid in list(draft.gone.now)[: _MOST_TOMBSTONES // 2]:
            draft.gone.drop(uid)
    if draft.occurrences.is_changed and len(draft.occurrences.now) > _MOST_OCCURRENCES:
        oldest_first = sorted(draft.occurrences.now.values(), key=lambda o: (not o.is_remembered, o.last_at))
        for occurrence in oldest_first[: len(oldest_first) - _MOST_OCCURRENCES * 9 // 10]:
            draft.drop_occurrence(occurrence.uid)
