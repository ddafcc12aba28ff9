"""The verdicts as a script wants them: one exit code, and plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.exit_codes import FAILING, IN_PROGRESS, OK
from domain.rollouts import Rollout
from domain.verdict import Degree, Finding


def exit_code_of(degree: Degree) -> int:
    """0 healthy · 10 in progress, paused or SUSPECT · 11 LIKELY, BUSINESS or DOOMED."""
    if degree is Degree.HEALTHY:
        return OK
    return FAILING if degree.is_failing else IN_PROGRESS


def worst_degree(rollouts: Iterable[Rollout]) -> Degree:
    return max((rollout.degree for rollout in rollouts), default=Degree.HEALTHY)


def exit_code_of_all(rollouts: Iterable[Rollout]) -> int:
    return exit_code_of(worst_degree(rollouts))


def as_data(rollout: Rollout) -> dict[str, Any]:
    """JSON's types only. Times are seconds since the epoch, durations end in `_s`; null: nobody can say."""
    workload, verdict = rollout.workload, rollout.verdict
    old_image, target = rollout.old_image, rollout.good_target
    return {
        "namespace": workload.namespace,
        "kind": workload.kind.value,
        "name": workload.name,
        "degree": verdict.degree.name.lower(),
        "title": verdict.title,
        "cause": verdict.cause,
        "capacity": verdict.capacity,
        "exit_code": exit_code_of(verdict.degree),
        "image": rollout.image.short,
        "old_image": old_image.short if old_image is not None else None,
        "template_hash": rollout.new.template_hash if rollout.new is not None else None,
        "desired": workload.desired,
        "new_ready": rollout.new_ready,
        "old_ready": rollout.old_ready,
        "is_complete": rollout.is_complete,
        "began_at": rollout.began_at,
        "finished_at": rollout.finished_at,
        "eta_s": rollout.eta_s,
        "since_began_s": verdict.since_began_s,
        "kubernetes_says_at_s": verdict.kubernetes_says_at_s,
        "last_known_good": target.image.short if target is not None else None,
        "findings": [_finding(finding) for finding in verdict.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "class": finding.kind.value,
        "reason": finding.reason,
        "message": finding.message,
        "pods": len(finding.pod_uids),
        "container": finding.container or None,
        "exit_code": finding.exit_code,
        "restarts": finding.restarts,
        "first_seen_at": finding.first_seen_at,
        "is_confirmed": finding.is_confirmed,
    }
