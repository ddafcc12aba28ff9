"""The shapes in which objects can be asked for: whole, as table rows, or as metadata alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from practice.cells import COLUMNS, OTHERS
from practice.kinds import Kind
from practice.objects import Json

_GROUP = "meta.k8s.io/v1"


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Shape:
    """`name` is "", "Table" or "PartialObjectMetadata"; `include` is what a table row carries of its object."""

    name: str = ""
    include: str = "Metadata"

    @property
    def key(self) -> str:
        return f"{self.name}/{self.include}" if self.name == "Table" else self.name

    def one(self, kind: Kind, obj: Json, now: float, *, has_columns: bool = True) -> Json:
        if self.name == "Table":
            return self._table(
                kind, [obj], {"resourceVersion": obj["metadata"].get("resourceVersion", "")}, now, has_columns
            )
        if self.name == "PartialObjectMetadata":
            return partial(obj)
        return shown(kind, obj)

    def many(self, kind: Kind, objects: list[Json], meta: Json, now: float) -> Json:
        if self.name == "Table":
            return self._table(kind, objects, meta, now, True)
        if self.name == "PartialObjectMetadata":
            items = [partial(obj) for obj in objects]
            return {"kind": "PartialObjectMetadataList", "apiVersion": _GROUP, "metadata": meta, "items": items}
        items = [_item(kind, obj) for obj in objects]
        return {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": meta, "items": items}

    def _table(self, kind: Kind, objects: list[Json], meta: Json, now: float, has_columns: bool) -> Json:
        columns = COLUMNS.get(kind.qualified, OTHERS)
        rows = []
        for obj in objects:
            row: Json = {"cells": list(columns.cells(obj, now))}
            if self.include == "Object":
                row["object"] = shown(kind, obj)
            elif self.include != "None":
                row["object"] = partial(obj)
            rows.append(row)
        definitions = columns.definitions() if has_columns else None
        return {"kind": "Table", "apiVersion": _GROUP, "metadata": meta, "columnDefinitions": definitions, "rows": rows}


def shape_of(accept: str, include: str) -> Shape:
    """From an Accept header: the first form in it that is served."""
    for part in accept.split(","):
        words = [word.strip() for word in part.split(";")]
        wanted = next((word.removeprefix("as=") for word in words if word.startswith("as=")), "")
        if words[0] not in ("application/json", "*/*", "application/*"):
            continue
        if wanted == "Table":
            return Shape("Table", include or "Metadata")
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Shape("PartialObjectMetadata")
        if not wanted:
            break
    return Shape()


def partial(obj: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": _GROUP, "metadata": obj["metadata"]}


def _item(kind: Kind, obj: Json) -> Json:
    """List items carry neither kind nor apiVersion, as the real server's do not."""
    whole = shown(kind, obj)
    return {key: value for key, value in whole.items() if key not in ("kind", "apiVersion")}


_EVENT_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}


def shown(kind: Kind, obj: Json) -> Json:
    """The stored object in the words of `kind`: events are stored in core's and shown in events.k8s.io's too."""
    if kind.group != "events.k8s.io":
        return obj
    return {**{_EVENT_NAMES.get(key, key): value for key, value in obj.items()}, "apiVersion": kind.api_version}


def stored(kind: Kind, obj: Json) -> Json:
    """The other way round."""
    if kind.group != "events.k8s.io":
        return obj
    back = {new: old for old, new in _EVENT_NAMES.items()}
    return {back.get(key, key): value for key, value in obj.items()}
