"""`quarterdeck rollback`, `deploy`, `restart`, `pause`, `resume`, `scale`: flight check, question, operation."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Iterator
from typing import Any

from actions.prepare import Check, CheckKind, Prepared, RefusedByChecksError
from app.boot import open_scope
from app.changing import prepare
from app.commands.observing import observing
from app.commands.ops import attach, who_am_i
from app.commands.signs import Signs, note, say, signs
from app.commands.workload_name import find_workload
from app.options import Options
from app.outside import place_of
from app.runner_process import WaitingRunner
from domain import exit_codes
from domain.ages import clock
from domain.errors import RefusedError
from domain.operations import Place
from domain.plan_json import plan_to_json
from domain.sanitise import sanitise


def run(options: Options, arguments: Namespace) -> int:
    return asyncio.run(_run(options, arguments))


async def _run(options: Options, arguments: Namespace) -> int:
    access, scope, config = await asyncio.to_thread(open_scope, options)
    async with observing(access, scope, config) as observation:
        session, fleet = observation.session, observation.fleet
        key = find_workload(arguments.workload, fleet.rollouts.keys(), scope.namespace or "all namespaces")
        preparing = prepare(arguments.command, session, fleet, key, **_choices(arguments))
        operation = await hand_over(place_of(session), preparing, arguments, key.name)
    return await follow(operation, arguments)


async def hand_over(place: Place, preparing: Awaitable[Prepared], arguments: Namespace, name: str) -> str:
    """Flight check, question about `name`, runner: the operation's id; "" after a dry run. RefusedError otherwise."""
    # It connects while the flight check is made and read.
    runner = None if arguments.dry_run else WaitingRunner(place)
    try:
        prepared = await preparing
        if arguments.dry_run:
            _print(prepared, arguments)
            return ""
        reason = await _confirmed(prepared, arguments, name)
        prepared = prepared.with_reason(reason)
        assert runner is not None
        await asyncio.to_thread(runner.go, prepared.plan)
        runner = None
    except RefusedByChecksError as error:
        _print_checks(error.checks, arguments)
        raise
    finally:
        if runner is not None:
            await asyncio.to_thread(runner.cancel)
    return prepared.plan.id


async def follow(operation: str, arguments: Namespace) -> int:
    if not operation:
        return exit_codes.OK
    if arguments.output != "json":
        say(f"{operation}  it goes on without this terminal; `quarterdeck ops attach {operation}` comes back")
    return await attach(operation, is_json=arguments.output == "json")


def _choices(arguments: Namespace) -> dict[str, Any]:
    choices: dict[str, Any] = {
        "reason": sanitise(arguments.reason, 500),
        "who": who_am_i(),
        "force": arguments.force,
        "no_lock": arguments.no_lock,
        "take_over": arguments.take_over,
    }
    own = {
        "rollback": ("to",),
        "deploy": ("image", "container", "unverified"),
        "scale": ("replicas",),
    }.get(arguments.command, ())
    choices |= {name: getattr(arguments, name) for name in own}
    return choices | ({"container": tuple(arguments.container)} if "container" in choices else {})


async def _confirmed(prepared: Prepared, arguments: Namespace, name: str) -> str:
    """The reason. RefusedError where nobody has said yes; what was typed before the question does not count."""
    reason = arguments.reason or prepared.suggested_reason
    is_production = prepared.plan.place.is_production
    if arguments.confirm == name or (arguments.yes and not is_production):
        # Nobody has been shown them, and the log of whoever runs this will be read.
        _print_checks(tuple(c for c in prepared.checks if c.kind is CheckKind.WARN), arguments)
        return str(reason)
    flag = f"--confirm {name}" if is_production else "--yes"
    if arguments.confirm:
        raise RefusedError(f"--confirm says {arguments.confirm!r}, and it is {name!r}.", "Nothing was done.")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError("Nobody is here to be asked.", f"Nothing was done. For a script: `{flag}`.")
    _print(prepared, arguments)
    return await asyncio.to_thread(_ask, name, str(reason), is_production)


def _ask(name: str, reason: str, is_production: bool) -> str:
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    given = input(f"Reason [{reason}]: " if reason else "Reason: ").strip() or reason
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    if is_production:
        typed = input(f"PRODUCTION. Type {name} to go, anything else to leave: ").strip()
        is_meant = typed == name
    else:
        is_meant = input("Go? [Y/n] ").strip().lower() in ("", "y", "yes")
    if not is_meant:
        raise RefusedError("Not confirmed.", "Nothing was done.")
    return sanitise(given, 500)


def _print(prepared: Prepared, arguments: Namespace) -> None:
    if arguments.output == "json":
        say(json.dumps(_as_data(prepared)))
        return
    for line in _lines(prepared, signs()):
        say(line)


def _lines(prepared: Prepared, marks: Signs) -> Iterator[str]:
    plan = prepared.plan
    yield f"{prepared.summary}  ({plan.place.environment or plan.place.context})"
    for check in prepared.checks:
        yield from _check_lines(check, marks)
    for difference in prepared.differences:
        was = "" if difference.old is None else f"- {difference.old} "
        now = "" if difference.new is None else f"+ {difference.new}"
        yield f"   {difference.kind} {difference.where}: {was}{now}"
    yield "What will happen:"
    for number, step in enumerate(plan.steps, 1):
        yield f"   {number} {step.words}" + (f"  (undo: {step.undo})" if step.undo else "")
    if prepared.expected_s is not None:
        yield f"   about {clock(prepared.expected_s)}"


def _check_lines(check: Check, marks: Signs) -> Iterator[str]:
    sign = {
        CheckKind.GOOD: marks.good,
        CheckKind.WARN: marks.warning,
        CheckKind.BAD: marks.bad,
        CheckKind.UNKNOWN: "?",
    }[check.kind]
    yield f" {sign} {check.words}"
    for line in check.detail:
        yield f"     {line}"


def _print_checks(checks: tuple[Check, ...], arguments: Namespace) -> None:
    if arguments.output == "json":
        return
    for check in checks:
        for line in _check_lines(check, signs()):
            note(line)


def _as_data(prepared: Prepared) -> dict[str, object]:
    return {
        "schema": 1,
        "at": time.time(),
        "summary": prepared.summary,
        "expected_s": prepared.expected_s,
        "checks": [
            {"name": c.name, "kind": c.kind, "words": c.words, "detail": list(c.detail), "override": c.override}
            for c in prepared.checks
        ],
        "differences": [{"kind": d.kind, "where": d.where, "old": d.old, "new": d.new} for d in prepared.differences],
        "patch": [dict(operation) for operation in prepared.patch],
        "plan": plan_to_json(prepared.plan),
    }
