"""Container logs: of this run or the one before, from a moment or the last lines, and followed until the container ends."""

from __future__ import annotations

import asyncio

from aiohttp import web

from practice.answers import bad_request
from practice.api_objects import number_in
from practice.container import Container, Run
from practice.kinds import PODS
from practice.log_lines import Line, lines_of, next_line_at
from practice.objects import epoch_of, nano_time
from practice.paths import Target
from practice.pod_run import PodRun
from practice.world import World

_LOOK_S = 0.25


class LogApi:
    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        pod = self._world.store.get(PODS, target.namespace, target.name)
        query = request.query
        pod_run = self._world.kubelet.run_of(pod)
        names = [each["name"] for each in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"])]
        name = query.get("container") or (names[0] if len(names) == 1 else "")
        if not name:
            text = f"a container name must be specified for pod {target.name}, choose one of: [{' '.join(names)}]"
            raise bad_request(text)
        if name not in names:
            raise bad_request(f"container {name} is not valid for pod {target.name}")
        container = pod_run.find(name) if pod_run is not None else None
        run = _run(container, target.name, name, is_previous=query.get("previous") in ("true", "1"))
        assert container is not None
        lines = lines_of(container, run, self._now())
        lines = _chosen(
            lines, query.get("tailLines", ""), query.get("sinceTime", ""), query.get("sinceSeconds", ""), self._now()
        )
        has_stamps = query.get("timestamps") in ("true", "1")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(_written(lines, has_stamps))
        if query.get("follow") in ("true", "1") and pod_run is not None:
            await self._follow(response, pod_run, container, run, has_stamps)
        return response

    def _now(self) -> float:
        return self._world.clock.now()

    async def _follow(
        self, response: web.StreamResponse, pod_run: PodRun, container: Container, run: Run, has_stamps: bool
    ) -> None:
        seen = self._now()
        while True:
            is_over = run.finished is not None or not self._exists(pod_run)
            now = self._now()
            new = [line for line in lines_of(container, run, now) if line[0] > seen]
            if new:
                await response.write(_written(new, has_stamps))
            seen = now
            if is_over:
                return
            await asyncio.sleep(min(_LOOK_S, max(0.01, next_line_at(container, run, now) - now)))

    def _exists(self, pod_run: PodRun) -> bool:
        pod = self._world.store.find(PODS, pod_run.namespace, pod_run.name)
        return pod is not None and pod["metadata"]["uid"] == pod_run.uid


def _run(container: Container | None, pod: str, name: str, *, is_previous: bool) -> Run:
    if is_previous:
        runs = container.runs if container is not None else []
        place = -1 if container is not None and container.waiting else -2
        if len(runs) < -place:
            raise bad_request(f'previous terminated container "{name}" in pod "{pod}" not found')
        return runs[place]
    if container is None or not container.runs:
        reason = container.waiting if container is not None else "ContainerCreating"
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            reason = "trying and failing to pull image"
        raise bad_request(f'container "{name}" in pod "{pod}" is waiting to start: {reason}')
    return container.runs[-1]


def _chosen(lines: list[Line], tail: str, since_time: str, since_s: str, now: float) -> list[Line]:
    since = epoch_of(since_time)
    if since is None and since_s:
        since = now - number_in(since_s, 0)
    if since is not None:
        lines = [line for line in lines if line[0] >= since]
    most = number_in(tail, -1)
    if most >= 0:
        lines = lines[-most:] if most else []
    return lines


def _written(lines: list[Line], has_stamps: bool) -> bytes:
    if has_stamps:
        return "".join(f"{nano_time(at)} {text}\n" for at, text in lines).encode()
    return "".join(f"{text}\n" for _, text in lines).encode()
