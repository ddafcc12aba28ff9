"""Who set which field last (`metadata.managedFields`), as far as anybody reads it: maps field by field, lists whole."""

from __future__ import annotations

from typing import Any

from practice.objects import Json, rfc3339

_UNMANAGED = frozenset({"apiVersion", "kind"})
_UNMANAGED_META = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)


def with_manager(before: Json | None, after: Json, manager: str, subresource: str, now: float) -> Json:
    """`after`, saying that `manager` set what differs from `before`; unchanged where nobody is named."""
    if not manager:
        return after
    changed = _changed(before or {}, after)
    if not changed:
        return after
    entries = [_less(entry, changed, manager, subresource) for entry in after["metadata"].get("managedFields") or ()]
    mine: Json = {"f:": {}}
    kept = []
    for entry in entries:
        if entry is None:
            continue
        if entry["manager"] == manager and entry.get("subresource", "") == subresource:
            mine = entry["fieldsV1"]
        else:
            kept.append(entry)
    fields = _merged({k: v for k, v in mine.items() if k != "f:"}, changed)
    new: Json = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": after["apiVersion"],
        "time": rfc3339(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if subresource:
        new["subresource"] = subresource
    return {**after, "metadata": {**after["metadata"], "managedFields": [*kept, new]}}


def _changed(before: Any, after: Json, depth: int = 0) -> Json:
    fields: Json = {}
    for key, value in after.items():
        if (depth == 0 and key in _UNMANAGED) or (depth == 1 and key in _UNMANAGED_META):
            continue
        old = before.get(key) if isinstance(before, dict) else None
        if value == old:
            continue
        if isinstance(value, dict) and value:
            inner = _changed(old, value, depth + 1 if key == "metadata" or depth else 2)
            if inner:
                fields[f"f:{key}"] = inner
        else:
            fields[f"f:{key}"] = {}
    return fields


def _less(entry: Json, taken: Json, manager: str, subresource: str) -> Json | None:
    if entry["manager"] == manager and entry.get("subresource", "") == subresource:
        return entry
    left = _without(entry["fieldsV1"], taken)
    return {**entry, "fieldsV1": left} if left else None


def _without(fields: Json, taken: Json) -> Json:
    left: Json = {}
    for key, inner in fields.items():
        if key not in taken:
            left[key] = inner
        elif inner and taken[key]:
            rest = _without(inner, taken[key])
            if rest:
                left[key] = rest
    return left


def _merged(fields: Json, more: Json) -> Json:
    result = dict(fields)
    for key, inner in more.items():
        result[key] = _merged(result.get(key) or {}, inner)
    return result
