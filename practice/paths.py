"""What a request to the API server is about: verb, kind, namespace, name, subresource."""

from __future__ import annotations

from dataclasses import dataclass

from practice.access import Wish
from practice.answers import no_such_path, not_allowed
from practice.kinds import BY_PATH, METRICS, PODS, REVIEWS, Kind

_OTHERS: dict[tuple[str, str, str], Kind] = {(k.group, k.version, k.resource): k for k in (*REVIEWS, *METRICS)}
_METHODS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Target:
    """`rest` is the path behind `/proxy`."""

    kind: Kind
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""

    @property
    def wish(self) -> Wish:
        resource = f"{self.kind.resource}/{self.subresource}" if self.subresource else self.kind.resource
        return Wish(self.verb, resource, self.kind.group, self.namespace, self.name)


def parse(method: str, path: str, *, is_watch: bool) -> Target:
    """For paths under /api/V and /apis/G/V with a resource in them; 404 for what is not served."""
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    key = (group, version, rest[0])
    kind = BY_PATH.get(key) or _OTHERS.get(key)
    if kind is None or (namespace and not kind.is_namespaced):
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in (*kind.subresources, *(("status",) if kind.has_status else ())):
        raise no_such_path()
    if kind.resource == "namespaces" and name:
        namespace = name
    is_listed = not name
    verb = _verb(
        method, kind, is_listed=is_listed, is_watch=is_watch, has_namespace=bool(namespace), subresource=subresource
    )
    behind = path.split("/proxy", 1)[1] if subresource == "proxy" else ""
    return Target(kind, verb, namespace, name, subresource, behind)


def _verb(method: str, kind: Kind, *, is_listed: bool, is_watch: bool, has_namespace: bool, subresource: str) -> str:
    if subresource == "proxy":
        return {"GET": "get", "HEAD": "get", "DELETE": "delete"}.get(method) or _METHODS.get(method, "get")
    if method in ("GET", "HEAD"):
        if not is_listed:
            return "get"
        if kind in REVIEWS:
            raise not_allowed()
        return "watch" if is_watch else "list"
    if method == "DELETE":
        return "deletecollection" if is_listed else "delete"
    verb = _METHODS.get(method, "")
    is_create = verb == "create"
    if not verb or (is_create and not is_listed and not subresource) or (not is_create and is_listed):
        raise not_allowed()
    if is_create and kind.is_namespaced and not has_namespace and kind is not PODS and kind not in REVIEWS:
        raise not_allowed()
    return verb
