"""Why an action cannot be carried out now: one sentence that says what is missing and what to do."""

from __future__ import annotations

from domain.fleet import Fleet
from domain.streams import Source, StreamPhase
from domain.targets import Target


def needs_pod_or_workload(_fleet: Fleet, target: Target) -> str | None:
    if target.pod_uid or target.workload:
        return None
    return "Nothing is selected: choose a workload or a pod first."


def needs_metrics(fleet: Fleet, _target: Target) -> str | None:
    if fleet.stream(Source.METRICS).phase is StreamPhase.ABSENT:
        return "No Prometheus was found: set `prometheus.url` in quarterdeck.toml."
    return None


def needs_two_revisions(fleet: Fleet, target: Target) -> str | None:
    if target.workload is None:
        return needs_pod_or_workload(fleet, target)
    rollout = fleet.rollouts.get(target.workload)
    if rollout is not None and len(rollout.history) < 2:
        return f"{target.workload.name} has one revision only: there is nothing to compare it with."
    return None


def needs_write(fleet: Fleet, target: Target) -> str | None:
    if fleet.scope.is_read_only:
        return f"Read-only: {fleet.scope.read_only_reason or 'no session is opened inside a container'}."
    return needs_pod_or_workload(fleet, target)
