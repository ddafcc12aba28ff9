"""An operation as lines of text: what the command line prints while it runs, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from app.commands.signs import Signs
from domain.ages import clock, short_duration
from domain.operations import Operation, OperationState, StepProgress, StepState

_WORDS = {
    OperationState.LEFT: "left half done: its runner is gone",
    OperationState.PLANNED: "planned",
    OperationState.RUNNING: "running",
    OperationState.SUCCEEDED: "succeeded",
    OperationState.FAILED: "failed",
    OperationState.ABORTED: "aborted",
}


def headline(operation: Operation) -> str:
    plan = operation.plan
    at, most = operation.position
    where = f" in {plan.place.environment or plan.place.namespace}"
    state = _WORDS[operation.state]
    if operation.state is OperationState.RUNNING:
        state = f"step {at} of {most}"
    return f"{plan.id}  {plan.summary}{where}  by {plan.who}  {state}"


def step_line(progress: StepProgress, signs: Signs, now: float) -> str:
    sign = {
        StepState.DONE: signs.good,
        StepState.ALREADY: signs.good,
        StepState.FAILED: signs.bad,
        StepState.UNKNOWN: "?",
        StepState.RUNNING: signs.under_way,
    }.get(progress.state, signs.dot)
    took = ""
    if progress.began_at is not None:
        took = f"  {(progress.ended_at if progress.ended_at is not None else now) - progress.began_at:.1f} s"
    state = f" ({progress.state})" if progress.state in (StepState.ALREADY, StepState.SKIPPED, StepState.UNKNOWN) else ""
    message = f": {progress.message}" if progress.message else ""
    return f" {sign} {progress.step.words}{state}{message}{took}"


def whole(operation: Operation, signs: Signs, now: float) -> Iterator[str]:
    """Everything known of it."""
    plan = operation.plan
    yield headline(operation)
    yield f"  reason    {plan.reason or 'none given'}"
    began = operation.began_at if operation.began_at is not None else plan.created_at
    lasted = f", took {clock(operation.ended_at - began)}" if operation.ended_at is not None else ""
    yield f"  began     {short_duration(now - began)} ago{lasted}"
    for warning in plan.warnings:
        yield f"  {signs.warning} {warning}"
    for progress in operation.steps:
        yield step_line(progress, signs, now)
        if progress.hint and progress.state in (StepState.FAILED, StepState.UNKNOWN):
            yield f"     → {progress.hint}"
    if operation.outcome:
        yield operation.outcome
    if operation.proposal:
        yield f"  → {operation.proposal}"
    if operation.state is OperationState.LEFT:
        yield f"  → quarterdeck ops resume {plan.id}"
