"""An operation's facts as lines of JSON, each with a check sum, and back: what is damaged or unknown is left out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from domain.journal import (
    AbortAsked,
    Ended,
    JournalFact,
    Planned,
    RunnerStarted,
    StepBegan,
    StepEnded,
    StepTold,
)
from domain.operations import Plan
from domain.sanitise import sanitise

VERSION = 1
_NAMES: dict[str, type[JournalFact]] = {
    "planned": Planned,
    "runner_started": RunnerStarted,
    "step_began": StepBegan,
    "step_told": StepTold,
    "step_ended": StepEnded,
    "abort_asked": AbortAsked,
    "ended": Ended,
}
_NAME_OF = {type_: name for name, type_ in _NAMES.items()}
_BEGINNING = b'{"v":'
_MOST_BEGINNINGS = 64
_SUM = re.compile(rb',"sum":"([0-9a-f]{8})"}')
_SUM_BYTES = 18
_SURROGATES = re.compile("[\ud800-\udfff]")


def line_of(fact: JournalFact) -> bytes:
    """One line with its line feed. TypeError where a result holds what JSON cannot."""
    record = {"v": VERSION, "fact": _NAME_OF[type(fact)], **_builtins(fact)}
    try:
        body = msgspec.json.encode(record)
    except UnicodeEncodeError:
        body = msgspec.json.encode(_without_surrogates(record))
    head = body[:-1]
    return b'%s,"sum":"%08x"}\n' % (head, zlib.crc32(head))


def fact_of(line: bytes) -> JournalFact | None:
    """None: damaged, torn, or of a kind that only newer versions know. Where a torn line and a whole one run together, the
    whole one counts."""
    line = line.strip()
    record = _record(line)
    begin = len(line)
    for _ in range(_MOST_BEGINNINGS):
        begin = line.rfind(_BEGINNING, 1, begin)
        if record is not None or begin < 0:
            break
        record = _record(line[begin:])
    return None if record is None else _fact(record)


def facts_in(text: bytes) -> Iterator[JournalFact]:
    """Of whole lines; the last one counts without its line feed too, if its check sum is there."""
    for line in text.split(b"\n"):
        fact = fact_of(line)
        if fact is not None:
            yield fact


def plan_to_json(plan: Plan) -> bytes:
    """On one line."""
    return msgspec.json.encode(_without_surrogates(_builtins(plan)))


def plan_from_json(text: bytes | str) -> Plan:
    """ValueError where it is not a plan."""
    try:
        return _shown_plan(msgspec.json.decode(text, type=Plan))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a plan: {error}") from error


def _record(line: bytes) -> dict[str, Any] | None:
    found = _SUM.fullmatch(line[-_SUM_BYTES:])
    if not found or int(found[1], 16) != zlib.crc32(line[:-_SUM_BYTES]):
        return None
    try:
        record = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _fact(record: dict[str, Any]) -> JournalFact | None:
    type_ = _NAMES.get(str(record.get("fact")))
    if type_ is None:
        return None
    try:
        return _shown(msgspec.convert(record, type=type_))
    except (msgspec.ValidationError, RecursionError):
        return None


def _shown(fact: JournalFact) -> JournalFact:
    """What is shown of it is text from outside again: a file can be edited. What goes back to the cluster stays."""
    match fact:
        case Planned():
            return replace(fact, plan=_shown_plan(fact.plan))
        case StepTold():
            return replace(fact, message=sanitise(fact.message))
        case StepEnded():
            return replace(fact, message=sanitise(fact.message), hint=sanitise(fact.hint))
        case AbortAsked():
            return replace(fact, who=sanitise(fact.who, 200))
        case Ended():
            return replace(fact, outcome=sanitise(fact.outcome), proposal=sanitise(fact.proposal))
        case _:
            return fact


def _shown_plan(plan: Plan) -> Plan:
    steps = tuple(replace(step, words=sanitise(step.words), undo=sanitise(step.undo)) for step in plan.steps)
    return replace(
        plan,
        who=sanitise(plan.who, 200),
        reason=sanitise(plan.reason),
        summary=sanitise(plan.summary),
        warnings=tuple(sanitise(warning) for warning in plan.warnings),
        steps=steps,
    )


def _builtins(value: object) -> dict[str, Any]:
    found = msgspec.to_builtins(value, enc_hook=_plain)
    assert isinstance(found, dict)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept in a journal")


def _without_surrogates(value: Any) -> Any:
    """Half characters cannot be written as UTF-8; they come from file names and broken text."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
