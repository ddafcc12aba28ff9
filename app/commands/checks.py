"""What a check comes to: a sign, a name, what was found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import QuarterdeckError


class State(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    """Something will be missing; the rest works."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """`hint` is set wherever `state` is not good. `exit_code` counts where it is bad."""

    group: str
    name: str
    state: State
    detail: str
    hint: str = ""
    exit_code: int = 0


def good(group: str, name: str, detail: str) -> Check:
    return Check(group, name, State.GOOD, detail)


def warning(group: str, name: str, detail: str, hint: str) -> Check:
    return Check(group, name, State.WARNING, detail, hint)


def failed(group: str, name: str, error: QuarterdeckError, *, state: State = State.BAD) -> Check:
    return Check(group, name, state, error.message, error.hint, error.exit_code)
