"""What an operation has come to, in one line, from nothing but what its steps gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.operations import Operation, StepProgress, StepState

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
        sign = "" if checks and is_done else " ✔" if is_done else " ✖"
        return f"health{sign}{checks}"
    if kind == "metrics" and not given.get("is_read", True):
        return "metrics not read"
    return f"{_title(step)} {'✔' if is_done else '✖'}"


def _smoke(steps: list[StepProgress]) -> str:
    if all(s.state in (StepState.WAITING, StepState.SKIPPED) for s in steps):
        return "smoke not run"
    passed = sum(int(s.result.get("passed", 0)) for s in steps)
    total = sum(int(s.result.get("total", 0)) or 1 for s in steps)
    return f"smoke {'✔' if all(s.state in _DONE for s in steps) else '✖'} {passed}/{total}"
