"""A plan as JSON and back: for the record in the cluster that lets somebody else take an operation up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from domain.operations import Json, Place, Plan, Step
from domain.workloads import WorkloadKey, WorkloadKind


def plan_to_json(plan: Plan) -> Mapping[str, Json]:
    """Only what `json.dumps` takes; `plan_from_json` gives an equal plan."""
    return {
        **_plain(plan),
        "place": _plain(plan.place),
        "workload": list(plan.workload) if plan.workload else None,
        "steps": [_plain(step) for step in plan.steps],
        "warnings": list(plan.warnings),
    }


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """Raises ValueError, TypeError or KeyError for what is not a plan. What this version does not know is left out."""
    workload = data["workload"]
    known = _known(Plan, data) | {
        "place": Place(**_known(Place, data["place"])),
        "workload": WorkloadKey(workload[0], WorkloadKind(workload[1]), workload[2]) if workload else None,
        "steps": tuple(Step(**_known(Step, step)) for step in data["steps"]),
        "warnings": tuple(data.get("warnings", ())),
    }
    return Plan(**known)


def _plain(value: Plan | Place | Step) -> dict[str, Json]:
    given = {f.name: getattr(value, f.name) for f in fields(value)}
    return {name: dict(v) if isinstance(v, Mapping) else v for name, v in given.items()}


def _known(kind: type[Plan] | type[Place] | type[Step], data: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: data[f.name] for f in fields(kind) if f.name in data}
