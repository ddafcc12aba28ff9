"""Reads the few protobuf bodies that kubectl sends where it could send JSON: reviews, evictions, simple creates.

Field numbers are those of the generated.proto files in k8s.io/api and k8s.io/apimachinery."""

from __future__ import annotations

from typing import Any

from practice.answers import ApiError
from practice.objects import Json

_MAGIC = b"k8s\x00"
_Field = tuple[str, "str | dict[int, Any]"]
"""(JSON name, what it is): "text", "texts", "int", "bool", "map", or a table of its own; a name ending in "[]" repeats."""

_META: dict[int, _Field] = {
    1: ("name", "text"),
    2: ("generateName", "text"),
    3: ("namespace", "text"),
    11: ("labels", "map"),
    12: ("annotations", "map"),
}
_ATTRIBUTES: dict[int, _Field] = {
    1: ("namespace", "text"),
    2: ("verb", "text"),
    3: ("group", "text"),
    4: ("version", "text"),
    5: ("resource", "text"),
    6: ("subresource", "text"),
    7: ("name", "text"),
}
_PORT: dict[int, _Field] = {
    1: ("name", "text"),
    2: ("hostPort", "int"),
    3: ("containerPort", "int"),
    4: ("protocol", "text"),
}
_ENV: dict[int, _Field] = {1: ("name", "text"), 2: ("value", "text")}
_CONTAINER: dict[int, _Field] = {1: ("name", "text"), 2: ("image", "text"), 3: ("command", "texts"), 4: ("args", "texts"),
                                 6: ("ports[]", _PORT), 7: ("env[]", _ENV), 14: ("imagePullPolicy", "text")}  # fmt: skip
_POD_SPEC: dict[int, _Field] = {
    2: ("containers[]", _CONTAINER),
    3: ("restartPolicy", "text"),
    20: ("initContainers[]", _CONTAINER),
}
_TEMPLATE: dict[int, _Field] = {1: ("metadata", _META), 2: ("spec", _POD_SPEC)}
_SELECTOR: dict[int, _Field] = {1: ("matchLabels", "map")}
_DELETE: dict[int, _Field] = {1: ("gracePeriodSeconds", "int"), 4: ("propagationPolicy", "text"), 5: ("dryRun", "texts")}

_KINDS: dict[str, dict[int, _Field]] = {
    "SelfSubjectReview": {1: ("metadata", _META)},
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("resourceAttributes", _ATTRIBUTES),
                2: ("nonResourceAttributes", {1: ("path", "text"), 2: ("verb", "text")}),
            },
        ),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "text")})},
    "Namespace": {1: ("metadata", _META)},
    "ConfigMap": {1: ("metadata", _META), 2: ("data", "map")},
    "Eviction": {1: ("metadata", _META), 2: ("deleteOptions", _DELETE)},
    "DeleteOptions": _DELETE,
    "Deployment": {
        1: ("metadata", _META),
        2: ("spec", {1: ("replicas", "int"), 2: ("selector", _SELECTOR), 3: ("template", _TEMPLATE)}),
    },
}


def read(raw: bytes) -> Json:
    """The body as the JSON it stands for; 415 for kinds that are only read as JSON."""
    if not raw.startswith(_MAGIC):
        raise _unknown("it does not begin as Kubernetes' protobuf does")
    envelope = _message(
        raw[len(_MAGIC) :], {1: ("type", {1: ("apiVersion", "text"), 2: ("kind", "text")}), 2: ("raw", "bytes")}
    )
    kind = str((envelope.get("type") or {}).get("kind", ""))
    table = _KINDS.get(kind)
    if table is None:
        raise _unknown(f"{kind} is only read as JSON")
    return {**envelope["type"], **_message(envelope.get("raw", b""), table)}


def _unknown(why: str) -> ApiError:
    text = f"the body of the request was in an unknown format ({why}) - accepted media types include: application/json"
    return ApiError(415, "UnsupportedMediaType", text)


def _message(raw: bytes, table: dict[int, _Field]) -> Json:
    found: Json = {}
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == 0:
            value, place = _varint(raw, place)
        elif wire == 2:
            size, place = _varint(raw, place)
            value, place = raw[place : place + size], place + size
        else:
            size = 8 if wire == 1 else 4
            value, place = raw[place : place + size], place + size
        if number in table:
            _put(found, *table[number], value)
    return found


def _put(found: Json, name: str, what: str | dict[int, Any], value: int | bytes) -> None:
    if isinstance(value, int):
        found[name] = bool(value) if what == "bool" else value
    elif isinstance(what, dict):
        inner = _message(value, what)
        if name.endswith("[]"):
            found.setdefault(name[:-2], []).append(inner)
        else:
            found[name] = inner
    elif what == "map":
        entry = _message(value, {1: ("key", "text"), 2: ("value", "text")})
        found.setdefault(name, {})[entry.get("key", "")] = entry.get("value", "")
    elif what == "texts":
        found.setdefault(name, []).append(value.decode())
    elif what == "bytes":
        found[name] = value
    elif value:
        found[name] = value.decode()


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if place >= len(raw):
            raise _unknown("it ends too early")
        byte = raw[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, place
        shift += 7
