"""What differs between two pod templates, in the words of people; the values of secrets are in no answer."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.sanitise import sanitise
from domain.templates import PodTemplate

MASK = "•••"
_MASK_CHANGED = "••• (changed)"
_LONGEST = 512
_MOST = 1_000
_MOST_LINES = 2_000
_KINDS = (
    "template", "image", "container", "command", "args", "env", "env from", "resources", "probe", "port", "mount", "volume",
    "service account", "node selector", "label", "annotation", "pod",
)  # fmt: skip
_IGNORED_KEYS = frozenset(
    {"pod-template-hash", "controller-revision-hash", "kubectl.kubernetes.io/last-applied-configuration"}
)
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?([_.-]|$)|password|pwd|token|secret|credential|api_?key|keys?([_.-]|$)|[a-z]Key|private|dsn"
    r"|conn(ection)?_?str|cookie|salt|signing|auth([_.-]|$)|authorization",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"^eyJ[\w-]+\.|-----BEGIN |^(gh[pousr]_|xox[abprs]-|AKIA|sk_live_|glpat-)|AccountKey=")
_USER_INFO = re.compile(r"(\w+://)[^/\s@]+@")
_SECRET_WORD = r"[\w.-]*(?:password|passwd|token|secret|api[-_]?key|credential)[\w.-]*"
_SECRET_ASSIGNED = re.compile(rf"({_SECRET_WORD})(=|:\s*)[^\s&;,]+", re.IGNORECASE)
_SECRET_OPTION = re.compile(rf"(--?{_SECRET_WORD})\s+(?!-)\S+", re.IGNORECASE)
_CONTAINER_FIELDS = frozenset(
    {"name", "image", "command", "args", "env", "envFrom", "resources", "ports", "volumeMounts", "livenessProbe",
     "readinessProbe", "startupProbe"}
)  # fmt: skip
_POD_FIELDS = frozenset(
    {"containers", "initContainers", "volumes", "serviceAccount", "serviceAccountName", "nodeSelector", "$patch"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind` is one of "image", "env", "resources" …; `where` names container and key. None: not there on that side."""

    kind: str
    where: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class _Value:
    """`raw` tells values apart, `shown` may hide them."""

    shown: str
    raw: str


_Parts = dict[tuple[str, str], _Value]


def compare(old: PodTemplate, new: PodTemplate) -> tuple[Difference, ...]:
    """Sanitised, in a fixed order of kinds; empty where only what Kubernetes itself adds differs."""
    if old.text == new.text:
        return ()
    left, right = _parts_of(old), _parts_of(new)
    if left is None or right is None:
        sides = ["not readable" if side is None else "readable" for side in (left, right)]
        return (Difference("template", "", sides[0], sides[1]),)
    keys = sorted(left.keys() | right.keys(), key=lambda k: (_KINDS.index(k[0]), k[1]))
    differences = [_difference(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)]
    if len(differences) > _MOST:
        more = len(differences) - _MOST
        differences[_MOST:] = [Difference("template", f"{more} more differences are not shown", None, None)]
    return tuple(differences)


def compare_values(
    kind: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, *, is_secret: bool = False
) -> tuple[Difference, ...]:
    """Of any two mappings, by path; of texts of several lines only the lines that differ. What looks like a secret is
    hidden, with `is_secret` every value. `kind` goes into each difference."""
    left, right = (dict(_leaves("", side or {})) for side in (old, new))
    found: list[Difference] = []
    for path in sorted(left.keys() | right.keys()):
        before, after = left.get(path), right.get(path)
        if before == after:
            continue
        where = sanitise(path, _LONGEST)
        if not is_secret and _is_readable(path, before or "") and _is_readable(path, after or ""):
            found += [Difference(kind, where, *pair) for pair in _lines_of(path, before or "", after or "")]
        else:
            values = (None if t is None else _Value(MASK, t) if is_secret else _plain(path, t) for t in (before, after))
            found.append(_difference((kind, where), *values))
    return tuple(found[:_MOST])


def hide_secrets(text: str) -> str:
    """A line of somebody's output without what looks like a secret in it; not sanitised."""
    return _SECRET_OPTION.sub(rf"\1 {MASK}", _SECRET_ASSIGNED.sub(rf"\1\2{MASK}", _USER_INFO.sub(rf"\1{MASK}@", text)))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """As `_flat`, with the items of a list called by their names where they have some: what is called a password is."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}[{inner['name'] if isinstance(inner.get('name'), str) else index}]", inner)
    elif value is not None:
        yield path, _text(value)


def _is_readable(path: str, text: str) -> bool:
    """Worth comparing line by line: not one line, not endless, and not a key, of which one line says nothing."""
    is_hidden = _SECRET_NAME.search(path) or _SECRET_VALUE.search(text)
    return not is_hidden and text.count("\n") < _MOST_LINES and (not text or "\n" in text.strip())


def _lines_of(path: str, old: str, new: str) -> Iterator[tuple[str | None, str | None]]:
    for line in list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]:
        if line[0] in "-+":
            name = re.split(r"[:=]", line[1:], maxsplit=1)[0]
            shown = _plain(f"{path}.{name}", line[1:]).shown
            yield (shown, None) if line[0] == "-" else (None, shown)


def _difference(key: tuple[str, str], old: _Value | None, new: _Value | None) -> Difference:
    shown_old, shown_new = old.shown if old else None, new.shown if new else None
    if shown_old is not None and shown_old == shown_new:
        shown_new = _MASK_CHANGED if shown_old == MASK else f"{shown_new} (changed)"
    kind, where = key
    return Difference(kind, where, shown_old, shown_new)


def _parts_of(template: PodTemplate) -> _Parts | None:
    """Everything in the template as (kind, where) -> value; None where it is not a JSON object."""
    try:
        content = json.loads(template.text)
        if not isinstance(content, dict):
            return None
        return {(kind, sanitise(where, _LONGEST)): value for kind, where, value in _walk(content)}
    except (ValueError, RecursionError):
        return None


def _walk(content: dict[str, Any]) -> Iterator[tuple[str, str, _Value]]:
    metadata, spec = _mapping(content.get("metadata")), _mapping(content.get("spec"))
    for field, kind in (("labels", "label"), ("annotations", "annotation")):
        for key, value in _mapping(metadata.get(field)).items():
            if key not in _IGNORED_KEYS:
                yield kind, key, _plain(key, _text(value))
    for field, role in (("containers", ""), ("initContainers", "init "), ("ephemeralContainers", "debug ")):
        for container in _mappings(spec.get(field)):
            yield from _of_container(container, role)
    for volume in _mappings(spec.get("volumes")):
        yield "volume", _text(volume.get("name")), _value(_source(volume))
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        yield "service account", "", _value(_text(account))
    for key, value in _mapping(spec.get("nodeSelector")).items():
        yield "node selector", key, _value(_text(value))
    for field, value in spec.items():
        if field not in _POD_FIELDS and field != "ephemeralContainers":
            for path, text in _flat(field, value):
                yield "pod", path, _plain(path, text)


def _of_container(container: dict[str, Any], role: str) -> Iterator[tuple[str, str, _Value]]:
    name = f"{role}{_text(container.get('name'))}"
    yield "image", name, _value(_text(container.get("image")))
    for field in ("command", "args"):
        words = container.get(field)
        if words:
            yield field, name, _command(words)
    for variable in _mappings(container.get("env")):
        key = _text(variable.get("name"))
        origin = variable.get("valueFrom")
        value = _value(_reference(_mapping(origin))) if origin else _plain(key, _text(variable.get("value", "")))
        yield "env", f"{name} {key}", value
    for source in _mappings(container.get("envFrom")):
        yield "env from", f"{name} {_reference(source)}", _value(_text(source.get("prefix")) or "all keys")
    for path, text in _flat("", _mapping(container.get("resources"))):
        yield "resources", f"{name} {path.replace('.', ' ', 1)}", _value(text)
    for kind in ("startup", "readiness", "liveness"):
        for path, text in _flat("", _mapping(container.get(f"{kind}Probe"))):
            yield "probe", f"{name} {kind} {path}", _plain(path, text)
    for port in _mappings(container.get("ports")):
        number = f"{_text(port.get('containerPort'))}/{_text(port.get('protocol')) or 'TCP'}"
        host = f" on host port {_text(port['hostPort'])}" if port.get("hostPort") else ""
        yield "port", f"{name} {number}", _value(f"{_text(port.get('name')) or 'unnamed'}{host}")
    for mount in _mappings(container.get("volumeMounts")):
        path = _text(mount.get("mountPath"))
        rest = {k: v for k, v in mount.items() if k not in ("mountPath", "name")}
        extra = ", ".join(f"{k} {t}" for k, t in _flat("", rest))
        yield "mount", f"{name} {path}", _value(_text(mount.get("name")) + (f" ({extra})" if extra else ""))
    yield "container", name, _value("there")
    for field, value in container.items():
        if field not in _CONTAINER_FIELDS:
            for path, text in _flat(field, value):
                yield "container", f"{name} {path}", _plain(path, text)


def _reference(origin: dict[str, Any]) -> str:
    """A `valueFrom` or `envFrom` in words: "secret db, key password". A reference is no secret."""
    for field, word in (
        ("secretKeyRef", "secret"),
        ("configMapKeyRef", "config map"),
        ("secretRef", "secret"),
        ("configMapRef", "config map"),
    ):
        ref = origin.get(field)
        if isinstance(ref, dict):
            key = f", key {_text(ref['key'])}" if ref.get("key") else ""
            optional = " (optional)" if ref.get("optional") else ""
            return f"{word} {_text(ref.get('name'))}{key}{optional}"
    field_ref = _mapping(origin.get("fieldRef"))
    if field_ref:
        return f"field {_text(field_ref.get('fieldPath'))}"
    return _compact(origin)


def _source(volume: dict[str, Any]) -> str:
    """Where a volume's content comes from, in words where it is a common one."""
    for field, word, key in (
        ("secret", "secret", "secretName"),
        ("configMap", "config map", "name"),
        ("persistentVolumeClaim", "claim", "claimName"),
        ("hostPath", "host path", "path"),
    ):
        content = volume.get(field)
        if isinstance(content, dict):
            rest = {k: v for k, v in content.items() if k != key}
            return f"{word} {_text(content.get(key))}" + (f" {_compact(rest)}" if rest else "")
    rest = {k: v for k, v in volume.items() if k != "name"}
    if len(rest) == 1 and not next(iter(rest.values())):
        return str(next(iter(rest)))
    return _compact(rest)


def _plain(name: str, text: str) -> _Value:
    """A value written into the template itself: hidden where its name, or the value, looks like a secret."""
    if text and (_SECRET_NAME.search(name) or _SECRET_VALUE.search(text)):
        return _Value(MASK, text)
    return _Value(_value(_SECRET_ASSIGNED.sub(rf"\1\2{MASK}", text)).shown, text)


def _command(words: Any) -> _Value:
    text = " ".join(_text(word) for word in words) if isinstance(words, list) else _text(words)
    shown = _SECRET_OPTION.sub(rf"\1 {MASK}", _SECRET_ASSIGNED.sub(rf"\1\2{MASK}", text))
    return _Value(_value(shown).shown, text)


def _value(text: str) -> _Value:
    return _Value(sanitise(_USER_INFO.sub(rf"\1{MASK}@", text), _LONGEST), text)


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Leaves with their dotted paths; lists of plain values are one leaf."""
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{path}[{index}]", inner)
    elif value is not None:
        yield path, _compact(value) if isinstance(value, (dict, list)) else _text(value)


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _compact(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
