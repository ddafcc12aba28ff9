"""Makes the steps that plans are put together from, so that what a plan says and what carries it out agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.marks import Standing
from domain.operations import NOTHING, Json, Step
from domain.workloads import WorkloadKey, WorkloadKind

LEASE_S = 15
"""A dead holder's lock can be taken over after so long without a change."""


def lock_name(workload: WorkloadKey) -> str:
    """Of the Lease, and of the ConfigMap with the record beside it."""
    return f"quarterdeck-{workload.kind.lower()}-{workload.name}"


def holder_of(who: str, operation_id: str) -> str:
    """A Lease's holder: two operations of the same person are two holders."""
    return f"{who}/{operation_id}"


def lock_step(workload: WorkloadKey, *, duration_s: int = LEASE_S, take_over_reason: str = "") -> Step:
    """Holds the workload's Lease from here on. Somebody else's is respected; with a `take_over_reason` it is waited for
    until it has not been renewed for its duration."""
    arguments = {
        **_place(workload),
        "lease": lock_name(workload),
        "duration_s": duration_s,
        "take_over_reason": take_over_reason,
    }
    words = f"lock {workload.name}" + (", taking over what was left" if take_over_reason else "")
    return Step("lock", "lock", words, arguments, undo="unlock", timeout_s=90, is_write=True)


def record_step(workload: WorkloadKey) -> Step:
    """Tells every other Quarterdeck what goes on; kept up to date while the lock is held."""
    arguments = {**_place(workload), "name": lock_name(workload)}
    return Step("record", "record", "tell the others who, what and why", arguments, timeout_s=60, is_write=True)


def record_end_step(workload: WorkloadKey) -> Step:
    arguments = {**_place(workload), "name": lock_name(workload), "is_end": True}
    return Step("record-end", "record", "record how it ended", arguments, timeout_s=60, is_write=True, is_always_run=True)


def unlock_step(workload: WorkloadKey) -> Step:
    arguments = {**_place(workload), "lease": lock_name(workload)}
    return Step("unlock", "unlock", f"unlock {workload.name}", arguments, timeout_s=30, is_write=True, is_always_run=True)


def patch_step(
    workload: WorkloadKey,
    *,
    uid: str,
    generation: int,
    operations: Sequence[Mapping[str, Json]],
    words: str = "",
    undo: str = "",
    change_cause: str = "",
    annotations: Mapping[str, str] = NOTHING,
    id: str = "patch",
    timeout_s: float = 60,
) -> Step:
    """A JSON patch, as `domain.template_patch` makes them. Where `operations` do not begin with the tests on uid and
    generation, or lack the annotations that say which operation, who and why, these are added when it is carried out.
    `annotations` are more to set on the workload itself; `change_cause` goes to kubernetes.io/change-cause."""
    arguments = {
        **_place(workload),
        "uid": uid,
        "generation": generation,
        "operations": [dict(o) for o in operations],
        "annotations": dict(annotations) | ({"kubernetes.io/change-cause": change_cause} if change_cause else {}),
    }
    words = words or f"patch {workload.name} (test: generation {generation})"
    return Step(id, "patch", words, arguments, undo=undo, timeout_s=timeout_s, is_write=True)


def delete_pods_step(
    workload: WorkloadKey,
    *,
    selector: Mapping[str, str],
    bad_hash: str,
    is_broken_only: bool = True,
    is_one_by_one: bool = True,
    timeout_s: float = 600,
) -> Step:
    """Deletes the pods of the revision `bad_hash` (the value of their hash label) that the controller will not replace by
    itself: those that are not ready, or with `is_broken_only=False` every one (OnDelete). `is_one_by_one`: one that is
    ready goes only when every other pod is."""
    arguments = {
        **_place(workload),
        "selector": dict(selector),
        "bad_hash": bad_hash,
        "is_broken_only": is_broken_only,
        "is_one_by_one": is_one_by_one,
    }
    words = f"delete the {'broken ' if is_broken_only else ''}pods of {bad_hash}"
    return Step("delete-pods", "delete_pods", words, arguments, timeout_s=timeout_s, is_write=True)


def rollout_step(workload: WorkloadKey, *, after: str = "patch", timeout_s: float = 900) -> Step:
    """Waits until the rollout of what the step `after` has patched is complete; a failing verdict ends it at once."""
    arguments = {**_place(workload), "after": after}
    return Step("rollout", "rollout", "wait for the rollout, verdict watching", arguments, timeout_s=timeout_s)


def soak_step(workload: WorkloadKey, *, seconds: float = 60, after: str = "patch", timeout_s: float | None = None) -> Step:
    """It must stay complete, with no failing verdict, for so long without a break."""
    arguments = {**_place(workload), "after": after, "seconds": seconds}
    limit_s = seconds * 3 + 120 if timeout_s is None else timeout_s
    return Step("soak", "soak", f"watch it for {seconds:g} s more", arguments, timeout_s=limit_s)


def health_step(workload: WorkloadKey, *, urls: Sequence[str] = (), service: str = "", timeout_s: float = 60) -> Step:
    """Asks what `domain.health.endpoints_of` finds at the new pods, and the configured `urls`, until all is well."""
    arguments = {**_place(workload), "urls": list(urls), "service": service}
    return Step("health", "health", "ask the health endpoints", arguments, timeout_s=timeout_s)


def smoke_http_step(
    workload: WorkloadKey, *, urls: Sequence[str], service: str = "", tries: int = 3, timeout_s: float = 60
) -> Step:
    """GET of each must answer 2xx (SOP 9.1: `curl -f`). A path ("/api/status") is asked at `service` ("name:port") or a new
    pod through the API server's proxy, a URL from this host."""
    arguments = {**_place(workload), "urls": list(urls), "service": service, "tries": tries}
    return Step("smoke-http", "smoke_http", f"smoke test: {', '.join(urls)}", arguments, timeout_s=timeout_s)


def smoke_command_step(
    argv: Sequence[str], *, env: Mapping[str, str] = NOTHING, id: str = "smoke-command", timeout_s: float = 300
) -> Step:
    """`argv` must end with 0 within the time limit; the end of its output is kept. `env` is no place for a secret: it is
    written to the journal."""
    arguments = {"argv": list(argv), "env": dict(env)}
    return Step(id, "smoke_command", f"smoke test: {' '.join(argv)}", arguments, timeout_s=timeout_s)


def metrics_step(
    workload: WorkloadKey, *, before_at: float | None = None, factor: float = 2.0, timeout_s: float = 420
) -> Step:
    """The business metrics now, against their mean before `before_at` (None: before the step "patch"): worse by `factor`
    fails. A rollback compares with the time before the bad version (`before_at` is when its rollout began). Rates look
    back five minutes, so what was bad gets as long to leave them."""
    arguments = {**_place(workload), "before_at": before_at, "factor": factor}
    return Step("metrics", "metrics", "metrics, before against after", arguments, timeout_s=timeout_s)


def mark_step(
    workload: WorkloadKey,
    standing: Standing,
    *,
    template_hash: str = "",
    digest: str = "",
    image: str = "",
    reason: str = "",
    id: str = "mark",
    is_always_run: bool = False,
    only_after: Sequence[str] = (),
) -> Step:
    """Marks a version in the ConfigMap of the namespace. Without a `template_hash` it is the one that the step "rollout"
    has seen running. With `only_after` it is done only where these steps are done: a bad mark that is always run still
    needs its patch."""
    arguments = {
        **_place(workload),
        "standing": str(standing),
        "template_hash": template_hash,
        "digest": digest,
        "image": image,
        "reason": reason,
        "only_after": list(only_after),
    }
    words = f"mark {image or template_hash or 'what runs now'} {standing}"
    return Step(id, "mark", words, arguments, timeout_s=60, is_write=True, is_always_run=is_always_run)


def event_step(workload: WorkloadKey, *, uid: str, reason: str, api_version: str = "apps/v1") -> Step:
    """A Kubernetes Event about the workload; its message is what the operation has come to. `reason` is one word:
    "RolledBack", "Deployed"."""
    arguments = {**_place(workload), "uid": uid, "reason": reason, "api_version": api_version}
    return Step("event", "event", "write a Kubernetes event", arguments, timeout_s=60, is_write=True, is_always_run=True)


def key_of(arguments: Mapping[str, Any]) -> WorkloadKey:
    """The workload that a step is about."""
    return WorkloadKey(arguments["namespace"], WorkloadKind(arguments["kind"]), arguments["workload"])


def _place(workload: WorkloadKey) -> dict[str, Json]:
    return {"namespace": workload.namespace, "kind": str(workload.kind), "workload": workload.name}
