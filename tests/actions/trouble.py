"""Trouble at chosen points of a run, and what all tests of the runner look at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from domain.errors import (
    AnswerLostError,
    UnreachableError,
)
from domain.operations import Operation, StepState
from tests.actions.stage import LOCK

PATCH = "patch Deployment/shop-backend"
EFFECTS = (
    f"create ConfigMap/{LOCK}",
    PATCH,
    "create ConfigMap/quarterdeck-marks",
    "replace ConfigMap/quarterdeck-marks",
    "create Event/shop-backend.quarterdeck-7kq2abcd",
    f"replace ConfigMap/{LOCK}",
)


def now() -> float:
    return asyncio.get_running_loop().time()


def lost() -> AnswerLostError:
    return AnswerLostError("the connection broke", "Look at the network.")


def states(operation: Operation) -> dict[str, StepState]:
    return {s.step.id: s.state for s in operation.steps}


def at(point: str, error: Callable[[], Exception], times: int = 1) -> Callable[[str], None]:
    """Raises at that point, so many times."""
    left = [times]

    def trouble(name: str) -> None:
        if name == point and left[0]:
            left[0] -= 1
            raise error()

    return trouble


def between(begin_s: float, end_s: float) -> Callable[[str], None]:
    """The API server is away: what is sent does not arrive, and what has arrived is not answered."""

    def trouble(name: str) -> None:
        if begin_s <= now() < end_s and not name.partition(" ")[2].startswith(("line", "command")):
            raise lost() if name.startswith("after") else UnreachableError("no answer", "Look at the network.")

    return trouble
