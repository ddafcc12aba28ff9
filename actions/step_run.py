"""The operation under way, as one step sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from actions.lease_keeping import LeaseKeeper
from domain.errors import JournalError
from domain.journal import StepTold
from domain.operation_ports import Clock, LeaseState
from domain.operations import Json, Operation, Plan, Step, StepState

TOLD_EVERY_S = 1.0


class Stopping(Protocol):
    """What the runner is for the steps it runs."""

    keeper: LeaseKeeper | None

    @property
    def operation(self) -> Operation: ...
    @property
    def who(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    def write(self, fact: StepTold) -> None: ...
    def raise_if_stopped(self, step: Step) -> None: ...
    async def stopped(self, step: Step) -> None: ...
    def hold(self, lease: LeaseState, namespace: str) -> None: ...
    async def let_go(self) -> LeaseState | None: ...


class StepRun:
    """Implements `actions.ports.Run` for one step, with its time limit and its progress."""

    def __init__(self, runner: Stopping, step: Step) -> None:
        self._runner = runner
        self._step = step
        self._deadline = asyncio.get_running_loop().time() + step.timeout_s
        self._told = ""
        self._told_at = float("-inf")

    @property
    def plan(self) -> Plan:
        return self._runner.operation.plan

    @property
    def who(self) -> str:
        return self._runner.who

    @property
    def operation(self) -> Operation:
        return self._runner.operation

    @property
    def results(self) -> Mapping[str, Mapping[str, Json]]:
        done = (StepState.DONE, StepState.ALREADY)
        return {s.step.id: s.result for s in self._runner.operation.steps if s.state in done}

    @property
    def time_left_s(self) -> float:
        return max(0.0, self._deadline - asyncio.get_running_loop().time())

    @property
    def lease(self) -> LeaseState | None:
        keeper = self._runner.keeper
        return keeper.lease if keeper is not None else None

    def tell(self, message: str, fraction: float | None = None) -> None:
        now = asyncio.get_running_loop().time()
        if message == self._told or now - self._told_at < TOLD_EVERY_S:
            return
        self._told, self._told_at = message, now
        try:
            self._runner.write(StepTold(self._runner.clock.now(), self._step.id, message, fraction))
        except JournalError:
            # Progress is nothing to stop for; what comes before and after an effect is.
            return

    async def before_write(self) -> None:
        self._runner.raise_if_stopped(self._step)
        if self._runner.keeper is not None:
            await self._runner.keeper.make_certain()
            self._runner.raise_if_stopped(self._step)

    async def sleep(self, seconds: float) -> None:
        self._runner.raise_if_stopped(self._step)
        stopped = asyncio.create_task(self._runner.stopped(self._step))
        slept = asyncio.create_task(self._runner.clock.sleep(seconds))
        try:
            await asyncio.wait({stopped, slept}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            slept.cancel()
            await asyncio.gather(stopped, slept, return_exceptions=True)
        self._runner.raise_if_stopped(self._step)

    def hold(self, lease: LeaseState, namespace: str) -> None:
        self._runner.hold(lease, namespace)

    async def let_go(self) -> LeaseState | None:
        return await self._runner.let_go()
