"""The arithmetic of a rolling update, after kubernetes/pkg/controller/deployment (rolling.go, util/deployment_util.go)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from practice.objects import Json


def desired_of(obj: Json) -> int:
    return int(obj["spec"].get("replicas", 1))


def count_of(obj: Json, field: str) -> int:
    return int((obj.get("status") or {}).get(field, 0))


def scaled(value: int | str, total: int, *, is_up: bool) -> int:
    """A count, or a share such as "25%" of `total`."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total / 100
    return math.ceil(share) if is_up else math.floor(share)


def surge_and_unavailable(deployment: Json) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both 0, or nothing could move."""
    strategy = deployment["spec"]["strategy"]
    desired = desired_of(deployment)
    if strategy["type"] == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", "25%"), desired, is_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), desired, is_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, desired)


def new_set_size(deployment: Json, sets: Sequence[Json], new: Json | None) -> int:
    """How many replicas the newest set should ask for now (NewRSNewReplicas)."""
    desired = desired_of(deployment)
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return desired
    surge, _ = surge_and_unavailable(deployment)
    have = desired_of(new) if new is not None else 0
    room = desired + surge - sum(desired_of(each) for each in sets)
    if room <= 0:
        return have
    return have + min(room, desired - have)


def old_set_sizes(deployment: Json, sets: Sequence[Json], new: Json) -> dict[str, int]:
    """Name -> new size of the old sets that shrink now: first what is broken, then as many as stay available."""
    old = sorted((each for each in sets if each is not new), key=_age)
    _, unavailable = surge_and_unavailable(deployment)
    must_have = desired_of(deployment) - unavailable
    missing_new = desired_of(new) - count_of(new, "availableReplicas")
    room = sum(desired_of(each) for each in sets) - must_have - missing_new
    if room <= 0:
        return {}
    sizes = {each["metadata"]["name"]: desired_of(each) for each in old}
    for each in old:
        name = each["metadata"]["name"]
        cut = min(room, sizes[name] - count_of(each, "availableReplicas"))
        if cut > 0:
            sizes[name] -= cut
            room -= cut
    spare = sum(count_of(each, "availableReplicas") for each in sets) - must_have
    for each in old:
        name = each["metadata"]["name"]
        cut = min(spare, sizes[name])
        if cut > 0:
            sizes[name] -= cut
            spare -= cut
    return {name: size for each in old if (size := sizes[(name := each["metadata"]["name"])]) != desired_of(each)}


def proportional_sizes(deployment: Json, sets: Sequence[Json]) -> dict[str, int]:
    """Name -> size when a deployment is scaled in the middle of a rollout: every set keeps its share."""
    active = [each for each in sets if desired_of(each) > 0]
    if not active:
        newest = max(sets, key=_age, default=None)
        return {newest["metadata"]["name"]: desired_of(deployment)} if newest is not None else {}
    if len(active) == 1:
        return {active[0]["metadata"]["name"]: desired_of(deployment)}
    surge, _ = surge_and_unavailable(deployment)
    total = sum(desired_of(each) for each in active)
    allowed = desired_of(deployment) + surge if desired_of(deployment) > 0 else 0
    left = allowed - total
    sizes: dict[str, int] = {}
    for each in sorted(active, key=lambda one: (-desired_of(one), one["metadata"]["name"])):
        before = int((each["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/max-replicas", total))
        share = round(desired_of(each) * allowed / max(before, 1)) - desired_of(each)
        share = max(min(share, left), 0) if left >= 0 else min(max(share, left), 0)
        sizes[each["metadata"]["name"]] = max(0, desired_of(each) + share)
        left -= share
    biggest = next(iter(sizes))
    sizes[biggest] = max(0, sizes[biggest] + left)
    return sizes


def _age(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]
