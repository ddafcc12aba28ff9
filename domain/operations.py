"""An operation as data: what is to be done, step by step, in a form that another process can carry out or take up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from domain.workloads import WorkloadKey

Json = Any
"""What JSON can hold: None, bool, int, float, str, and lists and string-keyed mappings of these."""
NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """Which cluster an operation is for, so that a process that starts later finds the same one and no other."""

    context: str
    namespace: str
    server: str
    environment: str = ""
    is_production: bool = False
    kubeconfig: str = ""
    """The value of $KUBECONFIG, with absolute paths; "" where it was not set."""
    config_file: str = ""
    """The quarterdeck.toml in force; "" for none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done, or found to be done already."""

    id: str
    """Unique in its plan, and the same whenever the plan is made anew: "lock", "patch", "rollout"."""
    kind: str
    """Names the executor in `actions.steps.STEPS`."""
    words: str
    """What it will do: "patch the template (test: generation 42)"."""
    arguments: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    undo: str = ""
    """What takes it back, in words; "" where there is nothing to take back."""
    timeout_s: float = 60.0
    is_write: bool = False
    """It changes something outside: its intent is on disk before it begins."""
    is_always_run: bool = False
    """Also after a step before it has failed: unlocking, recording."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a runner needs. Made from one snapshot: what it was made from is fenced by its steps."""

    id: str
    """Eight characters that can be read out over the phone: no 0/O, 1/I/L."""
    action: str
    """The action's name in the registry: "rollback"."""
    place: Place
    workload: WorkloadKey | None
    who: str
    """user@host."""
    reason: str
    created_at: float
    summary: str
    """One line: "roll back shop-backend from v1.9.0 to v1.8.2"."""
    steps: tuple[Step, ...]
    expected_s: float | None = None
    details: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    """Of the action's own: digests, template hashes, generation, images before and after."""
    warnings: tuple[str, ...] = ()


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    ALREADY = "already so"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was begun, and nobody can say whether it has happened. The next resume settles it by its check."""
    SKIPPED = "skipped"


class OperationState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    LEFT = "left"
    """Its runner is gone and did not say goodbye: to be resumed or aborted."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def is_over(self) -> bool:
        return self in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.ABORTED)


@dataclass(frozen=True, slots=True)
class StepProgress:
    step: Step
    state: StepState = StepState.WAITING
    began_at: float | None = None
    ended_at: float | None = None
    message: str = ""
    """The newest word of it: "4/6 ready", or why it failed."""
    hint: str = ""
    fraction: float | None = None
    """0..1 where it can be said."""
    result: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    """What later steps and the report use."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a journal comes to: the only thing that screens and the command line show of an operation."""

    plan: Plan
    state: OperationState
    steps: tuple[StepProgress, ...]
    began_at: float | None = None
    ended_at: float | None = None
    runner_pid: int | None = None
    runner_boot_id: str = ""
    runner_host: str = ""
    heard_at: float | None = None
    """When the journal was last written to."""
    outcome: str = ""
    """One line once it is over: "VERIFIED: 6/6 on v1.8.2, health ✔, smoke ✔"."""
    proposal: str = ""
    """What to do next, where something has to be: "quarterdeck rollback shop-backend --to last-good"."""
    is_abort_asked: bool = False

    @property
    def current(self) -> StepProgress | None:
        return next((s for s in self.steps if s.state is StepState.RUNNING), None)

    @property
    def position(self) -> tuple[int, int]:
        """(number of the step that runs or comes next, how many there are); from 1."""
        settled = (StepState.DONE, StepState.ALREADY, StepState.SKIPPED)
        at = next((i for i, s in enumerate(self.steps) if s.state not in settled), len(self.steps) - 1)
        return at + 1, len(self.steps)
