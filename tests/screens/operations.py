"""Flight checks and operations as values: before, under way, over, and left by their runner."""

from __future__ import annotations

from dataclasses import replace

from actions.prepare import Check, CheckKind, Prepared, Side
from actions.steps import making
from domain.compare import Difference
from domain.marks import Standing
from domain.operations import Operation, OperationState, Place, Plan, StepProgress, StepState
from domain.scope import Scope
from tests import builders as make
from tests import fleets

PRODUCTION = make.production()
ALPHA = make.scope(environment="alpha")
KEY = next(iter(fleets.rolling(PRODUCTION).rollouts))
REASON = "v1.9.0 likely failing: CrashLoopBackOff ×2, cannot reach database"
_IMAGE = f"{make.REGISTRY}/shop-backend"


def plan(scope: Scope = PRODUCTION, *, id: str = "7KQ2MXPA", reason: str = REASON) -> Plan:
    steps = (
        making.lock_step(KEY),
        making.record_step(KEY),
        making.patch_step(
            KEY,
            uid="u1",
            generation=42,
            operations=(),
            words="patch the template back to v1.8.2 (test: generation 42)",
            undo="quarterdeck rollback shop-backend --to 7f9c5d68b4 --force",
        ),
        making.rollout_step(KEY),
        making.soak_step(KEY, seconds=60),
        making.health_step(KEY),
        making.smoke_http_step(KEY, urls=("/health", "/api/status")),
        making.metrics_step(KEY),
        making.mark_step(KEY, Standing.GOOD),
        making.mark_step(KEY, Standing.BAD, image="shop-backend:v1.9.0", template_hash="7f9c5d68b4", id="mark-bad"),
        making.event_step(KEY, uid="u1", reason="RolledBack"),
        making.record_end_step(KEY),
        making.unlock_step(KEY),
    )
    return Plan(
        id=id,
        action="rollback",
        place=Place(scope.context, KEY.namespace, scope.server, scope.environment, scope.is_production),
        workload=KEY,
        who="oncall@jump2",
        reason=reason,
        created_at=make.NOW - 20,
        summary="roll back shop-backend from v1.9.0 to v1.8.2",
        steps=steps,
        expected_s=100,
        warnings=("6 pull requests of v1.9.0 will not be live",),
    )


def check(kind: CheckKind, words: str, *detail: str, hint: str = "") -> Check:
    return Check(words.split()[0], kind, words, detail, hint=hint)


CHECKS = (
    check(CheckKind.WARN, "6 pull requests of v1.9.0 will not be live", "#812 cart totals, #815 login, #816 …"),
    check(CheckKind.UNKNOWN, "quotas cannot be read"),
    check(CheckKind.GOOD, "image still in the registry", "sha256:77ab"),
    check(CheckKind.GOOD, "you may patch deployments here"),
    check(CheckKind.GOOD, "same configuration since v1.8.2"),
    check(CheckKind.GOOD, "no other operation on it"),
    check(CheckKind.GOOD, "old pods serve 6/6, users unaffected"),
    check(CheckKind.GOOD, "the API server accepts it (dry run)"),
)
DIFFERENCES = (
    Difference("image", "shop-backend", f"{_IMAGE}:v1.9.0", f"{_IMAGE}:v1.8.2"),
    Difference("env", "shop-backend FEATURE_X", "on", None),
    Difference("env", "shop-backend LOG_LEVEL", "debug", "info"),
    Difference("resources", "shop-backend limits memory", "512Mi", "256Mi"),
)


def prepared(scope: Scope = PRODUCTION) -> Prepared:
    made = plan(scope)
    return Prepared(
        plan=made,
        checks=CHECKS,
        differences=DIFFERENCES,
        summary=made.summary,
        expected_s=made.expected_s,
        old=Side("v1.9.0", "7f9c5d68b4", "likely failing at 0:18"),
        new=Side("v1.8.2", "65df9b7c4f", "verified 6 d ago, good for 6 d"),
        suggested_reason=REASON,
        needs_reason=scope.is_production,
    )


_MESSAGES = {
    "lock": "locked",
    "patch": "generation 43",
    "rollout": "6/6 ready",
    "soak": "60 s without a sign of failure",
    "health": "3 endpoints well",
    "smoke-http": "/health 200, /api/status 200",
    "metrics": "errors 0.2 % (0.2 % before), p95 184 ms",
}


def _progress(made: Plan, done: int) -> list[StepProgress]:
    """The first `done` steps are over."""
    at = make.NOW - 20
    found = []
    for number, step in enumerate(made.steps):
        if number < done:
            message = _MESSAGES.get(step.id, "")
            found.append(StepProgress(step, StepState.DONE, at, at + 0.2 * (number + 1), message))
            at += 0.2 * (number + 1)
        else:
            found.append(StepProgress(step))
    return found


def under_way(scope: Scope = PRODUCTION, **of_plan: str) -> Operation:
    made = plan(scope, **of_plan)
    steps = _progress(made, 3)
    steps[3] = StepProgress(made.steps[3], StepState.RUNNING, make.NOW - 12, None, "4/6 ready", fraction=0.66)
    return Operation(
        made, OperationState.RUNNING, tuple(steps), make.NOW - 20, None, 4711, "boot", "jump2", heard_at=make.NOW - 1
    )


def succeeded(scope: Scope = PRODUCTION, **of_plan: str) -> Operation:
    made = plan(scope, **of_plan)
    steps = tuple(_progress(made, len(made.steps)))
    return replace(
        under_way(scope, **of_plan),
        steps=steps,
        state=OperationState.SUCCEEDED,
        ended_at=make.NOW - 2,
        outcome="VERIFIED: 6/6 on v1.8.2, health ✔, smoke ✔, metrics as before",
    )


def failed(scope: Scope = PRODUCTION, **of_plan: str) -> Operation:
    begun = under_way(scope, **of_plan)
    steps = list(begun.steps)
    steps[3] = replace(
        steps[3],
        state=StepState.FAILED,
        ended_at=make.NOW - 4,
        message='doomed: ImagePullBackOff ×2, "manifest unknown"',
        hint="v1.8.2 can no longer be pulled; v1.8.1 was good before it.",
        fraction=None,
    )
    for number in range(4, 9):
        steps[number] = replace(steps[number], state=StepState.SKIPPED, message="after a failure")
    for number in range(9, 13):
        steps[number] = replace(steps[number], state=StepState.DONE, began_at=make.NOW - 4, ended_at=make.NOW - 3.8)
    return replace(
        begun,
        steps=tuple(steps),
        state=OperationState.FAILED,
        ended_at=make.NOW - 3,
        outcome='FAILED at "wait for the rollout": doomed: ImagePullBackOff ×2; not verified',
        proposal="quarterdeck rollback shop-backend --to v1.8.1",
    )


def left(scope: Scope = PRODUCTION, **of_plan: str) -> Operation:
    begun = under_way(scope, **of_plan)
    return replace(begun, state=OperationState.LEFT, heard_at=make.NOW - 190)


def at(operation: Operation, ago: float) -> Operation:
    """The same, so many seconds ago."""
    began = make.NOW - ago
    ended = began + 96 if operation.ended_at is not None else None
    return replace(operation, began_at=began, ended_at=ended, plan=replace(operation.plan, created_at=began))
