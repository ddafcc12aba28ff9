"""The ConfigMaps and Secrets that a pod template refers to: are they there, and are they what they were when it served?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.operations import Json
from domain.sanitise import sanitise

Body = Mapping[str, Json]
_MOST_RECORDED = 60


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    kind: str
    """"ConfigMap" or "Secret"."""
    name: str
    keys: tuple[str, ...] = ()
    """Those without which its pods do not start."""
    is_optional: bool = False
    """Pods start without it too."""

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"


def references_of(template: Body) -> tuple[Reference, ...]:
    """In the order of kind and name; what is asked for twice is one, with all its keys."""
    merged: dict[str, Reference] = {}
    for found in _walk(template.get("spec") or {}):
        known = merged.get(found.id)
        if known is not None:
            keys = tuple(sorted({*known.keys, *found.keys}))
            found = Reference(found.kind, found.name, keys, known.is_optional and found.is_optional)
        merged[found.id] = found
    return tuple(sorted(merged.values()))


def _walk(spec: Body) -> Iterator[Reference]:
    for group in ("initContainers", "containers"):
        for container in _mappings(spec.get(group)):
            for variable in _mappings(container.get("env")):
                yield from _references(variable.get("valueFrom"), "configMapKeyRef", "secretKeyRef")
            for source in _mappings(container.get("envFrom")):
                yield from _references(source, "configMapRef", "secretRef")
    for volume in _mappings(spec.get("volumes")):
        yield from _references(volume, "configMap", "secret")
        for source in _mappings((volume.get("projected") or {}).get("sources")):
            yield from _references(source, "configMap", "secret")


def _references(holder: Json, config_map: str, secret: str) -> Iterator[Reference]:
    if not isinstance(holder, Mapping):
        return
    for field, kind in ((config_map, "ConfigMap"), (secret, "Secret")):
        ref = holder.get(field)
        name = (ref.get("name") or ref.get("secretName")) if isinstance(ref, Mapping) else None
        if isinstance(ref, Mapping) and name:
            is_optional = bool(ref.get("optional"))
            keys = [str(ref["key"])] if ref.get("key") else [str(i.get("key")) for i in _mappings(ref.get("items"))]
            yield Reference(kind, str(name), () if is_optional else tuple(sorted(keys)), is_optional)


def missing_in(reference: Reference, body: Body | None) -> str:
    """What its pods would miss, in a few words; "" where all is there. `body` None: the object does not exist."""
    what = sanitise(f"{reference.kind} {reference.name}", 200)
    if body is None:
        return "" if reference.is_optional else f"{what} does not exist"
    there = {*(body.get("data") or {}), *(body.get("binaryData") or {}), *(body.get("stringData") or {})}
    lost = [key for key in reference.keys if key not in there]
    return f"{what} has no key {sanitise(', '.join(lost), 200)}" if lost else ""


def print_of(body: Body) -> str:
    """Tells whether the object has changed: a hash of a ConfigMap's content; for a Secret never anything of its content,
    but its uid and resourceVersion."""
    if body.get("kind") == "Secret":
        metadata = body["metadata"]
        return f"{metadata['uid']}:{metadata['resourceVersion']}"
    content = {field: body.get(field) or {} for field in ("data", "binaryData")}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def recorded_text(template_fingerprint: str, prints: Mapping[str, str]) -> str:
    """For the annotation quarterdeck.dev/configuration: what each object was like when this template was rolled out.
    Controllers hand it on to the revision, so it lives as long as that."""
    kept = dict(sorted(prints.items())[:_MOST_RECORDED])
    return json.dumps({"template": template_fingerprint, "objects": kept}, separators=(",", ":"))


def read_recorded(text: str, template_fingerprint: str) -> Mapping[str, str] | None:
    """Object id -> print. None where nothing was recorded, or it was for another template: whoever deployed after us
    without us took our annotation along."""
    try:
        record = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("template") != template_fingerprint:
        return None
    objects = record.get("objects")
    return {str(k): str(v) for k, v in objects.items()} if isinstance(objects, dict) else None


def changed_objects(recorded: Mapping[str, str], now: Mapping[str, str | None]) -> tuple[str, ...]:
    """Those that are not what they were, in words; None in `now` is an object that does not exist."""
    told = []
    for id_, was in sorted(recorded.items()):
        name = sanitise(id_.replace("/", " ", 1), 200)
        if id_ in now and now[id_] != was:
            told.append(f"{name} has been deleted" if now[id_] is None else f"{name} has changed")
    return tuple(told)


def last_changed_at(body: Body) -> float | None:
    """By the server's own managed fields; None where they do not say."""
    metadata = body.get("metadata") or {}
    stamps = [str(entry.get("time") or "") for entry in _mappings(metadata.get("managedFields"))]
    moments = [moment for moment in map(epoch_of, stamps) if moment is not None]
    return max(moments, default=None)


def epoch_of(stamp: str) -> float | None:
    """RFC 3339 -> seconds since the epoch."""
    try:
        return datetime.fromisoformat(stamp).timestamp() if stamp else None
    except ValueError:
        return None


def _mappings(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
