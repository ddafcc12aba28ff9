"""What the steps of an operation are handed: the outside world as ports, and the run they are part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.errors import StepError
from domain.helm_ports import Helm
from domain.metrics import DEFAULT_QUERIES, MetricQuery
from domain.operation_ports import Clock, ClusterWriter, Commands, FleetWatcher, Leases, LeaseState, Registry
from domain.operations import NOTHING, Json, Operation, Plan, Step
from domain.ports import HealthSource, MetricSource


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside, as one operation sees it. What is None is not there: the step that would use it says so."""

    cluster: ClusterWriter
    leases: Leases
    fleet: FleetWatcher
    commands: Commands
    clock: Clock
    health: HealthSource | None = None
    metrics: MetricSource | None = None
    registry: Registry | None = None
    helm: Helm | None = None
    queries: tuple[MetricQuery, ...] = DEFAULT_QUERIES
    """What `metrics` is asked, with the configured limits."""


@dataclass(frozen=True, slots=True)
class StepCheck:
    """Is it so already? True: it has happened, with its result. False: it has not. None: nobody can say; `message` is
    what is known and `hint` what a person should look at."""

    is_done: bool | None
    result: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    message: str = ""
    hint: str = ""


class StepFailed(StepError):
    """A step that was carried out and did not come to what was wanted. `proposal` is the command that comes next, `result`
    what the report can still tell."""

    def __init__(self, message: str, hint: str, *, proposal: str = "", result: Mapping[str, Json] = NOTHING) -> None:
        super().__init__(message, hint)
        self.proposal = proposal
        self.result = result


class Run(Protocol):
    """The operation under way, as one step sees it."""

    @property
    def plan(self) -> Plan: ...

    @property
    def who(self) -> str:
        """user@host of whoever carries it out now: after a takeover not the one who planned it."""
        ...

    @property
    def operation(self) -> Operation:
        """How far it is."""
        ...

    @property
    def results(self) -> Mapping[str, Mapping[str, Json]]:
        """Step id -> what it gave, of the steps that are done."""
        ...

    @property
    def time_left_s(self) -> float:
        """Until this step's time limit. A step that waits ends itself before that, with what it has seen; one that does not
        is ended."""
        ...

    @property
    def lease(self) -> LeaseState | None:
        """What is held, newest state."""
        ...

    def tell(self, message: str, fraction: float | None = None) -> None:
        """Progress, for the journal: what is new only, and not more often than once a second."""
        ...

    async def before_write(self) -> None:
        """Awaited right before every write: returns when it may go out. Raises where the lock is lost or an abort was
        asked; such an exception passes through the step."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits; raises as `before_write` does as soon as there is reason to."""
        ...

    def hold(self, lease: LeaseState, namespace: str) -> None:
        """From now on the lease is renewed in the background, every third of its duration."""
        ...

    async def let_go(self) -> LeaseState | None:
        """Renewing ends; the newest state of what was held, None for nothing."""
        ...


class Executor(Protocol):
    """Carries out the steps of one kind. To be subclassed, for the two methods that are given here.

    A `carry_out` that raises says which kind of trouble it was: an UnreachableError or a plain OutsideError may have been
    too late to stop a write (the runner settles that by `check`), every other OutsideError means that nothing was
    written, a StepFailed that all was done and did not do.
    """

    @property
    def kind(self) -> str:
        """What plans call it."""
        ...

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        """The step's result: JSON, for later steps and the report. `message` in it is shown as the step's last word."""
        ...

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        """For a step that was begun and whose end nobody has seen. One that only looks and waits is done anew."""
        return StepCheck(False)

    async def take_up(self, ports: Ports, step: Step, run: Run) -> None:
        """A new runner goes on behind this step, which is done: whatever has to be held must be held again."""
        return
