"""`quarterdeck ops`: the operations of this host: list them, look at one, follow it, take it up again, ask it to stop."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from app.commands.operation_text import headline, step_line, whole
from app.commands.signs import Signs, say, signs
from app.options import Options
from app.places import operations_folder
from app.runner_process import WaitingRunner
from clients.journal_file import ask_abort, follow_operation, journal_path, list_operations, read_operation
from domain import exit_codes
from domain.errors import ConfigError, RefusedError
from domain.journal import AbortAsked
from domain.operations import Operation, OperationState, StepState
from domain.plan_json import plan_to_json

_MOST_LISTED = 20


def run(_options: Options, arguments: Namespace) -> int:
    do: Callable[[Namespace], int] = _DOING[arguments.what]
    return do(arguments)


def who_am_i() -> str:
    return f"{getpass.getuser()}@{os.uname().nodename}"


async def attach(operation_id: str, *, is_json: bool = False) -> int:
    """Print what the operation does until it is over; leaving does not end it."""
    path = journal_path(operations_folder(), operation_id)
    seen: dict[str, tuple[StepState, str]] = {}
    marks = signs()
    async for operation in follow_operation(path):
        _print_news(operation, seen, marks, is_json)
        if operation.state.is_over:
            _print_end(operation, marks, is_json)
            return code_of(operation)
        if operation.state is OperationState.LEFT:
            say(f"{marks.warning} Its runner is gone. `quarterdeck ops resume {operation_id}` takes it up.")
            return exit_codes.STEP_FAILED
    return exit_codes.INTERNAL


def code_of(operation: Operation) -> int:
    if operation.state is OperationState.SUCCEEDED:
        return exit_codes.OK
    return exit_codes.IN_PROGRESS if operation.state is OperationState.RUNNING else exit_codes.STEP_FAILED


def _print_news(operation: Operation, seen: dict[str, tuple[StepState, str]], marks: Signs, is_json: bool) -> None:
    for progress in operation.steps:
        now = (progress.state, progress.message)
        if progress.state is StepState.WAITING or seen.get(progress.step.id) == now:
            continue
        seen[progress.step.id] = now
        if is_json:
            say(json.dumps({"step": progress.step.id, "state": progress.state, "message": progress.message}))
        else:
            say(step_line(progress, marks, time.time()))


def _print_end(operation: Operation, marks: Signs, is_json: bool) -> None:
    if is_json:
        say(json.dumps({"state": operation.state, "outcome": operation.outcome, "proposal": operation.proposal}))
        return
    say(f"{marks.good if operation.state is OperationState.SUCCEEDED else marks.bad} {operation.outcome}")
    if operation.proposal:
        say(f"  → {operation.proposal}")


def _list(arguments: Namespace) -> int:
    found = list_operations(operations_folder())
    if arguments.output == "json":
        say(json.dumps([_as_data(operation) for operation in found]))
        return exit_codes.OK
    if not found:
        say("No operation has been carried out from this host yet.")
    for operation in found[:_MOST_LISTED]:
        say(headline(operation))
    return exit_codes.OK


def _show(arguments: Namespace) -> int:
    operation = _find(arguments.id)
    if arguments.output == "json":
        say(json.dumps(_as_data(operation)))
        return code_of(operation)
    for line in whole(operation, signs(), time.time()):
        say(line)
    return code_of(operation)


def _attach(arguments: Namespace) -> int:
    operation = _find(arguments.id)
    say(headline(operation))
    return asyncio.run(attach(operation.plan.id, is_json=arguments.output == "json"))


def _resume(arguments: Namespace) -> int:
    operation = _find(arguments.id)
    if operation.state.is_over:
        raise RefusedError(f"{operation.plan.id} is over: {operation.outcome}", "There is nothing left to do in it.")
    if operation.state is OperationState.RUNNING:
        hint = f"`quarterdeck ops attach {operation.plan.id}` follows it."
        raise RefusedError(f"{operation.plan.id} is being carried out by process {operation.runner_pid}.", hint)
    runner = WaitingRunner(operation.plan.place)
    runner.resume(operation.plan.id, who=who_am_i())
    say(headline(operation))
    return asyncio.run(attach(operation.plan.id, is_json=arguments.output == "json"))


def _abort(arguments: Namespace) -> int:
    operation = _find(arguments.id)
    if operation.state.is_over:
        raise RefusedError(f"{operation.plan.id} is over: {operation.outcome}", "There is nothing to abort.")
    ask_abort(journal_path(operations_folder(), operation.plan.id), AbortAsked(time.time(), who_am_i()))
    if operation.state is OperationState.LEFT:
        # Nobody is there to hear it: whoever takes it up only tidies away what was begun.
        runner = WaitingRunner(operation.plan.place)
        runner.resume(operation.plan.id, who=who_am_i())
    say(f"Asked. {operation.plan.id} stops before its next step.")
    return asyncio.run(attach(operation.plan.id, is_json=arguments.output == "json"))


def _find(text: str) -> Operation:
    """By its id, or the beginning of it; "" is the newest."""
    folder = operations_folder()
    exact = _read(journal_path(folder, text.upper())) if text else None
    if exact is not None:
        return exact
    found = [o for o in list_operations(folder) if o.plan.id.startswith(text.upper())]
    if not found:
        raise ConfigError(f"There is no operation {text!r} on this host.", "`quarterdeck ops list` shows those there are.")
    if text and len(found) > 1:
        raise ConfigError(f"Several operations begin with {text!r}.", ", ".join(o.plan.id for o in found[:5]))
    return found[0]


def _read(path: Path) -> Operation | None:
    return read_operation(path) if path.exists() else None


def _as_data(operation: Operation) -> dict[str, object]:
    return {
        "schema": 1,
        "id": operation.plan.id,
        "state": operation.state,
        "summary": operation.plan.summary,
        "who": operation.plan.who,
        "reason": operation.plan.reason,
        "outcome": operation.outcome,
        "proposal": operation.proposal,
        "began_at": operation.began_at,
        "ended_at": operation.ended_at,
        "steps": [
            {"id": s.step.id, "words": s.step.words, "state": s.state, "message": s.message, "result": dict(s.result)}
            for s in operation.steps
        ],
        "plan": plan_to_json(operation.plan),
    }


_DOING = {"list": _list, "show": _show, "attach": _attach, "resume": _resume, "abort": _abort}
