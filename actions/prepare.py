"""What an action makes before anything is touched: a plan, what was checked, what will differ; or a refusal that says all.

Every action's `prepare(ports, fleet, target, options)` returns a `Prepared`, or raises RefusedByChecksError.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from actions.ports import Ports
from domain.compare import Difference
from domain.errors import RefusedError
from domain.fleet import Fleet
from domain.operations import Json, Place, Plan
from domain.scope import Scope
from domain.workloads import WorkloadKey

_ID_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_ID_LENGTH = 8


class CheckKind(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    """Refuses, unless the check's `override` was given with a reason."""
    UNKNOWN = "unknown"
    """It could not be found out; said, and does not block."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the flight check. `name` is for scripts, `words` for people."""

    name: str
    kind: CheckKind
    words: str
    detail: tuple[str, ...] = ()
    """More, a line each."""
    override: str = ""
    """The option with which a BAD one can be passed: "--force"; "" where nothing helps."""
    is_overridden: bool = False
    """It was BAD and that option was given: shown as a warning."""
    hint: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that an action offers, for the command line and the confirm screen. `metavar` "" is a switch."""

    flag: str
    words: str
    metavar: str = ""
    needs_reason: bool = False

    @property
    def field(self) -> str:
        """The name of the field of the action's options that it sets."""
        return self.flag.removeprefix("--").replace("-", "_")


NO_LOCK = Option("--no-lock", "Go on without the lock that keeps two operations apart.", needs_reason=True)
TAKE_OVER = Option("--take-over", "Take over the lock of an operation whose runner is dead.", needs_reason=True)
FORCE = Option("--force", "Go on although a check says no that can be overruled.", needs_reason=True)
COMMON_OPTIONS = (NO_LOCK, TAKE_OVER, FORCE)


@dataclass(frozen=True, slots=True)
class VerifyRules:
    """What proves that a change of pods has gone well; from the configuration."""

    soak_s: float = 60.0
    is_health_asked: bool = True
    health_urls: tuple[str, ...] = ()
    service: str = ""
    """"name:port" where paths are asked; "" is a new pod."""
    smoke_http: tuple[str, ...] = ()
    """Paths ("/api/status") or URLs."""
    smoke_command: tuple[str, ...] = ()
    smoke_timeout_s: float = 300.0
    metrics_factor: float | None = 2.0
    """How much worse than before fails; None: metrics are not compared."""
    rollout_timeout_s: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every action can be told. The fields beside these are each action's own."""

    reason: str = ""
    who: str = ""
    """user@host; "": by the scope."""
    place: Place | None = None
    """Where the runner finds the cluster again; None: by the scope."""
    verify: VerifyRules = field(default_factory=VerifyRules)
    no_lock: bool = False
    take_over: bool = False
    force: bool = False
    is_change_refused: Callable[[Fleet, WorkloadKey], str | None] | None = None
    """The rule of deployment windows: a sentence where the change may not be made now. Never asked for a rollback."""

    def has(self, flag: str) -> bool:
        """Whether the switch of that flag was given."""
        return bool(getattr(self, flag.removeprefix("--").replace("-", "_"), False))


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a change, in words: "v1.9.0", "9f31c…", "likely failing at 0:41"."""

    version: str
    hash: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Ready to be confirmed. Nothing has been changed yet."""

    plan: Plan
    checks: tuple[Check, ...]
    differences: tuple[Difference, ...]
    summary: str
    expected_s: float | None
    """Until it is verified, by how past rollouts went; None where nothing tells."""
    patch: tuple[dict[str, Json], ...] = ()
    """The whole JSON patch as the dry run sent it."""
    old: Side | None = None
    new: Side | None = None
    suggested_reason: str = ""
    """Prefilled where a person is asked: from the verdict."""
    needs_reason: bool = False
    draft: Callable[[str], Plan] | None = None
    """Makes the plan for a reason."""

    def with_reason(self, reason: str) -> Prepared:
        """The same, for that reason; the operation's id stays. RefusedError where one is needed and this is none."""
        reason = " ".join(reason.split())
        if self.needs_reason and not reason:
            raise RefusedError("A reason is needed.", 'Say why, for those who read it later: `--reason "…"`.')
        return replace(self, plan=self.draft(reason)) if self.draft is not None else self


class RefusedByChecksError(RefusedError):
    """Nothing was done. `checks` are all of them, those that refuse and those that are well."""

    def __init__(self, message: str, hint: str, checks: tuple[Check, ...]) -> None:
        super().__init__(message, hint)
        self.checks = checks


_O = TypeVar("_O", bound=Options, contravariant=True)


class Prepare(Protocol[_O]):
    async def __call__(self, ports: Ports, fleet: Fleet, target: WorkloadKey, options: _O) -> Prepared: ...


def settled(checks: Iterable[Check], options: Options) -> tuple[Check, ...]:
    """With the options given applied: what they override is a warning."""
    return tuple(
        replace(c, kind=CheckKind.WARN, is_overridden=True)
        if c.kind is CheckKind.BAD and c.override and options.has(c.override)
        else c
        for c in checks
    )


def refuse_if_bad(action: str, key: WorkloadKey, checks: Sequence[Check]) -> None:
    """Raises RefusedByChecksError with every reason at once."""
    bad = [c for c in checks if c.kind is CheckKind.BAD]
    if not bad:
        return
    reasons = "; ".join(c.words for c in bad)
    hints = list(dict.fromkeys(c.hint or _override_hint(c) for c in bad))
    message = f"{key.name}: {action} is refused: {reasons}."
    raise RefusedByChecksError(message, " ".join(h for h in hints if h) or "Nothing was changed.", tuple(checks))


def is_overriding(checks: Iterable[Check]) -> bool:
    return any(c.is_overridden for c in checks)


def _override_hint(check: Check) -> str:
    return f'To go on in spite of it: `{check.override} --reason "…"`.' if check.override else ""


def new_plan_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


def place_of(scope: Scope, key: WorkloadKey, options: Options) -> Place:
    if options.place is not None:
        return options.place
    return Place(scope.context, key.namespace, scope.server, scope.environment, scope.is_production)


def who_of(scope: Scope, options: Options) -> str:
    return options.who or f"{scope.user or 'somebody'}@{scope.host or 'unknown'}"
