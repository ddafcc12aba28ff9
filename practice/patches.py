"""The three ways to change part of an object: JSON merge patch, strategic merge patch, JSON patch."""

from __future__ import annotations

from typing import Any

from practice.answers import bad_request, patch_refused
from practice.objects import Json, copied

_MERGE_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
    "addresses": ("type",),
}
"""Field -> what its items are told apart by (`patchMergeKey` in k8s.io/api): the first that the items have."""

_SETS = frozenset({"finalizers"})


def merge_patched(value: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), item)
    return result


def strategic_patched(value: Any, patch: Any) -> Any:
    """Kubernetes' own: lists of named things are merged by name, `$patch` deletes or replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copied(item) for key, item in patch.items() if not key.startswith("$")}
    if directive == "delete":
        return {}
    result = dict(value) if isinstance(value, dict) else {}
    if "$retainKeys" in patch:
        result = {key: item for key, item in result.items() if key in patch["$retainKeys"]}
    for key, item in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [each for each in result.get(field) or [] if each not in item]
        elif key.startswith("$"):
            continue
        elif item is None:
            result.pop(key, None)
        elif isinstance(item, list):
            result[key] = _list_patched(key, result.get(key) or [], item)
        else:
            result[key] = strategic_patched(result.get(key), item)
    return result


def _list_patched(field: str, old: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [copied(item) for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    if field in _SETS:
        return [*old, *(item for item in patch if item not in old)]
    key = _merge_key(field, patch)
    if key is None:
        return [copied(item) for item in patch]
    result = list(old)
    for item in patch:
        place = next((i for i, each in enumerate(result) if each.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            result = [each for each in result if each.get(key) != item.get(key)]
        elif place is None:
            result.append(strategic_patched({}, item))
        else:
            result[place] = strategic_patched(result[place], item)
    return result


def _merge_key(field: str, patch: list[Any]) -> str | None:
    if not all(isinstance(item, dict) for item in patch):
        return None
    return next((key for key in _MERGE_KEYS.get(field, ()) if all(key in item for item in patch)), None)


def json_patched(value: Json, operations: Any) -> Json:
    """RFC 6902. A `test` that fails, or a path that is not there, is refused with 422."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    result = copied(value)
    for operation in operations:
        try:
            result = _operated(result, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise patch_refused() from error
    if not isinstance(result, dict):
        raise patch_refused()
    return result


def _operated(document: Any, operation: Json) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            if _found(document, path) != operation.get("value"):
                raise ValueError("test failed")
            return document
        case "add":
            return _put(document, path, copied(operation["value"]), is_add=True)
        case "replace":
            _found(document, path)
            return _put(document, path, copied(operation["value"]), is_add=False)
        case "remove":
            return _without(document, path)
        case "copy":
            return _put(document, path, copied(_found(document, _pointer(operation["from"]))), is_add=True)
        case "move":
            source = _pointer(operation["from"])
            moved = _found(document, source)
            return _put(_without(document, source), path, moved, is_add=True)
        case other:
            raise ValueError(other)


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _found(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _put(document: Any, path: list[str], value: Any, *, is_add: bool) -> Any:
    if not path:
        return value
    parent, last = _found(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        place = len(parent) if last == "-" else int(last)
        if not is_add:
            parent[place] = value
        elif place > len(parent):
            raise IndexError(place)
        else:
            parent.insert(place, value)
    else:
        parent[last] = value
    return document


def _without(document: Any, path: list[str]) -> Any:
    parent, last = _found(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document
