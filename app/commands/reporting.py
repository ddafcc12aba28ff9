"""What a script is told about a rollout. The field names are a promise: docs/command-line.md describes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain import exit_codes
from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.templates import ImageName
from domain.verdict import Degree, Finding

SCHEMA = 1
"""Raised when a field goes or changes its meaning; new fields may come without."""


@dataclass(frozen=True, slots=True)
class FindingReport:
    """One observed trouble; the same trouble on several pods is one finding."""

    kind: str
    """"doomed", "likely", "suspect", "business" or "noise"."""
    reason: str
    message: str
    pods: int
    container: str
    exit_code: int | None
    restarts: int
    is_confirmed: bool
    """Its threshold is reached: it counts."""


@dataclass(frozen=True, slots=True)
class RevisionReport:
    """A version to go back to. Numbers change with every undo: `template_hash` tells versions apart."""

    revision: int
    image: str
    template_hash: str


@dataclass(frozen=True, slots=True)
class WorkloadReport:
    """One workload and its verdict. Times are seconds since the epoch, durations seconds."""

    namespace: str
    kind: str
    name: str
    image: str
    """Of the first main container, as the newest version has it."""
    old_image: str | None
    """What old pods still run, where it differs."""
    revision: int
    template_hash: str
    desired: int
    updated: int
    ready: int
    available: int
    old: int
    """Pods of older versions that are left."""
    verdict: str
    """"healthy", "progressing", "paused", "suspect", "likely", "business" or "doomed"."""
    title: str
    cause: str
    capacity: str
    is_complete: bool
    is_failing: bool
    began_at: float | None
    since_began_s: float | None
    """How old the rollout was when this verdict was reached."""
    kubernetes_says_at_s: float | None
    """How old it will be when Kubernetes itself calls it failed; null: never."""
    eta_s: float | None
    rollback_to: RevisionReport | None
    """The last known good version, where it is another one."""
    findings: tuple[FindingReport, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `quarterdeck status -o json` prints."""

    schema: int
    at: float
    context: str
    namespace: str
    """"" for all namespaces."""
    environment: str
    is_production: bool
    verdict: str
    """The worst of the workloads'."""
    exit_code: int
    blind_spots: dict[str, str]
    """What could not be read though verdicts come from it: source -> why. {} when all was read."""
    workloads: tuple[WorkloadReport, ...]


@dataclass(frozen=True, slots=True)
class WatchLine:
    """A line of `quarterdeck watch -o jsonl`: one a change, the last one with an exit code."""

    at: float
    exit_code: int | None
    """null: no verdict yet."""
    workload: WorkloadReport


def exit_code_of(degree: Degree) -> int:
    if degree.is_failing:
        return exit_codes.FAILING
    return exit_codes.OK if degree is Degree.HEALTHY else exit_codes.IN_PROGRESS


def worst(rollouts: Iterable[Rollout]) -> Degree:
    return max((rollout.degree for rollout in rollouts), default=Degree.HEALTHY)


def workload_report(rollout: Rollout) -> WorkloadReport:
    workload, verdict, target = rollout.workload, rollout.verdict, rollout.good_target
    old_image = rollout.old_image
    return WorkloadReport(
        namespace=workload.namespace,
        kind=str(workload.kind),
        name=workload.name,
        image=next(iter(workload.template.main_images), ""),
        old_image=_reference(old_image) if old_image else None,
        revision=rollout.new.number if rollout.new else workload.revision,
        template_hash=rollout.new.template_hash if rollout.new else "",
        desired=workload.desired,
        updated=workload.updated,
        ready=workload.ready,
        available=workload.available,
        old=len(rollout.old_pods),
        verdict=verdict.degree.name.lower(),
        title=verdict.title,
        cause=verdict.cause,
        capacity=verdict.capacity,
        is_complete=rollout.is_complete,
        is_failing=verdict.degree.is_failing,
        began_at=rollout.began_at,
        since_began_s=verdict.since_began_s,
        kubernetes_says_at_s=verdict.kubernetes_says_at_s,
        eta_s=rollout.eta_s,
        rollback_to=RevisionReport(target.revision.number, _reference(target.image), target.revision.template_hash)
        if target
        else None,
        findings=tuple(_finding(finding) for finding in verdict.findings),
    )


def status_report(fleet: Fleet, rollouts: tuple[Rollout, ...], blind: dict[str, str]) -> StatusReport:
    degree = worst(rollouts)
    return StatusReport(
        schema=SCHEMA,
        at=fleet.now,
        context=fleet.scope.context,
        namespace=fleet.scope.namespace,
        environment=fleet.scope.environment,
        is_production=fleet.scope.is_production,
        verdict=degree.name.lower(),
        exit_code=exit_code_of(degree),
        blind_spots=blind,
        workloads=tuple(workload_report(rollout) for rollout in rollouts),
    )


def _reference(image: ImageName) -> str:
    tag = f":{image.tag}" if image.tag else ""
    return f"{image.repository}{tag}" + (f"@{image.digest}" if image.digest else "")


def _finding(finding: Finding) -> FindingReport:
    return FindingReport(
        kind=str(finding.kind),
        reason=finding.reason,
        message=finding.message,
        pods=len(finding.pod_uids),
        container=finding.container,
        exit_code=finding.exit_code,
        restarts=finding.restarts,
        is_confirmed=finding.is_confirmed,
    )
