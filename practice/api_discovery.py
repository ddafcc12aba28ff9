"""What this server can do: versions, groups, resources, in the old form and in the one-call form."""

from __future__ import annotations

from practice.answers import no_such_path
from practice.kinds import METRICS, REVIEWS, Kind, groups, verbs_of
from practice.nodes import VERSION
from practice.objects import Json

_AGGREGATED = "apidiscovery.k8s.io/v2"


def version() -> Json:
    major, minor, _ = VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{VERSION}-practice",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "cpython",
        "platform": "linux/amd64",
    }


def wants_aggregated(accept: str) -> bool:
    """True where the one-call form in JSON stands in the Accept header before the old one."""
    return any(
        "as=APIGroupDiscoveryList" in part and "v=v2" in part and "v2beta1" not in part for part in accept.split(",")
    )


def answer(path: str, *, is_aggregated: bool) -> Json:
    """For /api, /apis, /api/V, /apis/G and /apis/G/V."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api"]:
            return _aggregated(is_core=True) if is_aggregated else {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return _aggregated(is_core=False) if is_aggregated else _group_list()
        case ["api", "v1"]:
            return _resources("", "v1")
        case ["apis", group] if any(group == each for each, _ in groups() if each):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, version_] if (group, version_) in groups():
            return _resources(group, version_)
    raise no_such_path()


def _group(group: str) -> Json:
    versions = [{"groupVersion": f"{group}/{v}", "version": v} for g, v in groups() if g == group]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _group_list() -> Json:
    names = list(dict.fromkeys(group for group, _ in groups() if group))
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in names]}


def _subresources(kind: Kind) -> list[tuple[str, str, tuple[str, ...]]]:
    """(name, kind, verbs)."""
    found = [
        (each, "Scale" if each == "scale" else kind.name, _SUB_VERBS.get(each, ("get",))) for each in kind.subresources
    ]
    return found + ([("status", kind.name, ("get", "patch", "update"))] if kind.has_status else [])


_SUB_VERBS = {
    "scale": ("get", "patch", "update"),
    "proxy": ("create", "delete", "get", "patch", "update"),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "eviction": ("create",),
}


def _resources(group: str, version_: str) -> Json:
    rows: list[Json] = []
    for kind in groups()[(group, version_)]:
        row: Json = {
            "name": kind.resource,
            "singularName": kind.name.lower(),
            "namespaced": kind.is_namespaced,
            "kind": kind.name,
            "verbs": list(verbs_of(kind)),
        }
        if kind.short_names:
            row["shortNames"] = list(kind.short_names)
        if kind.categories:
            row["categories"] = list(kind.categories)
        rows.append(row)
        if kind in REVIEWS or kind in METRICS:
            continue
        for name, what, verbs in _subresources(kind):
            place = {"name": f"{kind.resource}/{name}", "singularName": "", "namespaced": kind.is_namespaced}
            extra = {"group": "autoscaling", "version": "v1"} if what == "Scale" else {}
            rows.append({**place, **extra, "kind": what, "verbs": list(verbs)})
    group_version = f"{group}/{version_}" if group else version_
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": rows}


def _aggregated(*, is_core: bool) -> Json:
    items: dict[str, Json] = {}
    for (group, version_), kinds in groups().items():
        if is_core == bool(group):
            continue
        item = items.setdefault(group, {"metadata": {"name": group} if group else {}, "versions": []})
        resources = [_aggregated_resource(kind) for kind in kinds]
        item["versions"].append({"version": version_, "resources": resources, "freshness": "Current"})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": _AGGREGATED, "metadata": {}, "items": list(items.values())}


def _aggregated_resource(kind: Kind) -> Json:
    row: Json = {
        "resource": kind.resource,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.name},
        "scope": "Namespaced" if kind.is_namespaced else "Cluster",
        "singularResource": kind.name.lower(),
        "verbs": list(verbs_of(kind)),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind not in REVIEWS and kind not in METRICS and (subs := _subresources(kind)):
        row["subresources"] = [
            {
                "subresource": name,
                "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"}
                if what == "Scale"
                else {"group": kind.group, "version": kind.version, "kind": what},
                "verbs": list(verbs),
            }
            for name, what, verbs in subs
        ]
    return row
