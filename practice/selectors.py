"""Label and field selectors, read as the API server reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from practice.answers import bad_request
from practice.kinds import Kind
from practice.objects import Json, labels_of

Test = Callable[[Json], bool]

_IN = re.compile(r"^(?P<key>\S+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)$")
_COMMAS = re.compile(r",(?![^(]*\))")

_COMMON_FIELDS = ("metadata.name", "metadata.namespace")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"),
    "events.events.k8s.io": ("regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "reason",
                             "reportingController", "type"),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "replicasets.apps": ("status.replicas",),
}  # fmt: skip


def label_test(text: str) -> Test | None:
    """None where `text` selects everything."""
    tests = [_label_term(term.strip()) for term in _COMMAS.split(text) if term.strip()]
    if not tests:
        return None
    return lambda obj: all(test(labels_of(obj)) for test in tests)


def _label_term(term: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _IN.match(term):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["how"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if "!=" in term:
        key, _, value = term.partition("!=")
        return lambda labels: labels.get(key.strip()) != value.strip()
    if "=" in term:
        key, _, value = term.partition("=")
        return lambda labels: labels.get(key.strip()) == value.lstrip("=").strip()
    if term.startswith("!"):
        return lambda labels: term[1:].strip() not in labels
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?", term):
        raise bad_request(f'unable to parse requirement: <nil>: Invalid value: "{term}"')
    return lambda labels: term in labels


def matches_labels(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A LabelSelector object (matchLabels, matchExpressions) against labels. An empty one selects everything."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression_holds(each, labels) for each in selector.get("matchExpressions") or ())


def _expression_holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def field_test(kind: Kind, text: str) -> Test | None:
    tests = [_field_term(kind, term, text) for term in text.split(",") if term]
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)


def _field_term(kind: Kind, term: str, text: str) -> Test:
    is_not = "!=" in term
    key, _, value = term.partition("!=" if is_not else "=")
    value = value.lstrip("=") if not is_not else value
    if key not in (*_COMMON_FIELDS, *_FIELDS.get(kind.qualified, ())):
        raise bad_request(
            f'Unable to find "{kind.group}/{kind.version}, Resource={kind.resource}" that match label selector "", '
            f'field selector "{text}": field label not supported: {key}'
        )
    key = key.replace("regarding.", "involvedObject.").replace("reportingController", "reportingComponent")
    path = ("source", "component") if key == "source" else tuple(key.split("."))
    if is_not:
        return lambda obj: _value_at(obj, path) != value
    return lambda obj: _value_at(obj, path) == value


def _value_at(obj: Any, path: tuple[str, ...]) -> str:
    for part in path:
        if not isinstance(obj, dict):
            return ""
        obj = obj.get(part)
    if obj is None:
        return ""
    return str(obj).lower() if isinstance(obj, bool) else str(obj)
