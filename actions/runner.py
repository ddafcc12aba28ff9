"""Carries a plan out, step by step, with its journal; or takes it up where another runner left it, repeating nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from actions.lease_keeping import LeaseKeeper
from actions.ports import Executor, Ports
from actions.settling import Settling
from actions.step_run import StepRun
from actions.steps import STEPS
from actions.steps.record import write_position
from actions.stopping import AbortedError, LockLostError
from domain.errors import OutsideError, QuarterdeckError
from domain.journal import (
    AbortAsked,
    Ended,
    JournalFact,
    Planned,
    RunnerStarted,
    StepBegan,
    StepEnded,
    operation_of,
    take,
)
from domain.operation_ports import Clock, JournalWriter, LeaseState
from domain.operations import Operation, OperationState, Plan, Step, StepState
from domain.report import Outcome, outcome_of

ABORT_EVERY_S = 0.5
_DONE = (StepState.DONE, StepState.ALREADY)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process this is. `who` is the user@host that runs it; "": the one who planned it."""

    pid: int
    host: str
    boot_id: str
    who: str = ""


def _nobody() -> str | None:
    return None


class Runner:
    """`facts` are what the journal holds already: none for a plan that begins now.

    `abort_asked` is looked at every half second, and gives who asked (user@host) where somebody did: for a journal that
    another process may write that line to. `ask_abort` does the same from within.
    """

    def __init__(
        self,
        plan: Plan,
        journal: JournalWriter,
        ports: Ports,
        identity: Identity,
        *,
        facts: Sequence[JournalFact] = (),
        steps: Mapping[str, Executor] = STEPS,
        abort_asked: Callable[[], str | None] = _nobody,
    ) -> None:
        begun = operation_of(facts)
        self.keeper: LeaseKeeper | None = None
        self._is_new = begun is None
        self._operation = begun or _planned(plan, ports.clock.now())
        self._journal = journal
        self._ports = ports
        self._identity = identity
        self._steps = steps
        self._abort_asked = abort_asked
        self._abort = asyncio.Event()
        if self._operation.is_abort_asked:
            self._abort.set()
        self._told_position: tuple[int, int] | None = None
        self._lost_before = ""
        self._done_before = {s.step.id for s in self._operation.steps if s.state in _DONE}

    @property
    def operation(self) -> Operation:
        return self._operation

    @property
    def who(self) -> str:
        return self._identity.who or self._operation.plan.who

    @property
    def clock(self) -> Clock:
        return self._ports.clock

    async def run(self) -> Operation:
        """To the end, or to where nobody can say (`OperationState.LEFT`). One that is over is only given back.

        Raises JournalError where the journal cannot be written: what was not written down was not begun.
        """
        if self._operation.state.is_over:
            return self._operation
        if self._is_new:
            self._journal.write(Planned(self._operation.plan.created_at, self._operation.plan))
        me = self._identity
        self.write(RunnerStarted(self.clock.now(), me.pid, me.host, me.boot_id))
        listening = asyncio.create_task(self._listen_for_abort())
        try:
            outcome = await self._carry_on()
            self.write(Ended(self.clock.now(), outcome.state, outcome.line, outcome.proposal))
        finally:
            # Nothing outside is touched here: a runner that is killed does not come here either.
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await self.let_go()
        return self._operation

    def ask_abort(self, who: str) -> None:
        """Between steps and inside waits; a write under way is finished first."""
        if not self._operation.is_abort_asked:
            self.write(AbortAsked(self.clock.now(), who))
        self._abort.set()

    def write(self, fact: JournalFact) -> None:
        self._journal.write(fact)
        self._operation = take(self._operation, fact) or self._operation

    @property
    def _lost(self) -> str:
        return self._lost_before or (self.keeper.lost if self.keeper is not None else "")

    def raise_if_stopped(self, step: Step) -> None:
        if self._lost:
            raise LockLostError(self._lost)
        if not step.is_always_run and self._is_abort_asked():
            raise AbortedError("its end was asked for")

    async def stopped(self, step: Step) -> None:
        """Returns when there is reason to stop."""
        events = [] if step.is_always_run else [self._abort]
        if self.keeper is not None:
            events.append(self.keeper.is_lost)
        waits = [asyncio.create_task(event.wait()) for event in events or [asyncio.Event()]]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def hold(self, lease: LeaseState, namespace: str) -> None:
        if self.keeper is None:
            self.keeper = LeaseKeeper(self._ports.leases, lease, namespace, self._tell_position)

    async def let_go(self) -> LeaseState | None:
        keeper, self.keeper = self.keeper, None
        if keeper is None:
            return None
        await keeper.stop()
        return keeper.lease

    async def _carry_on(self) -> Outcome:
        for step in self._operation.plan.steps:
            state = self._state_of(step)
            if state in _DONE and step.id in self._done_before:
                try:
                    await self._take_up(step)
                except OutsideError as error:
                    resume = f"quarterdeck ops resume {self._operation.plan.id}"
                    return Outcome(OperationState.LEFT, f"LEFT before it was taken up: {error.message}", resume)
            elif state is StepState.UNKNOWN:
                await self._settle(step, is_begun=True)
            elif state is StepState.WAITING:
                why, words = self.why_pass_over(step)
                if why:
                    self._pass_over(step, why, words)
                else:
                    await self._settle(step, is_begun=False)
            if not step.is_always_run and self._state_of(step) is StepState.UNKNOWN:
                break
        return outcome_of(self._operation)

    async def _settle(self, step: Step, *, is_begun: bool) -> None:
        self.write(StepBegan(self.clock.now(), step.id))
        executor = self._steps.get(step.kind)
        if executor is None:
            message = f"this version of Quarterdeck does not know how to do {step.kind}"
            hint = "Resume it with the version that it was planned with."
            self.write(StepEnded(self.clock.now(), step.id, StepState.FAILED, message, hint))
            return
        settling = Settling(self, executor, self._ports, step, is_begun=is_begun)
        self.write(await settling.settle())

    async def _take_up(self, step: Step) -> None:
        """OutsideError where it cannot be said whether what the runner before this one held can be held."""
        executor = self._steps.get(step.kind)
        run = StepRun(self, step)
        while executor is not None:
            try:
                await executor.take_up(self._ports, step, run)
                return
            except LockLostError as error:
                self._lost_before = str(error)
                return
            except OutsideError:
                if not run.time_left_s:
                    raise
                await self.clock.sleep(1.0)

    def _state_of(self, step: Step) -> StepState:
        return next(s.state for s in self._operation.steps if s.step.id == step.id)

    def why_pass_over(self, step: Step) -> tuple[str, str]:
        """("lock" | "failure" | "abort" | "condition", the same in words); two "" where the step is to be done."""
        lost = self._lost
        if lost:
            return "lock", lost
        states = {s.step.id: s.state for s in self._operation.steps}
        missing = [i for i in step.arguments.get("only_after", ()) if states.get(i) not in _DONE]
        if missing:
            return "condition", f"only after {', '.join(missing)}"
        if step.is_always_run:
            # Without the lock everything that is always done would be done to somebody else's operation.
            locks = [s.id for s in self._operation.plan.steps if s.kind == "lock"]
            is_ours = all(states[i] in _DONE for i in locks)
            return ("", "") if is_ours else ("condition", "nothing was begun")
        work = [s for s in self._operation.steps if not s.step.is_always_run]
        if any(s.state is StepState.FAILED for s in work):
            return "failure", "a step before it failed"
        stopped = next((s for s in work if s.result.get("why") in ("abort", "lock")), None)
        if stopped is not None:
            return str(stopped.result["why"]), stopped.message
        return ("abort", "its end was asked for") if self._is_abort_asked() else ("", "")

    def _pass_over(self, step: Step, why: str, words: str) -> None:
        ended = StepEnded(self.clock.now(), step.id, StepState.SKIPPED, words, result={"why": why})
        self.write(ended)

    def _is_abort_asked(self) -> bool:
        if not self._abort.is_set():
            who = self._abort_asked()
            if who is not None:
                # The line is in the journal already: whoever asked has written it.
                self._operation = take(self._operation, AbortAsked(self.clock.now(), who)) or self._operation
                self._abort.set()
        return self._abort.is_set()

    async def _listen_for_abort(self) -> None:
        while not self._is_abort_asked():  # noqa: ASYNC110  (it is a file of another process that is looked at)
            await asyncio.sleep(ABORT_EVERY_S)

    async def _tell_position(self) -> None:
        """Now and then, for everybody else: which step it is."""
        position = self._operation.position
        if position != self._told_position:
            try:
                await write_position(self._ports, self._operation)
            except QuarterdeckError:
                return
            self._told_position = position


def _planned(plan: Plan, now: float) -> Operation:
    operation = take(None, Planned(now, plan))
    assert operation is not None
    return operation
