"""A deployment's status and conditions, after kubernetes/pkg/controller/deployment (sync.go, progress.go)."""

from __future__ import annotations

from collections.abc import Sequence

from practice.objects import Json, epoch_of, name_of, rfc3339
from practice.rolling import count_of, desired_of, surge_and_unavailable

_DONE = "NewReplicaSetAvailable"
_LATE = "ProgressDeadlineExceeded"


def status_of(deployment: Json, sets: Sequence[Json], new: Json | None, now: float, speed: float = 1.0) -> Json:
    """The status that follows from the replica sets; `speed` shortens the progress deadline as it does every delay."""
    available = sum(count_of(each, "availableReplicas") for each in sets)
    total = sum(count_of(each, "replicas") for each in sets)
    asked = sum(desired_of(each) for each in sets)
    counts = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": count_of(new, "replicas") if new is not None else 0,
        "readyReplicas": sum(count_of(each, "readyReplicas") for each in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, asked - available),
    }
    old_status: Json = deployment.get("status") or {}
    status: Json = {key: value for key, value in counts.items() if value or key == "observedGeneration"}
    conditions = _Conditions(old_status.get("conditions") or (), now)
    _tell_available(deployment, available, conditions)
    if deployment["spec"].get("progressDeadlineSeconds"):
        _tell_progress(deployment, old_status, status, new, conditions, speed)
    _tell_failure(sets, new, conditions)
    return {**status, "conditions": conditions.values}


class _Conditions:
    def __init__(self, values: Sequence[Json], now: float) -> None:
        self.values = list(values)
        self.now = now

    def find(self, type_: str) -> Json | None:
        return next((each for each in self.values if each["type"] == type_), None)

    def drop(self, type_: str) -> None:
        self.values = [each for each in self.values if each["type"] != type_]

    def put(self, type_: str, status: str, reason: str, message: str, *, is_sign_of_life: bool = False) -> None:
        """Nothing changes for the same status and reason, unless it is a sign of life: then the update time does."""
        old = self.find(type_)
        if old and old["status"] == status and old["reason"] == reason and not is_sign_of_life:
            return
        stamp = rfc3339(self.now)
        turned = old["lastTransitionTime"] if old and old["status"] == status else stamp
        new = {"type": type_, "status": status, "lastUpdateTime": stamp, "lastTransitionTime": turned}
        self.drop(type_)
        self.values.append({**new, "reason": reason, "message": message})


def _tell_available(deployment: Json, available: int, conditions: _Conditions) -> None:
    _, unavailable = surge_and_unavailable(deployment)
    if available >= desired_of(deployment) - unavailable:
        conditions.put("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        text = "Deployment does not have minimum availability."
        conditions.put("Available", "False", "MinimumReplicasUnavailable", text)


def _tell_progress(
    deployment: Json, before: Json, after: Json, new: Json | None, conditions: _Conditions, speed: float
) -> None:
    current = conditions.find("Progressing")
    reason = current["reason"] if current else ""
    if deployment["spec"].get("paused"):
        if reason not in ("DeploymentPaused", _LATE):
            conditions.put("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        return
    if reason == "DeploymentPaused":
        conditions.put("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        return
    subject = f'ReplicaSet "{name_of(new)}"' if new is not None else f'Deployment "{name_of(deployment)}"'
    generation = deployment["metadata"].get("generation", 1)
    if before.get("observedGeneration", 0) < generation and new is not None:
        known = f"{subject}" in (current["message"] if current else "")
        if not known:
            is_fresh = not count_of(new, "replicas") and not count_of(new, "observedGeneration")
            what, said = (
                ("NewReplicaSetCreated", "Created new replica set")
                if is_fresh
                else ("FoundNewReplicaSet", "Found new replica set")
            )
            conditions.put("Progressing", "True", what, f'{said} "{name_of(new)}"', is_sign_of_life=True)
            return
    if after.get("replicas", 0) == after.get("updatedReplicas", 0) and reason == _DONE:
        return
    if _is_complete(deployment, after):
        text = f"{subject} has successfully progressed."
        conditions.put("Progressing", "True", _DONE, text, is_sign_of_life=reason != _DONE)
    elif _has_moved(before, after):
        text = f"{subject} is progressing."
        conditions.put("Progressing", "True", "ReplicaSetUpdated", text, is_sign_of_life=True)
    elif _is_late(deployment, conditions, speed):
        conditions.put("Progressing", "False", _LATE, f"{subject} has timed out progressing.")


def _is_complete(deployment: Json, status: Json) -> bool:
    desired = desired_of(deployment)
    return all(status.get(field, 0) == desired for field in ("updatedReplicas", "replicas", "availableReplicas"))


def _has_moved(before: Json, after: Json) -> bool:
    def old(status: Json) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    grew = any(
        after.get(field, 0) > before.get(field, 0) for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return grew or old(after) < old(before)


def _is_late(deployment: Json, conditions: _Conditions, speed: float) -> bool:
    current = conditions.find("Progressing")
    if current is None or current["reason"] == _DONE:
        return False
    if current["reason"] == _LATE:
        return True
    since = epoch_of(current["lastUpdateTime"]) or conditions.now
    return conditions.now - since > float(deployment["spec"]["progressDeadlineSeconds"]) / speed


def _tell_failure(sets: Sequence[Json], new: Json | None, conditions: _Conditions) -> None:
    for each in ([new] if new is not None else []) + [each for each in sets if each is not new]:
        failure = next(
            (c for c in (each.get("status") or {}).get("conditions") or () if c["type"] == "ReplicaFailure"), None
        )
        if failure:
            conditions.put("ReplicaFailure", failure["status"], failure["reason"], failure["message"])
            return
    conditions.drop("ReplicaFailure")
