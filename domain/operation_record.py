"""What everybody can read of an operation in the cluster itself: the ConfigMap beside its lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.operation_ports import LeaseState
from domain.operations import Operation, OperationState, Plan
from domain.plan_json import plan_from_json, plan_to_json
from domain.sanitise import sanitise
from domain.template_patch import OPERATION, REASON

ACTION = "quarterdeck.dev/action"
"""On a Lease: what its holder does."""

_DOING = {
    "rollback": "rolls back",
    "deploy": "deploys",
    "restart": "restarts",
    "scale": "scales",
    "pause": "pauses",
    "helm-rollback": "rolls back",
}


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """Text in here has been sanitised, other than `plan_text`, which is never shown."""

    operation: str
    who: str
    action: str
    summary: str
    reason: str
    since: str
    """RFC 3339, UTC."""
    step: int
    steps: int
    step_words: str
    state: str
    """An OperationState's value."""
    outcome: str = ""
    plan_text: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.ABORTED)

    @property
    def sentence(self) -> str:
        """ "oncall@jump2 rolls back, step 3 of 6, since 14:02 UTC (7KQ2): reason"."""
        position = f", step {self.step} of {self.steps}"
        return _sentence(self.who, self.action, position, self.since, self.operation, self.reason)

    def plan(self) -> Plan | None:
        """What was planned, so that it can be taken up; None where it cannot be read."""
        try:
            return plan_from_json(json.loads(self.plan_text))
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            return None


def lease_sentence(lease: LeaseState) -> str:
    """The same by the lock alone, for the moment before its record is written: "oncall@jump2 rolls back, since …"."""
    who, _, held_for = lease.holder.partition("/")
    notes = {name: sanitise(lease.annotations.get(name, ""), 500) for name in (OPERATION, ACTION, REASON)}
    since = lease.acquire_time or lease.renew_time
    return _sentence(
        sanitise(who, 200) or "somebody", notes[ACTION], "", since, notes[OPERATION] or held_for, notes[REASON]
    )


def _sentence(who: str, action: str, position: str, since: str, operation: str, reason: str) -> str:
    doing = _DOING.get(action, f"does {action}" if action else "works on it")
    at = f", since {since[11:16]} UTC" if len(since) >= 16 else ""
    which = f" ({operation})" if operation else ""
    return f"{who} {doing}{position}{at}{which}" + (f": {reason}" if reason else "")


def record_data(operation: Operation, who: str, state: OperationState, outcome: str = "") -> dict[str, str]:
    """The ConfigMap's `data`; `position_data` is the part that changes on the way."""
    plan = operation.plan
    since = datetime.fromtimestamp(operation.began_at or plan.created_at, UTC)
    return {
        "operation": plan.id,
        "who": who,
        "action": plan.action,
        "summary": plan.summary,
        "reason": plan.reason,
        "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "state": str(state),
        "outcome": outcome,
        "plan": json.dumps(plan_to_json(plan)),
        **position_data(operation),
    }


def position_data(operation: Operation) -> dict[str, str]:
    step, steps = operation.position
    words = operation.steps[step - 1].step.words if operation.steps else ""
    return {"step": str(step), "steps": str(steps), "stepWords": words}


def read_record(data: Mapping[str, str]) -> OperationRecord | None:
    """None for a ConfigMap that is no record."""
    if not data.get("operation"):
        return None
    shown = {name: sanitise(str(data.get(name, "")), 500) for name in data if name != "plan"}
    return OperationRecord(
        operation=shown["operation"],
        who=shown.get("who", "") or "somebody",
        action=shown.get("action", ""),
        summary=shown.get("summary", ""),
        reason=shown.get("reason", ""),
        since=shown.get("since", ""),
        step=_number(shown.get("step", "")),
        steps=_number(shown.get("steps", "")),
        step_words=shown.get("stepWords", ""),
        state=shown.get("state", ""),
        outcome=shown.get("outcome", ""),
        plan_text=str(data.get("plan", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
