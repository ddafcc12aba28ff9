"""What differs between two revisions of a release, object by object; values of secrets are in no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from domain.compare import Difference, compare, compare_values
from domain.helm import ManifestObject, ReleaseContent
from domain.templates import PodTemplate

_IGNORED = frozenset({"helm.sh/chart", "app.kubernetes.io/version"})
"""Labels that say which chart it is: they differ in every object, and mean nothing."""


def compare_releases(old: ReleaseContent, new: ReleaseContent) -> tuple[Difference, ...]:
    """The objects that come and go first, then what changes in the others, then the values."""
    before, after = _by_identity(old), _by_identity(new)
    gone = [Difference("object", _name(o, old), "there", None) for key, o in before.items() if key not in after]
    come = [Difference("object", _name(o, new), None, "there") for key, o in after.items() if key not in before]
    changed = [d for key, o in after.items() if key in before for d in _compare(before[key], o)]
    return (*gone, *come, *changed, *compare_values("values", old.values, new.values))


def gone_objects(old: ReleaseContent, new: ReleaseContent) -> tuple[str, ...]:
    """What is deleted on the way from `old` to `new`."""
    after = _by_identity(new)
    return tuple(str(o) for key, o in _by_identity(old).items() if key not in after)


def _by_identity(content: ReleaseContent) -> dict[tuple[str, str, str], ManifestObject]:
    return {(o.kind, o.namespace, o.name): o for o in content.objects}


def _name(thing: ManifestObject, content: ReleaseContent) -> str:
    return str(thing) if thing.namespace in ("", content.namespace) else f"{thing.namespace}/{thing}"


def _compare(old: ManifestObject, new: ManifestObject) -> Iterator[Difference]:
    name = str(new)
    left, left_template = _split(old.body)
    right, right_template = _split(new.body)
    if old.kind == "Secret":
        yield from compare_values(name, left, right, is_secret=True)
        return
    if left_template or right_template:
        for found in compare(_template(left_template), _template(right_template)):
            if not (found.kind == "label" and found.where in _IGNORED):
                yield Difference(f"{name} {found.kind}", found.where, found.old, found.new)
    yield from compare_values(name, left, right)


def _split(body: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The object without its pod template, and that template; {} where it has none."""
    rest = {k: v for k, v in body.items() if k not in ("apiVersion", "kind")}
    metadata = _mapping(rest.get("metadata"))
    labels = {k: v for k, v in _mapping(metadata.get("labels")).items() if k not in _IGNORED}
    rest["metadata"] = {**metadata, "labels": labels}
    spec = _mapping(rest.get("spec"))
    template = _mapping(spec.get("template"))
    if "spec" not in template:
        return rest, {}
    rest["spec"] = {k: v for k, v in spec.items() if k != "template"}
    return rest, template


def _template(template: Mapping[str, Any]) -> PodTemplate:
    return PodTemplate((), json.dumps(template, default=str))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
