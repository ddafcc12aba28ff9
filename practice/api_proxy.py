"""The API server's proxy to pods and services: the way in for health checks and for Prometheus."""

from __future__ import annotations

from urllib.parse import unquote

from aiohttp import web

from practice import shop
from practice.answers import ApiError, not_found
from practice.container import Container
from practice.kinds import PODS, SERVICES
from practice.objects import Json, labels_of, name_of
from practice.paths import Target
from practice.replica_sets import is_ready
from practice.shop_app import Said, answer
from practice.world import World


class ProxyApi:
    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: web.Request, target: Target) -> web.Response:
        name, port = _parts(target.name)
        if target.kind is SERVICES:
            pod, port = self._behind(target.namespace, name, port)
        else:
            found = self._world.store.find(PODS, target.namespace, name)
            if found is None:
                raise not_found(PODS, name)
            pod = found
        path = unquote(target.rest) or "/"
        if labels_of(pod).get("app") == "prometheus":
            said = await self._world.prometheus.answer(request, path)
        else:
            said = self._said(pod, port, path)
        return web.Response(status=said.code, body=said.body, headers={"Content-Type": said.content_type})

    def _behind(self, namespace: str, name: str, port: str) -> tuple[Json, str]:
        """(a ready pod of the service, the port to ask it on)."""
        service = self._world.store.get(SERVICES, namespace, name)
        spec = service["spec"]
        ports = spec.get("ports") or ()
        chosen = next((each for each in ports if port in ("", each.get("name"), str(each["port"]))), None)
        if chosen is None:
            raise ApiError(503, "ServiceUnavailable", f'no service port "{port}" found for service "{name}"')
        wanted = (spec.get("selector") or {}).items()
        pods = [
            pod
            for pod in self._world.store.listed(PODS, namespace)
            if wanted <= labels_of(pod).items() and is_ready(pod) and not pod["metadata"].get("deletionTimestamp")
        ]
        if not pods or not wanted:
            raise ApiError(503, "ServiceUnavailable", f'no endpoints available for service "{name}"')
        return self._world.names.random.choice(pods), str(chosen.get("targetPort", chosen["port"]))

    def _said(self, pod: Json, port: str, path: str) -> Said:
        run = self._world.kubelet.run_of(pod)
        container = _listening(run.mains if run is not None else [], port)
        if run is None or container is None or not container.is_running or not container.image.checks:
            address = run.ip if run is not None else "0.0.0.0"
            number = port if port.isdigit() else shop.PORT
            why = f"error trying to reach service: dial tcp {address}:{number}: connect: connection refused"
            raise ApiError(503, "ServiceUnavailable", why)
        return answer(container, path, self._world.traffic.exposition(name_of(pod)))


def _parts(name: str) -> tuple[str, str]:
    """(name, port) from `[scheme:]name[:port]`."""
    parts = unquote(name).split(":")
    if len(parts) == 1:
        return parts[0], ""
    if len(parts) == 2:
        return ("", "") if parts[0] in ("http", "https") and not parts[1] else (parts[0], parts[1])
    return parts[1], parts[2]


def _listening(containers: list[Container], port: str) -> Container | None:
    for container in containers:
        ports = container.spec.get("ports") or ()
        if not port and ports:
            return container
        if any(port in (str(each["containerPort"]), each.get("name")) for each in ports):
            return container
    return None
