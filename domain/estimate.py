"""How long a rollout will take, by how long this workload's pods and rollouts have taken before; or that nobody can say."""

from __future__ import annotations

import math
from collections.abc import Iterable

from domain.pods import Pod
from domain.workloads import Revision, Workload, WorkloadKind

_LONGEST_START_S = 1800.0
_ONLY_REMOVING_S = 5.0
"""Where no pod has to start: the controller's own steps."""


def estimate_s(
    workload: Workload, pods: Iterable[Pod], revisions: Iterable[Revision], *, missing: int, batch: int
) -> float | None:
    """Until `missing` pods, `batch` at a time, are up. None where no pod and no rollout of it has come up to measure."""
    if missing <= 0:
        return _ONLY_REMOVING_S
    start_s = _start_s(pods)
    if start_s is not None:
        return _rounded(math.ceil(missing / max(1, batch)) * (start_s + workload.min_ready_s))
    whole_s = _last_rollout_s(workload, revisions)
    if whole_s is None or workload.desired <= 0:
        return None
    return _rounded(whole_s * min(1.0, missing / workload.desired))


def _start_s(pods: Iterable[Pod]) -> float | None:
    """From a pod's making to its being ready: the median of those that have been ready ever since."""
    times = sorted(
        p.ready_changed_at - p.created_at
        for p in pods
        if p.ready and not p.restarts and p.ready_changed_at is not None
        and 0 <= p.ready_changed_at - p.created_at <= _LONGEST_START_S
    )  # fmt: skip
    return max(1.0, times[len(times) // 2]) if times else None


def _last_rollout_s(workload: Workload, revisions: Iterable[Revision]) -> float | None:
    """By the newest replica set's birth and the moment at which the deployment says that it was complete."""
    condition = workload.condition("Progressing")
    if workload.kind is not WorkloadKind.DEPLOYMENT or condition is None or condition.reason != "NewReplicaSetAvailable":
        return None
    newest = max(revisions, key=lambda r: r.number, default=None)
    if newest is None or condition.updated_at is None:
        return None
    # For a revision that was used again this is far too long, and taken for no measure.
    took_s = condition.updated_at - newest.created_at
    return took_s if 0 < took_s <= _LONGEST_START_S else None


def _rounded(seconds: float) -> float:
    """No more digits than there is to know."""
    step = 1 if seconds < 20 else 5 if seconds < 120 else 30
    return float(max(1, round(seconds / step)) * step)
