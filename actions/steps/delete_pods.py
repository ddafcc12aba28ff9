"""Deletes the pods that a patch alone does not heal: an ordered set waits for its broken pod for ever, OnDelete for all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from actions.ports import Executor, Ports, Run, StepFailed
from domain.case import bare_hash
from domain.operation_ports import ClusterObject
from domain.operations import Json, Step

_HASH_LABELS = ("controller-revision-hash", "pod-template-hash")
_LOOK_EVERY_S = 1.0


class PodDeletions(Executor):
    """Each deletion has a uid precondition, and what is on its way out is left alone: looking again is always safe, so a
    step that was cut off is simply carried on."""

    kind = "delete_pods"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        await self._await_observed(ports, step, run)
        deleted: list[str] = []
        while True:
            pods = await _pods(ports, step)
            bad = [p for p in pods if _is_bad(p, step) and not _is_leaving(p)]
            if not bad:
                return {"deleted": deleted, "message": f"{len(deleted)} deleted" if deleted else "none to delete"}
            broken = [p for p in bad if not _is_ready(p)]
            waits_for = await _unready(ports, step, pods) if step.arguments["is_one_by_one"] and not broken else ""
            if not waits_for:
                # What is broken serves nobody, and an ordered set makes nothing behind it before it is gone.
                await self._delete(ports, step, run, (broken or bad)[0])
                deleted.append(_name((broken or bad)[0]))
                continue
            if run.time_left_s <= _LOOK_EVERY_S:
                raise StepFailed(f"{waits_for} is not ready in time", f"Look at {waits_for}.", result={"deleted": deleted})
            run.tell(f"{len(deleted)} deleted, waiting for {waits_for}")
            await run.sleep(_LOOK_EVERY_S)

    async def _delete(self, ports: Ports, step: Step, run: Run, pod: ClusterObject) -> None:
        await run.before_write()
        await ports.cluster.delete("Pod", step.arguments["namespace"], _name(pod), uid=pod.uid)
        run.tell(f"deleted {_name(pod)}")

    async def _await_observed(self, ports: Ports, step: Step, run: Run) -> None:
        """A controller that has not taken the patch up would make the same broken pod again."""
        given = step.arguments
        generation = int(run.results.get("patch", {}).get("generation", 0))
        while True:
            found = await ports.cluster.read(given["kind"], given["namespace"], given["workload"])
            if int(found.body.get("status", {}).get("observedGeneration", 0)) >= generation:
                return
            if run.time_left_s <= _LOOK_EVERY_S:
                raise StepFailed("its controller has not taken the change up", "Is the controller manager up?")
            run.tell("waiting for the controller to take it up")
            await run.sleep(_LOOK_EVERY_S)


async def _pods(ports: Ports, step: Step) -> list[ClusterObject]:
    """The workload's own, last ordinal first: the order in which an ordered set goes back."""
    given = step.arguments
    selector = ",".join(f"{name}={value}" for name, value in given["selector"].items())
    found = await ports.cluster.list("Pod", given["namespace"], label_selector=selector)
    own = [p for p in found if any(_is_owner(o, given) for o in p.body["metadata"].get("ownerReferences", ()))]
    return sorted(own, key=lambda p: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", _name(p))], reverse=True)


def _is_owner(owner: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if owner.get("kind") == given["kind"]:
        return bool(owner.get("name") == given["workload"])
    return given["kind"] == "Deployment" and str(owner.get("name", "")).startswith(f"{given['workload']}-")


async def _unready(ports: Ports, step: Step, pods: Sequence[ClusterObject]) -> str:
    """What has to come up before the next may go, in words; "" for nothing."""
    for pod in pods:
        if _is_leaving(pod) or not _is_ready(pod):
            return _name(pod)
    given = step.arguments
    body = (await ports.cluster.read(given["kind"], given["namespace"], given["workload"])).body
    wanted = body.get("status", {}).get("desiredNumberScheduled", body.get("spec", {}).get("replicas", 0))
    missing = wanted - len(pods)
    return f"{missing} more of {given['workload']}" if missing > 0 else ""


def _is_bad(pod: ClusterObject, step: Step) -> bool:
    labels = pod.body["metadata"].get("labels") or {}
    value = next((labels[name] for name in _HASH_LABELS if name in labels), "")
    name = str(step.arguments["workload"])
    if bare_hash(value, name) != bare_hash(step.arguments["bad_hash"], name):
        return False
    return not (step.arguments["is_broken_only"] and _is_ready(pod))


def _is_ready(pod: ClusterObject) -> bool:
    conditions = pod.body.get("status", {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _is_leaving(pod: ClusterObject) -> bool:
    return bool(pod.body["metadata"].get("deletionTimestamp"))


def _name(pod: ClusterObject) -> str:
    return str(pod.body["metadata"]["name"])
