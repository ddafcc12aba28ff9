"""Why a JSON patch was refused: the API server says only that it was, so the object is looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.operation_ports import ClusterObject
from domain.operations import Json
from domain.sanitise import sanitise

BY = "quarterdeck.dev/by"
OPERATION = "quarterdeck.dev/operation"
MANAGER = "quarterdeck"
_MISSING = object()
_SHOWN = 80


def differences(operations: Sequence[Mapping[str, Json]], found: ClusterObject) -> tuple[str, ...]:
    """What the patch's tests expected and `found` is not: "generation was 42, is 43". Empty: every test holds."""
    told = []
    for operation in operations:
        if operation.get("op") == "test":
            path, wanted = str(operation["path"]), operation.get("value")
            value = _at(found.body, path)
            if value is _MISSING or not _is_same(value, wanted):
                told.append(_told(path, wanted, value))
    return tuple(told)


def _told(path: str, wanted: Json, value: object) -> str:
    name = _words(path)
    if path == "/metadata/uid":
        return "it was deleted and made anew"
    if value is _MISSING:
        return f"{name} is not there any more"
    if not isinstance(value, str | int | float | bool) or not isinstance(wanted, str | int | float | bool):
        return f"{name} has changed"
    return f"{name} was {_shown(wanted)}, is {_shown(value)}"


def last_change(found: ClusterObject) -> str:
    """Who changed its spec or metadata last: "ops@jump2, operation 7KQ2MXPA, 14:02:11 UTC"; "" where nobody is named."""
    entries = found.body["metadata"].get("managedFields") or ()
    named = [e for e in entries if isinstance(e, dict) and e.get("subresource") != "status" and e.get("manager")]
    newest = max((str(entry.get("time") or "") for entry in named), default="")
    # The server's times are whole seconds: more than one may be the newest.
    names = {_name_of(entry, found) for entry in named if str(entry.get("time") or "") == newest}
    return ", ".join(filter(None, (" or ".join(sorted(names)), _time_of_day(newest))))


def _name_of(entry: Mapping[str, Json], found: ClusterObject) -> str:
    if entry["manager"] != MANAGER:
        through = f" ({_shown(entry['subresource'])})" if entry.get("subresource") else ""
        return _shown(entry["manager"]) + through
    operation = found.annotations.get(OPERATION)
    return _shown(found.annotations.get(BY) or MANAGER) + (f", operation {_shown(operation)}" if operation else "")


def _time_of_day(stamp: Json) -> str:
    try:
        return f"{datetime.fromisoformat(str(stamp)):%H:%M:%S} UTC"
    except ValueError:
        return ""


def _is_same(value: object, wanted: object) -> bool:
    """As JSON has it: true is not 1."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _at(document: Json, pointer: str) -> object:
    """RFC 6901; _MISSING where the path leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, ValueError, TypeError):
            return _MISSING
    return document


def _words(pointer: str) -> str:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if parts[:1] == ["metadata"]:
        parts = parts[1:]
    return _shown(".".join(parts)) or "the object"


def _shown(value: object) -> str:
    return sanitise(str(value), _SHOWN)
