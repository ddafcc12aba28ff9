"""Objects over HTTP: get, list in pages, create, update, patch, delete, scale, evict."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from typing import Any

from aiohttp import web

from practice.answers import ApiError, bad_request, conflict, details_of, expired, invalid
from practice.defaults import check, with_defaults
from practice.garbage import OWNED
from practice.kinds import Kind
from practice.objects import Json, copied, labels_of, name_of, namespace_of, uid_of
from practice.patches import json_patched, merge_patched, strategic_patched
from practice.paths import Target
from practice.replies import body_of, json_answer, object_of
from practice.selectors import Test, field_test, label_test
from practice.shapes import shape_of, stored
from practice.store import Store

_MOST_LISTS = 64
_PATCHES = {
    "application/json-patch+json": json_patched,
    "application/merge-patch+json": merge_patched,
    "application/strategic-merge-patch+json": strategic_patched,
}


def number_in(text: str, default: int) -> int:
    """A query parameter; 400 where it is not a number."""
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def tests_of(kind: Kind, query: Any) -> list[Test]:
    found = (label_test(query.get("labelSelector", "")), field_test(kind, query.get("fieldSelector", "")))
    return [test for test in found if test is not None]


class ObjectApi:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lists: OrderedDict[str, tuple[int, list[Json]]] = OrderedDict()
        """Lists that were read in part: token -> (version, what is left)."""

    async def answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        match target.verb:
            case "list":
                return await self._list(request, target)
            case "get":
                return await self._get(request, target)
            case "create":
                return await self._create(request, target)
            case "update":
                return await self._update(request, target)
            case "patch":
                return await self._patch(request, target)
            case "delete":
                return await self._delete(request, target)
            case _:
                return await self._delete_all(request, target)

    # reading

    async def _get(self, request: web.Request, target: Target) -> web.Response:
        obj = self._found(target)
        if target.subresource == "scale":
            return await json_answer(request, _scale_of(obj))
        return await json_answer(request, self._shown(request, target, obj))

    def _found(self, target: Target) -> Json:
        return self._store.get(target.kind, _namespace(target), target.name)

    def _shown(self, request: web.Request, target: Target, obj: Json) -> Json:
        shape = shape_of(request.headers.get("Accept", ""), request.query.get("includeObject", ""))
        return shape.one(target.kind, obj, self._store.clock.now())

    async def _list(self, request: web.Request, target: Target) -> web.Response:
        query = request.query
        tests = tests_of(target.kind, query)
        version, objects = self._listed(target, tests, query.get("continue", ""), query.get("resourceVersion", ""))
        limit = number_in(query.get("limit", ""), 0)
        meta: Json = {"resourceVersion": str(version)}
        if 0 < limit < len(objects):
            objects, left = objects[:limit], objects[limit:]
            meta["continue"] = self._keep(version, left)
            if not tests:
                meta["remainingItemCount"] = len(left)
        shape = shape_of(request.headers.get("Accept", ""), query.get("includeObject", ""))
        return await json_answer(request, shape.many(target.kind, objects, meta, self._store.clock.now()))

    def _listed(self, target: Target, tests: list[Test], token: str, wanted: str) -> tuple[int, list[Json]]:
        if token:
            kept = self._lists.pop(token, None)
            if kept is None:
                raise expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new "
                    "list without the continue parameter, or use the continue token in this response to retrieve the "
                    "remainder of the results. Continuing with the provided token results in an inconsistent list."
                )
            return kept
        if wanted.isdigit() and int(wanted) > self._store.revision:
            message = f"Too large resource version: {wanted}, current: {self._store.revision}"
            raise ApiError(
                504,
                "Timeout",
                f"Timeout: {message}",
                {"causes": [{"reason": "ResourceVersionTooLarge", "message": message}]},
            )
        objects = self._store.listed(target.kind, _namespace(target))
        return self._store.revision, [obj for obj in objects if all(test(obj) for test in tests)]

    def _keep(self, version: int, left: list[Json]) -> str:
        start = f"{namespace_of(left[0])}/{name_of(left[0])}"
        inner = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start, "n": len(self._lists)})
        token = base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")
        self._lists[token] = (version, left)
        while len(self._lists) > _MOST_LISTS:
            self._lists.popitem(last=False)
        return token

    # writing

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        body = await object_of(request)
        if target.subresource == "eviction":
            return await self._evict(request, target)
        kind = target.kind
        obj = copied(stored(kind, body))
        meta = obj.setdefault("metadata", {})
        place = _namespace(target)
        if kind.is_namespaced and meta.setdefault("namespace", place) != place:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if meta.pop("resourceVersion", None):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if kind.has_status and kind.resource != "nodes":
            obj.pop("status", None)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self._store.names.suffix()
        obj = with_defaults(kind, obj)
        check(kind, obj)
        made = self._store.create(kind, obj, manager=_manager(request), is_dry_run=_is_dry(request))
        return await json_answer(request, self._shown(request, target, made), 201)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        body = await object_of(request)
        if target.subresource == "scale":
            return await self._resize(request, target, body)
        obj = copied(stored(target.kind, body))
        version = (obj.get("metadata") or {}).get("resourceVersion")
        if target.kind.resource == "leases" and not version:
            raise invalid(
                target.kind, target.name, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
            )
        return await self._replaced(request, target, obj)

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        if request.content_type.startswith("application/apply-patch"):
            return await self._applied(request, target)
        apply = _PATCHES.get(request.content_type)
        if apply is None:
            served = ", ".join(_PATCHES)
            message = f"the body of the request was in an unknown format - accepted media types include: {served}"
            raise ApiError(415, "UnsupportedMediaType", message)
        patch = await body_of(request)
        before = self._found(target)
        if target.subresource == "scale":
            return await self._resize(request, target, apply(_scale_of(before), patch))
        return await self._replaced(request, target, apply(before, patch))

    async def _applied(self, request: web.Request, target: Target) -> web.Response:
        """Server-side apply without its bookkeeping: what is sent is merged in, nobody's fields conflict."""
        body = await object_of(request)
        before = self._store.find(target.kind, _namespace(target), target.name)
        if before is not None:
            return await self._replaced(request, target, strategic_patched(before, body))
        obj = with_defaults(target.kind, copied(body))
        obj["metadata"] |= {"name": target.name} | ({"namespace": target.namespace} if target.kind.is_namespaced else {})
        check(target.kind, obj)
        made = self._store.create(target.kind, obj, manager=_manager(request), is_dry_run=_is_dry(request))
        return await json_answer(request, self._shown(request, target, made), 201)

    async def _replaced(self, request: web.Request, target: Target, obj: Json) -> web.Response:
        kind, before = target.kind, self._found(target)
        meta = obj.setdefault("metadata", {})
        meta.setdefault("name", target.name)
        if kind.is_namespaced:
            meta.setdefault("namespace", target.namespace)
        if meta["name"] != target.name:
            said = f"the name of the object ({meta['name']}) does not match the name on the URL ({target.name})"
            raise bad_request(said)
        obj = with_defaults(kind, copied(obj))
        if target.subresource != "status":
            check(kind, obj, before)
        done = self._store.replace(
            kind, obj, subresource=target.subresource, manager=_manager(request), is_dry_run=_is_dry(request)
        )
        return await json_answer(request, self._shown(request, target, done))

    async def _resize(self, request: web.Request, target: Target, scale: Json) -> web.Response:
        before = self._found(target)
        version = (scale.get("metadata") or {}).get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise conflict(target.kind, target.name)
        obj = {**before, "spec": {**before["spec"], "replicas": (scale.get("spec") or {}).get("replicas", 0)}}
        check(target.kind, obj, before)
        done = self._store.replace(target.kind, obj, manager=_manager(request), is_dry_run=_is_dry(request))
        return await json_answer(request, _scale_of(done))

    async def _evict(self, request: web.Request, target: Target) -> web.Response:
        self._found(target)
        if not _is_dry(request):
            self._store.remove(target.kind, target.namespace, target.name)
        return await json_answer(
            request, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
        )

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options = await object_of(request)
        before = self._found(target)
        wanted = options.get("preconditions") or {}
        for field in ("uid", "resourceVersion"):
            if wanted.get(field) and wanted[field] != before["metadata"][field]:
                what = "UID" if field == "uid" else "ResourceVersion"
                seen = before["metadata"][field]
                why = f"Precondition failed: {what} in precondition: {wanted[field]}, {what} in object meta: {seen}"
                raise conflict(target.kind, target.name, why)
        # As in the real server, a body that is there speaks alone.
        if "All" in (options.get("dryRun") or ()) if options else _is_dry(request):
            return await json_answer(request, self._shown(request, target, before))
        grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        policy = options.get("propagationPolicy") or request.query.get("propagationPolicy")
        if policy == "Orphan":
            self._orphan(before)
        left = self._store.remove(
            target.kind, _namespace(target), target.name, grace_s=int(grace) if grace is not None else None
        )
        if target.kind.resource == "pods":
            return await json_answer(request, self._shown(request, target, left))
        details = details_of(target.kind, target.name, uid=uid_of(before))
        return await json_answer(
            request, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _orphan(self, owner: Json) -> None:
        for kind in OWNED:
            for obj in self._store.each(kind, namespace_of(owner)):
                refs = obj["metadata"].get("ownerReferences") or []
                if any(ref["uid"] == uid_of(owner) for ref in refs):
                    left = [ref for ref in refs if ref["uid"] != uid_of(owner)]
                    self._store.replace(kind, {**obj, "metadata": {**obj["metadata"], "ownerReferences": left}})

    async def _delete_all(self, request: web.Request, target: Target) -> web.Response:
        tests = tests_of(target.kind, request.query)
        found = [obj for obj in self._store.listed(target.kind, _namespace(target)) if all(test(obj) for test in tests)]
        if not _is_dry(request):
            for obj in found:
                self._store.remove(target.kind, namespace_of(obj), name_of(obj))
        meta = {"resourceVersion": str(self._store.revision)}
        shape = shape_of(request.headers.get("Accept", ""), "")
        return await json_answer(request, shape.many(target.kind, found, meta, self._store.clock.now()))


def _namespace(target: Target) -> str:
    return target.namespace if target.kind.is_namespaced else ""


def _is_dry(request: web.Request) -> bool:
    return request.query.get("dryRun", "") == "All"


def _manager(request: web.Request) -> str:
    """As the real server: the field manager that was named, else the head of the user agent."""
    agent = request.headers.get("User-Agent", "unknown")
    return request.query.get("fieldManager") or agent.partition("/")[0]


def _scale_of(obj: Json) -> Json:
    meta = {key: obj["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    selector = (obj["spec"].get("selector") or {}).get("matchLabels") or labels_of(obj)
    status = {
        "replicas": (obj.get("status") or {}).get("replicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in sorted(selector.items())),
    }
    spec = {"replicas": obj["spec"].get("replicas", 0)}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}
