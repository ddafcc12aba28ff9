"""Looks at a cluster without a screen: the same session that feeds the screen, waited for instead of drawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from domain.errors import ForbiddenError, UnreachableError
from domain.fleet import Fleet
from domain.streams import Source, StreamPhase

if TYPE_CHECKING:
    from app.config import Config
    from app.session import Session
    from clients.kubernetes.access import ClusterAccess
    from domain.scope import Scope

JUDGED_FROM = (
    Source.PODS,
    Source.DEPLOYMENTS,
    Source.STATEFUL_SETS,
    Source.DAEMON_SETS,
    Source.REPLICA_SETS,
    Source.CONTROLLER_REVISIONS,
    Source.OCCURRENCES,
)
"""Without one of these a verdict may be wrong, so each must have been listed, or be known to be out of reach."""
_NEEDED = (Source.PODS, Source.DEPLOYMENTS)
_ANSWER_WITHIN_S = 30.0
_SECOND_CHANCE_S = 3.0
"""A first attempt that fails is tried again for so long: a load balancer may just have lost one of its servers."""


class Observation:
    """`fleet` is the newest snapshot; `until` waits for one that has something to say."""

    session: Session

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._changed = asyncio.Event()
        self._defect: BaseException | None = None

    def take(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._changed.set()

    def fail(self, error: BaseException) -> None:
        self._defect = error
        self._changed.set()

    async def next(self, timeout_s: float | None) -> bool:
        """Wait for the next snapshot; False when there was none in that time."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return False
        if self._defect is not None:
            raise self._defect
        return True

    async def until(self, is_so: Callable[[Fleet], bool], timeout_s: float) -> bool:
        """Wait for a snapshot of which `is_so`; False when the time is over."""
        ends_at = time.monotonic() + timeout_s
        while not is_so(self.fleet):
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                return False
            await self.next(left_s)
        return True


@asynccontextmanager
async def observing(access: ClusterAccess, scope: Scope, config: Config) -> AsyncIterator[Observation]:
    """Yields once everything has been listed. OutsideError where the cluster does not answer or may not be read."""
    from app.session import Session

    observation: Observation | None = None
    session = Session(
        access,
        scope,
        config,
        lambda fleet: observation.take(fleet) if observation else None,
        lambda error: observation.fail(error) if observation else None,
    )
    observation = Observation(session.fleet)
    observation.session = session
    session.start()
    try:
        await _until_listed(observation, scope)
        yield observation
    finally:
        await session.stop()


async def _until_listed(observation: Observation, scope: Scope) -> None:
    if not await observation.until(lambda fleet: _is_settled(fleet) or _has_failed(fleet), _ANSWER_WITHIN_S):
        raise _no_answer(observation.fleet, scope)
    if _has_failed(observation.fleet):
        await observation.until(_is_settled, _SECOND_CHANCE_S)
    fleet = observation.fleet
    for source in _NEEDED:
        state = fleet.stream(source)
        if state.phase is StreamPhase.FORBIDDEN:
            raise ForbiddenError(
                f"{state.reason.rstrip('.')} (as {fleet.scope.user or scope.user or 'nobody'}).",
                state.hint
                or f"Ask for a role that may get, list and watch {source}; `quarterdeck doctor` has the whole list.",
                verb="list",
                resource=str(source),
            )
    if _has_failed(fleet):
        raise _no_answer(fleet, scope)


def _is_settled(fleet: Fleet) -> bool:
    return all(
        fleet.stream(source).phase not in (StreamPhase.LOADING, StreamPhase.FAILED, StreamPhase.STALE)
        for source in JUDGED_FROM
    )


def _has_failed(fleet: Fleet) -> bool:
    """A needed stream has never come up, and it was not for a right that is missing."""
    return any(fleet.stream(source).phase is StreamPhase.FAILED for source in _NEEDED)


def _no_answer(fleet: Fleet, scope: Scope) -> UnreachableError:
    states = [fleet.stream(source) for source in (*_NEEDED, Source.API_SERVER)]
    told = next((state for state in states if state.reason), None)
    if told is not None:
        return UnreachableError(told.reason, told.hint or "`quarterdeck doctor` looks closer.")
    waiting = [str(s) for s in JUDGED_FROM if fleet.stream(s).phase is StreamPhase.LOADING]
    return UnreachableError(
        f"{scope.server} has not listed {', '.join(waiting)} within {_ANSWER_WITHIN_S:.0f} s.",
        "`quarterdeck doctor` looks closer.",
    )


def blind_spots(fleet: Fleet) -> dict[str, str]:
    """What could not be read though verdicts come from it: source -> why."""
    states = [fleet.stream(source) for source in JUDGED_FROM]
    return {
        str(state.source): state.reason or str(state.phase)
        for state in states
        if state.phase in (StreamPhase.FORBIDDEN, StreamPhase.FAILED)
    }
