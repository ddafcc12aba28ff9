"""A small API server that speaks list and watch over real sockets and can be told to fail in every way FAULTS.md names."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from clients.kubernetes.access import ClusterAccess

Object = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def pod(name: str, uid: str = "", *, version: int = 1, phase: str = "Running", namespace: str = "shop") -> Object:
    state = {"running": {"startedAt": "2026-11-23T15:00:05Z"}}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-11-23T15:00:00Z",
            "labels": {"app": "web", "pod-template-hash": "abc"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-abc", "uid": "rs-1", "controller": True}],
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "shop/web:1"}]},
        "status": {
            "phase": phase,
            "podIP": "10.0.0.1",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T15:00:09Z"},
            ],
            "containerStatuses": [
                {"name": "c", "image": "shop/web:1", "imageID": "i", "ready": True, "restartCount": 0, "state": state}
            ],
        },
    }


def status(code: int, reason: str, message: str = "") -> Object:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}


@dataclass
class ApiServer:
    """`objects` is what exists, by uid. `faults` are answered instead of the real thing, the first one first."""

    objects: dict[str, Object] = field(default_factory=dict)
    version: int = 100
    page_limit: int = 500
    faults: list[tuple[str, Answer]] = field(default_factory=list)
    """("list" or "watch" or "*", what to answer)."""
    requests: list[web.Request] = field(default_factory=list)
    oldest_version: int = 0
    """Watches from before it get 410."""
    history: list[tuple[int, Object]] = field(default_factory=list)
    """What a watch from an older version is told first, as the real server does."""
    url: str = ""
    watched_until: float | None = None
    """Seconds after which a watch ends by itself, as an idle proxy ends it."""
    _watchers: set[asyncio.Queue[Object | None]] = field(default_factory=set)
    _transports: set[asyncio.Transport] = field(default_factory=set)

    # What tests do to it

    def fail(self, what: str, *answers: Answer) -> None:
        self.faults += [(what, answer) for answer in answers]

    def put(self, thing: Object) -> Object:
        self.version += 1
        uid = thing["metadata"]["uid"]
        kind = "MODIFIED" if uid in self.objects else "ADDED"
        thing = json.loads(json.dumps(thing))
        thing["metadata"]["resourceVersion"] = str(self.version)
        self.objects[uid] = thing
        self._happened(kind, thing)
        return thing

    def remove(self, uid: str) -> None:
        self.version += 1
        thing = self.objects.pop(uid)
        thing["metadata"]["resourceVersion"] = str(self.version)
        self._happened("DELETED", thing)

    def _happened(self, kind: str, thing: Object) -> None:
        event = {"type": kind, "object": thing}
        self.history.append((self.version, event))
        self.send(event)

    def bookmark(self) -> None:
        self.send({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": str(self.version)}}})

    def send(self, event: Object) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(event)

    def end_watches(self) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(None)

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    def reset_connections(self) -> None:
        """RST instead of FIN, as when the process is killed."""
        for transport in self._transports:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        self._transports.clear()

    def compact(self) -> None:
        """From now on, older versions are gone; clients that do not watch at this moment have missed something."""
        self.oldest_version = self.version

    def sent(self, kind: str) -> int:
        return sum(kind_of(request) == kind for request in self.requests)

    # How it answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert isinstance(request.transport, asyncio.Transport)
        self._transports.add(request.transport)
        kind = kind_of(request)
        for index, (what, fault) in enumerate(self.faults):
            if what in (kind, "*"):
                del self.faults[index]
                return await fault(request)
        if request.path == "/livez":
            return web.Response(text="ok")
        return await (self.watch(request) if kind == "watch" else self.answer_page(request))

    async def answer_page(self, request: web.Request) -> web.Response:
        everything = sorted(self.objects.values(), key=lambda o: (o["metadata"]["namespace"], o["metadata"]["name"]))
        begin = int(request.query.get("continue", "0"))
        end = begin + min(int(request.query.get("limit", "500")), self.page_limit)
        meta: Object = {"resourceVersion": str(self.version)}
        if end < len(everything):
            meta |= {"continue": str(end), "remainingItemCount": len(everything) - end}
        return web.json_response({"kind": "PodList", "metadata": meta, "items": everything[begin:end]})

    async def watch(self, request: web.Request) -> web.StreamResponse:
        if int(request.query["resourceVersion"]) < self.oldest_version:
            return web.json_response(status(410, "Expired", "too old resource version"), status=410)
        queue: asyncio.Queue[Object | None] = asyncio.Queue()
        for version, event in self.history:
            if version > int(request.query["resourceVersion"]):
                queue.put_nowait(event)
        self._watchers.add(queue)
        try:
            answer = web.StreamResponse(headers={"Content-Type": "application/json"})
            await answer.prepare(request)
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                async with asyncio.timeout(self.watched_until):
                    while (told := await queue.get()) is not None:
                        await answer.write(json.dumps(told).encode() + b"\n")
            return answer
        finally:
            self._watchers.discard(queue)

    def access(self, **more: Any) -> ClusterAccess:
        values: dict[str, Any] = {"context": "c", "cluster": "c", "user": "oncall", "namespace": "shop", "server": self.url}
        return ClusterAccess(**(values | more))


def kind_of(request: web.Request) -> str:
    if request.path.endswith("livez"):
        return "probe"
    return "watch" if "watch" in request.query else "list"


@contextlib.asynccontextmanager
async def serving(server: ApiServer, **site: Any) -> AsyncIterator[ApiServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0, **site)
    await tcp.start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if 'ssl_context' in site else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        server.end_watches()
        await runner.cleanup()
