"""Watches: what changed since a version, then what changes, with bookmarks as the sign of life."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from practice.answers import ApiError, bad_request
from practice.api_objects import number_in, tests_of
from practice.kinds import Kind
from practice.objects import Json, namespace_of
from practice.paths import Target
from practice.selectors import Test
from practice.shapes import Shape, encoded, partial, shape_of
from practice.store import Change, Store, Watcher

BOOKMARK_S = 60.0
_INITIAL_END = "k8s.io/initial-events-end"


@dataclass(slots=True)
class _Watch:
    """One watch request, taken apart."""

    kind: Kind
    namespace: str
    tests: list[Test]
    shape: Shape
    since: int | None
    sends_state: bool
    is_list: bool
    """WatchList: the state first, then a bookmark that says so."""
    has_bookmarks: bool
    until: float

    def sees(self, obj: Json | None) -> bool:
        if obj is None or (self.namespace and namespace_of(obj) != self.namespace):
            return False
        return all(test(obj) for test in self.tests)


class WatchApi:
    def __init__(self, store: Store, *, bookmark_s: float = BOOKMARK_S) -> None:
        self._store = store
        self.bookmark_s = bookmark_s

    async def answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        watch = self._asked(request, target)
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
        try:
            watcher, past = self._store.watch(watch.kind, watch.since)
        except ApiError as error:
            await response.prepare(request)
            await response.write(_line("ERROR", error.status()))
            return response
        try:
            state = b"".join(self._state(watch)) if watch.sends_state else b""
            await response.prepare(request)
            if state:
                await response.write(state)
            await self._follow(response, watch, watcher, past, has_columns=not state)
        except ConnectionResetError:
            pass  # whoever watched has gone
        finally:
            self._store.unwatch(watch.kind, watcher)
        return response

    def _asked(self, request: web.Request, target: Target) -> _Watch:
        query = request.query
        version = query.get("resourceVersion", "")
        if version and not version.isdigit():
            raise bad_request(f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax')
        is_list = query.get("sendInitialEvents") == "true"
        if "sendInitialEvents" in query and query.get("resourceVersionMatch") != "NotOlderThan":
            text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {text}", "field": "resourceVersionMatch"}
            raise ApiError(
                422,
                "Invalid",
                f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: {text}',
                {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]},
            )
        sends_state = is_list or (version in ("", "0") and query.get("sendInitialEvents") != "false")
        seconds = number_in(query.get("timeoutSeconds", ""), 0) or random.uniform(1800, 3600)
        return _Watch(
            kind=target.kind,
            namespace=target.namespace if target.kind.is_namespaced else "",
            tests=tests_of(target.kind, query),
            shape=shape_of(request.headers.get("Accept", ""), query.get("includeObject", "")),
            since=None if sends_state else int(version or self._store.revision),
            sends_state=sends_state,
            is_list=is_list,
            has_bookmarks=query.get("allowWatchBookmarks") in ("true", "1"),
            until=time.monotonic() + seconds,
        )

    def _state(self, watch: _Watch) -> Iterator[bytes]:
        now = self._store.clock.now()
        is_first = True
        for obj in self._store.listed(watch.kind, watch.namespace):
            if watch.sees(obj):
                yield _line("ADDED", watch.shape.one(watch.kind, obj, now, has_columns=is_first))
                is_first = False
        if watch.is_list and watch.has_bookmarks:
            yield self._bookmark(watch, self._store.revision, {_INITIAL_END: "true"})

    async def _follow(
        self, response: web.StreamResponse, watch: _Watch, watcher: Watcher, past: list[Change], *, has_columns: bool
    ) -> None:
        seen = self._store.revision
        last_sign = time.monotonic()
        changes = past
        while True:
            lines = []
            for change in changes:
                line = self._change(watch, change, has_columns=has_columns)
                if line:
                    lines.append(line)
                    has_columns = False
                seen = max(seen, change.revision)
            now = time.monotonic()
            is_over = now >= watch.until or watcher.is_cut
            if watch.has_bookmarks and not watcher.is_cut and (is_over or now - last_sign >= self.bookmark_s):
                lines.append(self._bookmark(watch, max(seen, self._store.revision if not changes else seen)))
                last_sign = now
            if lines:
                await response.write(b"".join(lines))
            if is_over:
                return
            wait_s = min(watch.until - now, last_sign + self.bookmark_s - now if watch.has_bookmarks else 3600)
            changes = await watcher.next_changes(max(wait_s, 0.001))

    def _change(self, watch: _Watch, change: Change, *, has_columns: bool) -> bytes:
        """The line for one change: what leaves the selection is DELETED, what enters it is ADDED."""
        was, is_ = watch.sees(change.before), watch.sees(change.object)
        if change.type == "DELETED":
            type_ = "DELETED" if was else ""
        elif is_:
            type_ = "MODIFIED" if was else "ADDED"
        else:
            type_ = "DELETED" if was else ""
        if not type_:
            return b""
        key = f"{type_} {watch.kind.group} {watch.shape.key} {has_columns}"
        line = change.lines.get(key)
        if line is None:
            body = watch.shape.one(watch.kind, change.object, self._store.clock.now(), has_columns=has_columns)
            line = change.lines[key] = _line(type_, body)
        return line

    def _bookmark(self, watch: _Watch, version: int, annotations: Json | None = None) -> bytes:
        meta: Json = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        body: Json = {"kind": watch.kind.name, "apiVersion": watch.kind.api_version, "metadata": meta}
        if watch.shape.name == "Table":
            row = {"cells": [], "object": partial(body)}
            body = {**watch.shape.many(watch.kind, [], {"resourceVersion": str(version)}, 0), "rows": [row]}
        elif watch.shape.name:
            body = partial(body)
        return _line("BOOKMARK", body)


def _line(type_: str, body: Json) -> bytes:
    return b'{"type":"' + type_.encode() + b'","object":' + encoded(body) + b"}\n"
