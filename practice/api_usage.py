"""metrics.k8s.io: what pods and nodes use, wavering a little every 15 seconds as real figures do."""

from __future__ import annotations

import hashlib

from aiohttp import web

from practice.answers import not_found
from practice.api_objects import tests_of
from practice.kinds import NODES, PODS
from practice.objects import Json, labels_of, name_of, namespace_of, rfc3339, uid_of
from practice.paths import Target
from practice.replies import json_answer
from practice.world import World

_WINDOW_S = 15
_API = "metrics.k8s.io/v1beta1"


class UsageApi:
    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: web.Request, target: Target) -> web.Response:
        is_pods = target.kind.resource == "pods"
        kind = PODS if is_pods else NODES
        measure = self._pod if is_pods else self._node
        if target.name:
            found = measure(self._world.store.get(kind, target.namespace if is_pods else "", target.name))
            if found is None:
                raise not_found(target.kind, target.name)
            return await json_answer(request, {"kind": target.kind.name, "apiVersion": _API, **found})
        tests = tests_of(kind, request.query)
        objects = self._world.store.listed(kind, target.namespace if is_pods else "")
        items = [usage for obj in objects if all(test(obj) for test in tests) and (usage := measure(obj)) is not None]
        return await json_answer(
            request, {"kind": f"{target.kind.name}List", "apiVersion": _API, "metadata": {}, "items": items}
        )

    def _pod(self, pod: Json) -> Json | None:
        """None while nothing of it runs."""
        states = (pod.get("status") or {}).get("containerStatuses") or ()
        running = [each for each in states if "running" in (each.get("state") or {})]
        if not running:
            return None
        containers = []
        for each in running:
            image = self._world.registry.find(each["image"])
            waver = self._waver(uid_of(pod) + each["name"])
            cpu = round((image.cpu_m if image.checks else 2) * waver * 1_000_000)
            memory = round((image.memory_mib if image.checks else 3) * (0.9 + waver / 10) * 1024)
            containers.append({"name": each["name"], "usage": {"cpu": f"{cpu}n", "memory": f"{memory}Ki"}})
        meta: Json = {"name": name_of(pod), "namespace": namespace_of(pod), "labels": labels_of(pod)}
        return {**self._head(meta), "containers": containers}

    def _node(self, node: Json) -> Json:
        waver = self._waver(name_of(node))
        usage = {"cpu": f"{round(900 * waver)}m", "memory": f"{round(4_000_000 * waver)}Ki"}
        return {**self._head({"name": name_of(node), "labels": labels_of(node)}), "usage": usage}

    def _head(self, meta: Json) -> Json:
        stamp = rfc3339(self._world.clock.now() // _WINDOW_S * _WINDOW_S)
        return {"metadata": {**meta, "creationTimestamp": stamp}, "timestamp": stamp, "window": f"{_WINDOW_S}s"}

    def _waver(self, who: str) -> float:
        """0.85 to 1.15, steady for 15 seconds."""
        period = int(self._world.clock.now() // _WINDOW_S)
        return 0.85 + 0.3 * hashlib.blake2s(f"{who}{period}".encode(), digest_size=1).digest()[0] / 255
