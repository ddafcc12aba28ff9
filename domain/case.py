"""Everything a judge needs to know of one workload, gathered; and how its pods fall into old and new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from domain.fleet import LogTail, RevisionRecord, SeenRollout, Sighting
from domain.metrics import Series
from domain.occurrences import Occurrence
from domain.pods import Pod
from domain.rollouts import Rollout
from domain.templates import PodTemplate
from domain.verdict import VerdictRules
from domain.workloads import Revision, Workload, WorkloadKey, WorkloadKind

HASH_LABEL = "pod-template-hash"


@dataclass(slots=True)
class Case:
    """The mappings are the fleet's own, read and never written. `observed_at` is when the cluster was last heard."""

    workload: Workload
    now: float
    observed_at: float
    rules: VerdictRules
    revisions: Mapping[str, Revision]
    pods_by_owner: Mapping[str, Mapping[str, Pod]]
    occurrences_by_about: Mapping[str, Mapping[str, Occurrence]]
    log_tails: Mapping[str, LogTail]
    sightings: Mapping[tuple[str, str, str], Sighting]
    records: Mapping[tuple[WorkloadKey, str], RevisionRecord]
    series: tuple[Series, ...] = ()
    seen: SeenRollout | None = None
    shown: Rollout | None = None
    """The rollout as it was judged before."""
    is_loading: bool = False
    """Pods or revisions are still being listed: what is missing may yet come."""


@dataclass(slots=True)
class Versions:
    """`history` is newest first and holds `new` too. `new_serving` and `old_serving` are ready and not being deleted."""

    new: Revision | None
    template_hash: str
    """Of the newest version; "" while nobody can say which that is."""
    history: list[Revision]
    new_pods: list[Pod]
    old_pods: list[Pod]
    new_serving: int
    old_serving: int


def versions_of(case: Case) -> Versions:
    workload = case.workload
    history = sorted(case.revisions.values(), key=lambda r: (r.number, r.created_at, r.uid), reverse=True)
    new = _newest(workload, history)
    template_hash = new.template_hash if new is not None else ""
    new_pods: list[Pod] = []
    old_pods: list[Pod] = []
    if workload.kind is WorkloadKind.DEPLOYMENT:
        for revision in history:
            pods = case.pods_by_owner.get(revision.uid)
            if pods:
                (new_pods if revision is new else old_pods).extend(pods.values())
    else:
        if not template_hash:
            template_hash = bare_hash(workload.update_hash, workload.name)
        new_hash = bare_hash(template_hash, workload.name)
        for pod in case.pods_by_owner.get(workload.uid, {}).values():
            (new_pods if bare_hash(pod.template_hash, workload.name) == new_hash else old_pods).append(pod)
    new_serving = len([1 for p in new_pods if p.ready and p.deleted_at is None])
    old_serving = len([1 for p in old_pods if p.ready and p.deleted_at is None])
    if not new_pods and not old_pods:
        # Pods may be forbidden to us, or not here yet: the revisions' own counts are the next best.
        new_serving = new.ready if new is not None else 0
        old_serving = sum(r.ready for r in history if r is not new)
    return Versions(new, template_hash, history, new_pods, old_pods, new_serving, old_serving)


def bare_hash(text: str, name: str) -> str:
    """Stateful sets write `web-5f8c7` where others write `5f8c7`."""
    return text.removeprefix(f"{name}-")


def _newest(workload: Workload, history: list[Revision]) -> Revision | None:
    if not history:
        return None
    if workload.kind is WorkloadKind.STATEFUL_SET and workload.update_hash:
        wanted = bare_hash(workload.update_hash, workload.name)
        return next((r for r in history if bare_hash(r.template_hash, workload.name) == wanted), None)
    if workload.kind is not WorkloadKind.DEPLOYMENT or not workload.revision:
        return history[0]
    numbered = next((r for r in history if r.number == workload.revision), None)
    is_behind = workload.paused or workload.observed_generation < workload.generation
    if numbered is not None and (not is_behind or is_same_template(workload.template, numbered.template)):
        return numbered
    return next((r for r in history if is_same_template(workload.template, r.template)), None)


def is_same_template(a: PodTemplate, b: PodTemplate) -> bool:
    """As the deployment controller compares them: without the hash label that it adds itself."""
    if a.text == b.text:
        return a.containers == b.containers
    return a.containers == b.containers and _canonical(a.text) == _canonical(b.text)


@lru_cache(maxsize=256)
def _canonical(text: str) -> str:
    try:
        template = json.loads(text)
        template.get("metadata", {}).get("labels", {}).pop(HASH_LABEL, None)
        template.get("metadata", {}).pop("creationTimestamp", None)
        return json.dumps(template, sort_keys=True)
    except (ValueError, AttributeError, RecursionError):
        return text


def is_observed(workload: Workload) -> bool:
    """The controller has taken up the newest spec: before that, nothing it reports is about it."""
    return workload.observed_generation >= workload.generation


def is_complete(workload: Workload) -> bool:
    """kubectl's rules (`rollout_status.go`): all updated, all available, no old pod left."""
    if not is_observed(workload):
        return False
    desired = workload.desired
    if workload.kind is WorkloadKind.DEPLOYMENT:
        return workload.updated >= desired and workload.replicas <= workload.updated <= workload.available
    if workload.kind is WorkloadKind.DAEMON_SET:
        return workload.updated >= desired and workload.available >= desired
    if workload.observed_generation == 0 or workload.ready < desired:
        return False
    if workload.min_ready_s and workload.available < desired:
        return False
    return workload.updated >= max(0, desired - workload.partition)
