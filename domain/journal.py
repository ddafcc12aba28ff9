"""The facts of an operation, as its journal holds them a line each, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from domain.operations import NOTHING, Json, Operation, OperationState, Plan, StepProgress, StepState


@dataclass(frozen=True, slots=True)
class Planned:
    """Always the first line."""

    at: float
    plan: Plan


@dataclass(frozen=True, slots=True)
class RunnerStarted:
    """A runner has taken the operation up, for the first time or again."""

    at: float
    pid: int
    host: str
    boot_id: str


@dataclass(frozen=True, slots=True)
class StepBegan:
    """Written before the effect."""

    at: float
    step: str


@dataclass(frozen=True, slots=True)
class StepTold:
    """Progress within a step."""

    at: float
    step: str
    message: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class StepEnded:
    """Written after the effect, with how it ended."""

    at: float
    step: str
    state: StepState
    message: str = ""
    hint: str = ""
    result: Mapping[str, Json] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class AbortAsked:
    at: float
    who: str


@dataclass(frozen=True, slots=True)
class Ended:
    at: float
    state: OperationState
    outcome: str
    proposal: str = ""


JournalFact = Planned | RunnerStarted | StepBegan | StepTold | StepEnded | AbortAsked | Ended


def operation_of(facts: Iterable[JournalFact]) -> Operation | None:
    """None where not even the plan is there. A line that makes no sense after those before it changes nothing."""
    operation: Operation | None = None
    for fact in facts:
        operation = take(operation, fact)
    return operation


def take(operation: Operation | None, fact: JournalFact) -> Operation | None:
    """`operation` with one more fact; pure, so that a screen can follow a journal line by line."""
    if isinstance(fact, Planned):
        steps = tuple(StepProgress(step) for step in fact.plan.steps)
        return operation or Operation(fact.plan, OperationState.PLANNED, steps, heard_at=fact.at)
    if operation is None:
        return None
    operation = replace(operation, heard_at=fact.at)
    match fact:
        case RunnerStarted():
            return replace(
                operation,
                state=OperationState.RUNNING,
                began_at=operation.began_at if operation.began_at is not None else fact.at,
                runner_pid=fact.pid,
                runner_host=fact.host,
                runner_boot_id=fact.boot_id,
                ended_at=None,
                outcome="",
                proposal="",
                steps=tuple(_interrupted(s) for s in operation.steps),
            )
        case StepBegan():
            return _with_step(operation, fact.step, state=StepState.RUNNING, began_at=fact.at, ended_at=None)
        case StepTold():
            return _with_step(operation, fact.step, message=fact.message, fraction=fact.fraction)
        case StepEnded():
            return _with_step(
                operation,
                fact.step,
                state=fact.state,
                ended_at=fact.at,
                message=fact.message,
                hint=fact.hint,
                result=fact.result,
            )
        case AbortAsked():
            return replace(operation, is_abort_asked=True)
        case Ended():
            return replace(operation, state=fact.state, ended_at=fact.at, outcome=fact.outcome, proposal=fact.proposal)


def _interrupted(step: StepProgress) -> StepProgress:
    """A runner that takes over finds what the one before left half done."""
    return replace(step, state=StepState.UNKNOWN) if step.state is StepState.RUNNING else step


def _with_step(operation: Operation, step_id: str, **changes: object) -> Operation:
    steps = tuple(
        replace(s, **changes) if s.step.id == step_id else s  # type: ignore[arg-type]
        for s in operation.steps
    )
    return replace(operation, steps=steps)
