"""Kubernetes' events as a person wants them: this rollout's first, no boring ones, repetitions as one with a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.fleet import Fleet
from domain.occurrences import Occurrence
from domain.rollouts import Rollout
from domain.workloads import WorkloadKey

BORING = frozenset(
    {"Scheduled", "Pulling", "Pulled", "Created", "Started", "SuccessfulCreate", "SuccessfulDelete",
     "SuccessfulAttachVolume", "AddedInterface", "LeaderElection"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """`last` is the newest of those it stands for, `count` the sum of their counts, `objects` how many they are about."""

    last: Occurrence
    count: int
    objects: int
    first_at: float
    is_of_rollout: bool


def is_boring(occurrence: Occurrence) -> bool:
    if occurrence.type != "Normal":
        return False
    is_restart = "will be restarted" in occurrence.message
    return occurrence.reason in BORING or (occurrence.reason == "Killing" and not is_restart)


def happenings(
    fleet: Fleet, key: WorkloadKey | None = None, *, with_boring: bool = False, most: int = 500
) -> tuple[Happening, ...]:
    """Those of the rollout of `key` first (about the workload, its new revision, its new pods), each part newest first."""
    rollout = fleet.rollouts.get(key) if key is not None else None
    belongs = _belonging(rollout) if rollout is not None else _never
    groups: dict[tuple[str, ...], list[Occurrence]] = {}
    for occurrence in fleet.occurrences.values():
        if with_boring or not is_boring(occurrence):
            groups.setdefault(_group_of(occurrence), []).append(occurrence)
    joined = [_joined(group, any(map(belongs, group))) for group in groups.values()]
    joined.sort(key=lambda h: (not h.is_of_rollout, -h.last.last_at, h.last.uid))
    return tuple(joined[:most])


def _never(occurrence: Occurrence) -> bool:
    return False


def _belonging(rollout: Rollout) -> Callable[[Occurrence], bool]:
    uids = {rollout.workload.uid, *rollout.new_pods}
    prefix = ""
    if rollout.new is not None:
        uids.add(rollout.new.uid)
        # Pods that are gone are known by name only: a replica set's own name is in front of theirs.
        prefix = f"{rollout.new.name}-" if rollout.new.kind == "ReplicaSet" else ""
    began_at = rollout.began_at or 0.0
    workload_uid, namespace = rollout.workload.uid, rollout.workload.namespace

    def belongs(occurrence: Occurrence) -> bool:
        if occurrence.about_uid in uids:
            return occurrence.about_uid != workload_uid or occurrence.last_at >= began_at - 1.0
        is_pod = bool(prefix) and occurrence.about_kind == "Pod" and occurrence.namespace == namespace
        return is_pod and occurrence.about_name.startswith(prefix)

    return belongs


def _group_of(occurrence: Occurrence) -> tuple[str, ...]:
    """Pods of one owner with the same trouble are one; what is theirs alone (name, uid) is taken out of the message."""
    name, message = occurrence.about_name, occurrence.message
    family = name.rpartition("-")[0] if occurrence.about_kind == "Pod" else name
    if name and name in message:
        message = message.replace(name, "*")
    message = message.replace(f"({occurrence.about_uid})", "(*)")
    return (occurrence.namespace, occurrence.about_kind, family, occurrence.type, occurrence.reason, message)


def _joined(group: Sequence[Occurrence], is_of_rollout: bool) -> Happening:
    return Happening(
        last=max(group, key=lambda o: (o.last_at, o.uid)),
        count=sum(max(1, o.count) for o in group),
        objects=len({o.about_name for o in group}),
        first_at=min(o.first_at for o in group),
        is_of_rollout=is_of_rollout,
    )
