"""Is there room for the pods that a rollout makes before it removes others? What quotas and disruption budgets say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from domain.operations import Json
from domain.sanitise import sanitise

Body = Mapping[str, Json]
_SCALES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def quantity(text: Json) -> float | None:
    """A Kubernetes quantity ("250m", "512Mi") as a number; None for what is none."""
    word = str(text).strip()
    digits = word.rstrip("".join(_SCALES))
    scale = _SCALES.get(word[len(digits) :])
    try:
        number = float(digits) * scale if scale is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def surge_of(workload: Body, desired: int) -> int:
    """How many pods a rollout makes before it removes others; 0 where it removes first."""
    spec = workload.get("spec") or {}
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    if workload.get("kind") == "StatefulSet" or strategy.get("type") in ("Recreate", "OnDelete"):
        return 0
    is_deployment = workload.get("kind") == "Deployment"
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge", "25%" if is_deployment else 0)
    return _of(surge, desired, is_rounded_up=True)


def batch_of(workload: Body, desired: int) -> int:
    """How many pods may start at the same time: those made beforehand and those missing; at least 1."""
    spec = workload.get("spec") or {}
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    if workload.get("kind") == "StatefulSet":
        return desired if spec.get("podManagementPolicy") == "Parallel" else 1
    if strategy.get("type") == "Recreate":
        return max(1, desired)
    is_deployment = workload.get("kind") == "Deployment"
    missing = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%" if is_deployment else 1)
    return max(1, surge_of(workload, desired) + _of(missing, desired, is_rounded_up=not is_deployment))


def _of(value: Json, desired: int, *, is_rounded_up: bool) -> int:
    text = str(value)
    try:
        if not text.endswith("%"):
            return max(0, int(text))
        share = int(text[:-1]) * desired / 100
    except ValueError:
        return 0
    return math.ceil(share) if is_rounded_up else math.floor(share)


def short_of_quota(template: Body, extra_pods: int, quotas: Iterable[Body]) -> tuple[str, ...]:
    """What a quota would not let in, in words; empty where there is room for `extra_pods` more of `template`."""
    if extra_pods <= 0:
        return ()
    wanted = {name: amount * extra_pods for name, amount in _of_a_pod(template).items()}
    told = []
    for quota in quotas:
        if (quota.get("spec") or {}).get("scopes") or (quota.get("spec") or {}).get("scopeSelector"):
            continue  # which pods it counts is not told by the template alone
        status = quota.get("status") or {}
        used = status.get("used") or {}
        for resource, hard in (status.get("hard") or {}).items():
            limit, taken = quantity(hard), quantity(used.get(resource, 0))
            need = wanted.get(resource)
            if need and limit is not None and taken is not None and taken + need > limit + 1e-9:
                name = sanitise(str(quota["metadata"].get("name", "")), 100)
                told.append(
                    f"quota {name}: {sanitise(resource, 60)} {sanitise(str(used.get(resource, 0)), 40)} of "
                    f"{sanitise(str(hard), 40)} is used, too little left for {extra_pods} more pods at a time"
                )
    return tuple(told)


def _of_a_pod(template: Body) -> dict[str, float]:
    """By the names of quotas. The largest init container counts where it is more than all others together."""
    spec = template.get("spec") or {}
    amounts: dict[str, float] = {"pods": 1.0, "count/pods": 1.0}
    for field in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            main = sum(_asked(c, field, resource) for c in spec.get("containers") or ())
            first = max((_asked(c, field, resource) for c in spec.get("initContainers") or ()), default=0.0)
            amounts[f"{field}.{resource}"] = max(main, first)
            if field == "requests":
                amounts[resource] = max(main, first)
    return amounts


def _asked(container: Body, field: str, resource: str) -> float:
    resources = container.get("resources") or {}
    # A limit without a request is the request too.
    amount = (resources.get(field) or {}).get(resource, (resources.get("limits") or {}).get(resource, 0))
    return quantity(amount) or 0.0


def budgets_of(labels: Mapping[str, str], budgets: Iterable[Body]) -> tuple[tuple[str, int], ...]:
    """(name of the PodDisruptionBudget, how many pods it lets go now) of those that select pods with these labels."""
    found = []
    for budget in budgets:
        selector = (budget.get("spec") or {}).get("selector") or {}
        wanted = selector.get("matchLabels") or {}
        is_simple = bool(wanted) and not selector.get("matchExpressions")
        if is_simple and all(labels.get(k) == v for k, v in wanted.items()):
            allowed = (budget.get("status") or {}).get("disruptionsAllowed", 0)
            found.append((sanitise(str(budget["metadata"].get("name", "")), 100), int(allowed or 0)))
    return tuple(found)
