"""Why an action cannot be carried out now: one sentence that says what is missing and what to do."""

from __future__ import annotations

from domain.fleet import Fleet
from domain.streams import Source, StreamPhase
from domain.targets import Target
from domain.workloads import WorkloadKind


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


def needs_workload(fleet: Fleet, target: Target) -> str | None:
    """For whatever changes one: it may be changed, one is selected, and what it is like now is known."""
    if fleet.scope.is_read_only:
        return f"Read-only: {fleet.scope.read_only_reason or 'nothing is changed here'}."
    if target.workload is None:
        return "No workload is selected: choose one in Rollouts first."
    if target.workload not in fleet.rollouts:
        return f"{target.workload.name} is not known here (any more): choose another, or wait until it is listed."
    return None


def needs_earlier_revision(fleet: Fleet, target: Target) -> str | None:
    reason = needs_workload(fleet, target)
    if reason or target.workload is None:
        return reason
    rollout = fleet.rollouts[target.workload]
    if len(rollout.history) < 2 and _are_revisions_known(fleet, target.workload.kind):
        return f"{target.workload.name} has one revision only: there is nothing to go back to."
    if rollout.workload.paused:
        return f"{target.workload.name} is paused: `:resume` it first, or nothing would happen."
    return None


def needs_deployment(fleet: Fleet, target: Target) -> str | None:
    reason = needs_workload(fleet, target)
    if reason or target.workload is None:
        return reason
    if target.workload.kind is not WorkloadKind.DEPLOYMENT:
        return f"A {target.workload.kind.value} cannot be paused: only Deployments can."
    if fleet.rollouts[target.workload].workload.paused:
        return f"{target.workload.name} is paused already."
    return None


def needs_paused(fleet: Fleet, target: Target) -> str | None:
    reason = needs_workload(fleet, target)
    if reason or target.workload is None:
        return reason
    if not fleet.rollouts[target.workload].workload.paused:
        return f"{target.workload.name} is not paused."
    return None


def needs_scalable(fleet: Fleet, target: Target) -> str | None:
    reason = needs_workload(fleet, target)
    if reason or target.workload is None:
        return reason
    if target.workload.kind is WorkloadKind.DAEMON_SET:
        return f"{target.workload.name} is a DaemonSet: it has one pod on each node and is not scaled."
    return None


def _are_revisions_known(fleet: Fleet, kind: WorkloadKind) -> bool:
    """Where they are still being listed, or cannot be, the flight check finds out."""
    source = Source.REPLICA_SETS if kind is WorkloadKind.DEPLOYMENT else Source.CONTROLLER_REVISIONS
    return fleet.stream(source).phase is StreamPhase.LIVE
