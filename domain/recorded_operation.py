"""An operation as its record in the cluster tells of it: what everybody sees whose host has no journal of it."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.operation_record import OperationRecord
from domain.operations import Operation, OperationState, Place, Plan, Step, StepProgress, StepState


def recorded_operation(record: OperationRecord, place: Place) -> Operation:
    """Which step it stands at and how it ended; not how long each step took. `place` is where the record was found."""
    plan = record.plan() or _outline(record, place)
    state = next((s for s in OperationState if s == record.state), OperationState.RUNNING)
    at = max(1, min(record.step, len(plan.steps) or 1))
    steps = tuple(StepProgress(step, _state_of(number, at, state)) for number, step in enumerate(plan.steps, 1))
    host = record.who.partition("@")[2]
    return Operation(plan, state, steps, plan.created_at, runner_host=host, outcome=record.outcome)


def _state_of(number: int, at: int, state: OperationState) -> StepState:
    if state is OperationState.SUCCEEDED or number < at:
        return StepState.DONE
    if number > at:
        return StepState.WAITING
    return {OperationState.RUNNING: StepState.RUNNING, OperationState.FAILED: StepState.FAILED}.get(
        state, StepState.WAITING
    )


def _outline(record: OperationRecord, place: Place) -> Plan:
    """Where the plan cannot be read: a newer version has written it, or somebody has changed it."""
    count = max(record.step, record.steps, 1)
    steps = tuple(
        Step(f"step-{n}", "", record.step_words if n == record.step else "not told") for n in range(1, min(count, 99) + 1)
    )
    try:
        since = datetime.strptime(record.since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        since = 0.0
    return Plan(record.operation, record.action, place, None, record.who, record.reason, since, record.summary, steps)
