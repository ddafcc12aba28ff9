"""Brings one step to an end that is known: carried out once, found to be so already, failed, or honestly unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Protocol, TypeVar

from actions.ports import Executor, Ports, StepCheck, StepFailed
from actions.step_run import StepRun, Stopping
from actions.stopping import Stopped
from domain.errors import (
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    JournalError,
    NotFoundError,
    NotSentError,
    OutsideError,
    QuarterdeckError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.journal import StepEnded
from domain.operations import NOTHING, Json, Step, StepState

GRACE_S = 5.0
"""A step that waits ends itself at its time limit; one that does not is ended so much later."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_REFUSED = (ForbiddenError, NotFoundError, InvalidError, ExpiredError)
_UNPROCESSED = (NotSentError, RateLimitedError, UnauthorizedError)
"""The write certainly had no effect, and may have one later."""
T = TypeVar("T")


class Runner(Stopping, Protocol):
    def why_pass_over(self, step: Step) -> tuple[str, str]: ...


class Settling:
    """`is_begun`: a runner before this one began the step, and nobody knows what came of it.

    A write that may have happened is never sent again before the step's check has said that it did not.
    """

    def __init__(self, runner: Runner, executor: Executor, ports: Ports, step: Step, *, is_begun: bool) -> None:
        self._runner = runner
        self._executor = executor
        self._ports = ports
        self._step = step
        self._run = StepRun(runner, step)
        self._was_begun = is_begun
        self._is_open = is_begun
        """It may have happened: look first."""
        self._then: StepEnded | None = None
        """What is known if the check says that it did not happen: it is not tried again."""
        self._pause_s = _FIRST_PAUSE_S

    async def settle(self) -> StepEnded:
        while True:
            try:
                return await (self._look() if self._is_open else self._do())
            except _AgainError as again:
                trouble, pause_s = again.trouble, again.pause_s
            if self._run.time_left_s <= pause_s:
                return self._out_of_time(trouble)
            self._run.tell(f"{trouble.message}; trying again")
            # An abort does not end this pause where something is open: first it is found out what has happened.
            try:
                await (self._runner.clock.sleep(pause_s) if self._is_open else self._run.sleep(pause_s))
            except Stopped as stop:
                return self._stopped(stop)

    async def _look(self) -> StepEnded:
        """By the step's own check."""
        try:
            check: StepCheck = await self._within_limit(self._executor.check(self._ports, self._step, self._run))
        except (RateLimitedError, UnreachableError, UnauthorizedError) as error:
            raise self._again(error) from error
        except TimeoutError as error:
            raise self._again(UnreachableError("no answer in time", "Is the API server up?")) from error
        except Stopped as stop:
            return self._stopped(stop)
        except QuarterdeckError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001  (the runner: what was begun is brought to an end whatever happens)
            return self._unknown(_defect(error))
        if check.is_done is None:
            message = check.message or "nobody can say whether it has happened"
            return self._ended(StepState.UNKNOWN, message, check.hint or "Look at it, then resume or abort.", check.result)
        if check.is_done:
            state = StepState.ALREADY if self._was_begun else StepState.DONE
            return self._ended(state, str(check.result.get("message") or check.message), "", check.result)
        self._is_open = False
        return self._then or await self._do()

    async def _do(self) -> StepEnded:
        why, words = self._runner.why_pass_over(self._step)
        if why:
            return self._ended(StepState.SKIPPED, words, "", {"why": why})
        try:
            result = await self._carry_out()
        except (Stopped, JournalError) as stop:
            if isinstance(stop, JournalError):
                raise
            return self._stopped(stop)
        except _UNPROCESSED as error:
            raise self._again(error) from error
        except ConflictError as error:
            return await self._settled_by_check(self._failed(error))
        except (*_REFUSED, StepFailed) as error:
            return self._failed(error)
        except (OutsideError, TimeoutError) as error:
            self._is_open = self._step.is_write
            trouble = error if isinstance(error, OutsideError) else self._too_late()
            raise self._again(trouble) from error
        except QuarterdeckError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001
            return await self._settled_by_check(self._failed(_defect(error)))
        return self._ended(StepState.DONE, str(result.get("message", "")), "", result)

    async def _carry_out(self) -> Mapping[str, Json]:
        if not self._step.is_write:
            return await self._interruptibly(self._executor.carry_out(self._ports, self._step, self._run))
        await self._run.before_write()
        return await self._within_limit(self._executor.carry_out(self._ports, self._step, self._run))

    async def _settled_by_check(self, otherwise: StepEnded) -> StepEnded:
        if not self._step.is_write:
            return otherwise
        self._then = otherwise
        self._is_open = True
        return await self._look()

    async def _within_limit(self, work: Awaitable[T]) -> T:
        """TimeoutError; what was sent by then may have had its effect."""
        async with asyncio.timeout(self._run.time_left_s + GRACE_S):
            return await work

    async def _interruptibly(self, work: Awaitable[T]) -> T:
        """For what only looks and waits: the reason to stop is raised at once."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._runner.stopped(self._step))
        try:
            limit_s = self._run.time_left_s + GRACE_S
            await asyncio.wait({task, stopped}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            self._runner.raise_if_stopped(self._step)
            raise TimeoutError
        finally:
            for one in (task, stopped):
                one.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    def _again(self, trouble: OutsideError) -> _AgainError:
        pause_s = self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        if isinstance(trouble, RateLimitedError) and trouble.retry_after_s is not None:
            pause_s = max(pause_s, trouble.retry_after_s)
        return _AgainError(trouble, pause_s)

    def _out_of_time(self, trouble: OutsideError) -> StepEnded:
        if self._then is not None and not self._is_open:
            return self._then
        if self._step.is_write and not self._is_open:
            return self._ended(StepState.UNKNOWN, f"not done yet: {trouble.message}", trouble.hint)
        return self._unknown(trouble)

    def _unknown(self, error: QuarterdeckError) -> StepEnded:
        if not self._step.is_write:
            return self._ended(StepState.UNKNOWN, error.message, error.hint)
        hint = f"{error.hint} Resuming looks first whether it has happened.".strip()
        return self._ended(StepState.UNKNOWN, f"it may or may not have happened: {error.message}", hint)

    def _failed(self, error: QuarterdeckError) -> StepEnded:
        result = dict(error.result, proposal=error.proposal) if isinstance(error, StepFailed) else NOTHING
        return self._ended(StepState.FAILED, error.message, error.hint, result)

    def _stopped(self, stop: Stopped) -> StepEnded:
        return self._ended(StepState.SKIPPED, str(stop), "", {"why": stop.why})

    def _too_late(self) -> OutsideError:
        return UnreachableError(f"not done within {self._step.timeout_s:g} s", "Is the API server slow?")

    def _ended(self, state: StepState, message: str, hint: str, result: Mapping[str, Json] = NOTHING) -> StepEnded:
        told = {name: value for name, value in result.items() if name != "message"}
        return StepEnded(self._runner.clock.now(), self._step.id, state, message, hint, told)


class _AgainError(Exception):
    def __init__(self, trouble: OutsideError, pause_s: float) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble
        self.pause_s = pause_s


def _defect(error: Exception) -> QuarterdeckError:
    """Without the error's own text, which may quote anything."""
    return QuarterdeckError(f"a defect of Quarterdeck: {type(error).__name__}", "Please report it, with the log file.")
