"""What a person should look at first."""

from __future__ import annotations

from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.verdict import Degree
from domain.workloads import WorkloadKey


def attention_of(rollout: Rollout) -> int:
    """Higher comes first. What goes well moves as little as possible: rolling, paused and settling are one rank."""
    degree = rollout.degree
    if degree >= Degree.SUSPECT:
        return int(degree)
    return int(degree is not Degree.HEALTHY)


def order_key(rollout: Rollout) -> tuple[int, str, str, str]:
    return (-attention_of(rollout), rollout.workload.namespace, rollout.workload.name, rollout.workload.kind.value)


def needs_you(fleet: Fleet) -> tuple[WorkloadKey, ...]:
    """The workloads in trouble or suspected of it, worst first."""
    keys: list[WorkloadKey] = []
    for rollout in fleet.rollouts.values():
        if rollout.degree < Degree.SUSPECT:
            break
        keys.append(rollout.key)
    return tuple(keys)
