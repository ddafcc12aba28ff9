"""What an operation has come to, in one line, from nothing but what its steps gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.operations import Operation, OperationState, StepProgress, StepState

_DONE = (StepState.DONE, StepState.ALREADY)
_VERIFYING = ("rollout", "soak", "health", "smoke_http", "smoke_command", "metrics")
_TITLES = {"smoke_http": "smoke", "smoke_command": "smoke"}


@dataclass(frozen=True, slots=True)
class Report:
    is_verified: bool
    """Every step that verifies has passed. One that had nothing to ask (no Prometheus) passes, and is named."""
    line: str
    """"VERIFIED: 6/6 on v1.8.2, health ✔ database ✔ redis ✔ storage, smoke ✔ 2/2, metrics ✔"."""
    failed: tuple[str, ...] = ()
    """Which steps are not as wanted: "health"."""


def report_of(operation: Operation) -> Report | None:
    """None for an operation that changes no pods: nothing in it verifies."""
    steps = [s for s in operation.steps if s.step.kind in _VERIFYING]
    if not steps:
        return None
    failed = tuple(dict.fromkeys(_title(s) for s in steps if s.state not in _DONE))
    parts = ", ".join(_parts(steps))
    return Report(not failed, f"{'NOT ' if failed else ''}VERIFIED: {parts}", failed)


def _title(step: StepProgress) -> str:
    return _TITLES.get(step.step.kind, step.step.kind)


def _parts(steps: list[StepProgress]) -> Iterator[str]:
    smoke = [s for s in steps if _title(s) == "smoke"]
    for step in steps:
        if _title(step) == "smoke":
            if step is smoke[0]:
                yield _smoke(smoke)
        elif step.step.kind != "soak" or step.state not in _DONE:
            yield _part(step)


def _part(step: StepProgress) -> str:
    kind, given = step.step.kind, step.result
    if step.state in (StepState.WAITING, StepState.SKIPPED):
        return f"{_title(step)} not run"
    is_done = step.state in _DONE
    if kind == "rollout" and "desired" in given:
        version = f" on {given['version']}" if given.get("version") else ""
        return f"{given['ready']}/{given['desired']}{version}" + ("" if is_done else " ✖")
    if kind == "health" and "asked" in given:
        if not given["asked"]:
            return "no health endpoint"
        checks = "".join(f" {'✔' if c['is_ok'] else '✖'} {c['name']}" for c in given.get("checks", ()))
        is_told = bool(checks) and is_done is all(c["is_ok"] for c in given["checks"])
        sign = "" if is_told else " ✔" if is_done else " ✖"
        return f"health{sign}{checks}"
    if kind == "metrics" and not given.get("is_read", True):
        return "metrics not compared"
    return f"{_title(step)} {'✔' if is_done else '✖'}"


def _smoke(steps: list[StepProgress]) -> str:
    if all(s.state in (StepState.WAITING, StepState.SKIPPED) for s in steps):
        return "smoke not run"
    passed = sum(int(s.result.get("passed", 0)) for s in steps)
    total = sum(int(s.result.get("total", 0)) or 1 for s in steps)
    return f"smoke {'✔' if all(s.state in _DONE for s in steps) else '✖'} {passed}/{total}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ends, or would end now: `line` and `proposal` are what `Ended` holds."""

    state: OperationState
    line: str
    proposal: str = ""


def outcome_of(operation: Operation) -> Outcome:
    """Told by the steps that do the work; those that are always run only add what they could not do."""
    work = [s for s in operation.steps if not s.step.is_always_run]
    unknown = next((s for s in operation.steps if s.state is StepState.UNKNOWN), None)
    failed = next((s for s in work if s.state is StepState.FAILED), None)
    stopped = next((s for s in work if s.state is StepState.SKIPPED and s.result.get("why") in ("abort", "lock")), None)
    if unknown is not None:
        line = f"LEFT at {_where(operation, unknown)}: {unknown.message}"
        return Outcome(OperationState.LEFT, line, f"quarterdeck ops resume {operation.plan.id}")
    if failed is not None:
        proposal = str(failed.result.get("proposal") or "") or _way_back(operation)
        line = f"FAILED at {_where(operation, failed)}: {failed.message}"
        return Outcome(OperationState.FAILED, line + _how_far(operation) + _not_done(operation), proposal)
    if stopped is not None and stopped.result["why"] == "lock":
        line = f"STOPPED before {_where(operation, stopped)}: {stopped.message}"
        return Outcome(OperationState.FAILED, line + _how_far(operation), f"quarterdeck ops show {operation.plan.id}")
    if stopped is not None:
        line = f"ABORTED before {_where(operation, stopped)}; done: {_done_so_far(operation)}"
        return Outcome(OperationState.ABORTED, line + _not_done(operation), _way_back(operation))
    report = report_of(operation)
    line = report.line if report is not None else f"DONE: {operation.plan.summary}"
    return Outcome(OperationState.SUCCEEDED, line + _not_done(operation))


def _where(operation: Operation, step: StepProgress) -> str:
    number = next(i for i, s in enumerate(operation.steps, 1) if s.step.id == step.step.id)
    return f"step {number} of {len(operation.steps)} ({step.step.words})"


def _has_changed_pods(operation: Operation) -> bool:
    return any(s.step.kind == "patch" and s.state in _DONE for s in operation.steps)


def _way_back(operation: Operation) -> str:
    """A rollback that does not come out well has no way back that could be named here."""
    plan = operation.plan
    if plan.action == "rollback" or plan.workload is None or not _has_changed_pods(operation):
        return ""
    return f"quarterdeck rollback {plan.workload.name} --to last-good"


def _how_far(operation: Operation) -> str:
    if not _has_changed_pods(operation):
        return "; nothing was changed" if any(s.step.kind == "patch" for s in operation.steps) else ""
    report = report_of(operation)
    return f"; {report.line}" if report is not None else ""


def _done_so_far(operation: Operation) -> str:
    done = [s.step.id for s in operation.steps if s.state in _DONE and not s.step.is_always_run]
    return ", ".join(done) or "nothing"


def _not_done(operation: Operation) -> str:
    failed = [s for s in operation.steps if s.step.is_always_run and s.state is StepState.FAILED]
    return "".join(f"; could not {s.step.words}: {s.message}" for s in failed)
