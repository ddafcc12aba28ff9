"""Pages and watch lines of every source as domain values. One odd object costs that object, not the stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from clients.kubernetes.decode_events import occurrence_from, usage_from
from clients.kubernetes.decode_pods import pod_from
from clients.kubernetes.decode_templates import Templates
from clients.kubernetes.decode_workloads import controller_revision_from, replica_set_from, workload_from
from clients.kubernetes.texts import Texts
from clients.kubernetes.wire import (
    ControllerRevisionObject,
    EventObject,
    ListMetadata,
    PodObject,
    RawEvent,
    RawList,
    ReplicaSetObject,
    UsageObject,
    WorkloadObject,
)
from domain.errors import OutsideError, UnreachableError
from domain.facts import Identified
from domain.sanitise import sanitise
from domain.streams import Source
from domain.workloads import WorkloadKind

_W = TypeVar("_W", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Page:
    values: tuple[Identified, ...]
    resource_version: str
    continue_: str
    remaining: int | None
    """How many come after this page, where the server says so."""
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a watch. `value` is None for a BOOKMARK, an ERROR and what could not be read."""

    type: str
    resource_version: str
    value: Identified | None = None
    failure: dict[str, Any] | None = None


class Codec(Generic[_W]):
    """Decodes one source. `wire` is a struct with a `metadata` that has a `resource_version`."""

    def __init__(self, wire: type[_W], convert: Callable[[_W], Identified]) -> None:
        self._convert = convert
        self._object = msgspec.json.Decoder(wire)
        self._list = msgspec.json.Decoder(
            msgspec.defstruct(
                f"{wire.__name__}List",
                [
                    ("metadata", ListMetadata, msgspec.field(default_factory=ListMetadata)),
                    ("items", list[wire] | None, None),  # type: ignore[valid-type]
                ],
                gc=False,
            )
        )
        self._event = msgspec.json.Decoder(
            msgspec.defstruct(f"{wire.__name__}Event", [("type", str, ""), ("object", wire)], gc=False, kw_only=True)
        )
        self._raw_list = msgspec.json.Decoder(RawList)
        self._raw_event = msgspec.json.Decoder(RawEvent)

    def page(self, body: bytes) -> Page:
        """OutsideError where it is not a list at all."""
        try:
            listed: Any = self._list.decode(body)
            objects: list[_W | None] = listed.items or []
        except msgspec.ValidationError:
            listed = self._odd(self._raw_list.decode, body)
            objects = [self._lenient(raw) for raw in listed.items or ()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable("a list", body, error) from error
        values = tuple(self._convert(wire) for wire in objects if wire is not None)
        meta: ListMetadata = listed.metadata
        return Page(
            values, sanitise(meta.resource_version), meta.continue_, meta.remaining_item_count, len(objects) - len(values)
        )

    def event(self, line: bytes) -> Event:
        """OutsideError where it is not an event at all."""
        try:
            event: Any = self._event.decode(line)
            kind, wire = event.type, event.object
        except msgspec.ValidationError:
            raw: RawEvent = self._odd(self._raw_event.decode, line)
            if raw.type == "ERROR":
                return Event("ERROR", "", failure=_failure(raw.object))
            kind, wire = raw.type, self._lenient(raw.object)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable("a watch event", line, error) from error
        if kind == "ERROR":
            return Event("ERROR", "", failure=_failure(self._raw_event.decode(line).object))
        if wire is None:
            return Event(kind, "")
        version = wire.metadata.resource_version
        return Event(kind, version, None if kind == "BOOKMARK" else self._convert(wire))

    def _lenient(self, raw: msgspec.Raw) -> _W | None:
        """Once more, without what is null and with numbers for texts and texts for numbers; None where that fails too."""
        try:
            return msgspec.convert(_without_nulls(msgspec.json.decode(raw)), type=self._object.type, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    @staticmethod
    def _odd(decode: Callable[[bytes], Any], body: bytes) -> Any:
        try:
            return decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable("an answer", body, error) from error


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value if v is not None]
    return value


def _failure(raw: msgspec.Raw) -> dict[str, Any]:
    try:
        status = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return status if isinstance(status, dict) else {}


def _unreadable(what: str, body: bytes, error: Exception) -> OutsideError:
    if b"truncated" in str(error).encode():
        return UnreachableError(
            f"The API server's answer was cut short ({what}, {len(body)} bytes)",
            "A proxy or load balancer may have ended it; it is tried again.",
        )
    return OutsideError(
        f"The API server's answer cannot be read ({what}: {sanitise(str(error), 120)})",
        "Check that the cluster's `server` in the kubeconfig is a Kubernetes API.",
    )


class Codecs:
    """One decoder for each source, made when it is first needed; they share their texts and templates."""

    def __init__(self) -> None:
        self._texts = Texts()
        self._templates = Templates(self._texts)
        self._made: dict[Source, Codec[Any]] = {}

    def __getitem__(self, source: Source) -> Codec[Any]:
        """KeyError for a source that no cluster has."""
        made = self._made.get(source)
        if made is None:
            wire, convert = self._parts(source)
            made = self._made[source] = Codec(wire, convert)
        return made

    def _parts(self, source: Source) -> tuple[type[Any], Callable[[Any], Identified]]:
        texts, templates = self._texts, self._templates
        if kind := _WORKLOADS.get(source):
            return WorkloadObject, lambda wire: workload_from(wire, kind, texts, templates)
        parts: dict[Source, tuple[type[Any], Callable[[Any], Identified]]] = {
            Source.PODS: (PodObject, lambda wire: pod_from(wire, texts)),
            Source.REPLICA_SETS: (ReplicaSetObject, lambda wire: replica_set_from(wire, texts, templates)),
            Source.CONTROLLER_REVISIONS: (
                ControllerRevisionObject,
                lambda wire: controller_revision_from(wire, texts, templates),
            ),
            Source.OCCURRENCES: (EventObject, lambda wire: occurrence_from(wire, texts)),
            Source.POD_USAGE: (UsageObject, lambda wire: usage_from(wire, texts)),
        }
        return parts[source]


_WORKLOADS = {
    Source.DEPLOYMENTS: WorkloadKind.DEPLOYMENT,
    Source.STATEFUL_SETS: WorkloadKind.STATEFUL_SET,
    Source.DAEMON_SETS: WorkloadKind.DAEMON_SET,
}
