"""`quarterdeck _run`: the runner. Reads on its standard input where it is to go, and later what to do; answers one line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from actions.runner import Identity, Runner
from app.options import Options
from app.outside import LiveFleets, outside, session_at
from app.places import operations_folder
from clients.journal_file import JournalFile, journal_path, read_journal
from clients.runner_lock import boot_id, host_name
from domain import exit_codes
from domain.errors import JournalError, QuarterdeckError, UnreachableError
from domain.journal import AbortAsked, Planned, operation_of
from domain.operations import Operation, OperationState, Place
from domain.plan_json import plan_from_json


def run(_options: Options, _arguments: Namespace) -> int:
    # No terminal is ours, and whoever closes theirs must not end what has begun.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    return asyncio.run(_run())


async def _run() -> int:
    place = await _line()
    if place is None:
        return exit_codes.OK
    fleets = LiveFleets()
    session = None
    try:
        session = await asyncio.to_thread(session_at, Place(**place), fleets)
        session.start()
        request = await _line()
        if request is None:
            return exit_codes.OK
        try:
            async with outside(session, fleets) as ports:
                journal, path = _taken_up(request)
                with journal:
                    facts = read_journal(path)
                    operation = operation_of(facts)
                    if operation is None:
                        raise JournalError("The journal holds no plan.", "Nothing was done by it; it can be removed.")
                    _answer({"operation": operation.plan.id})
                    me = Identity(os.getpid(), host_name(), boot_id(), str(request.get("who", "")))
                    asked = partial(_abort_asked_in, path)
                    runner = Runner(operation.plan, journal, ports, me, facts=facts, abort_asked=asked)
                    return _code_of(await runner.run())
        except TimeoutError as error:
            raise UnreachableError(
                "The API server did not answer.", "Nothing was done. Look at `quarterdeck doctor`."
            ) from error
    except QuarterdeckError as error:
        kind = "journal" if isinstance(error, JournalError) else ""
        _answer({"error": error.message, "hint": error.hint, "kind": kind})
        return error.exit_code
    finally:
        if session is not None:
            await session.stop()


async def _line() -> Mapping[str, Any] | None:
    """None: whoever started this has gone, or changed their mind."""
    text = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(text) if text.strip() else None


def _taken_up(request: Mapping[str, Any]) -> tuple[JournalFile, Path]:
    """The journal is created, or opened for going on: this process's alone from here on. JournalError, RefusedError."""
    try:
        folder = operations_folder()
    except OSError as error:
        raise JournalError(
            f"The state folder cannot be written: {error.strerror}.",
            "Nothing was done. `quarterdeck doctor` says which it is.",
        ) from error
    if "plan" in request:
        plan = plan_from_json(request["plan"])
        return JournalFile.create(folder, Planned(plan.created_at, plan)), journal_path(folder, plan.id)
    path = journal_path(folder, str(request["resume"]))
    return JournalFile.take_up(path), path


def _abort_asked_in(path: Path) -> str | None:
    """Who has added that line: `quarterdeck ops abort`, on this host."""
    return next((fact.who for fact in read_journal(path) if isinstance(fact, AbortAsked)), None)


def _answer(words: Mapping[str, Any]) -> None:
    """One line, and from then on nobody is spoken to."""
    try:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()
    except OSError:
        pass  # the asker has gone; the journal tells
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


def _code_of(operation: Operation) -> int:
    return exit_codes.OK if operation.state is OperationState.SUCCEEDED else exit_codes.STEP_FAILED
