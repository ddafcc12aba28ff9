"""Follows the logs behind one log screen: one stream a container, new pods of a workload as they appear."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.errors import ForbiddenError, NotFoundError, OutsideError, RefusedError
from domain.fleet import Fleet
from domain.log_lines import LogLine, LogPhase, LogStream
from domain.pods import Pod
from domain.targets import Target
from domain.templates import image_name
from screens.logs import LogsScreen

if TYPE_CHECKING:
    from clients.kubernetes.cluster import Cluster

MOST_STREAMS = 50
"""As stern: beyond it the API server and the person both drown (stern#224)."""
TAIL_LINES = 200
FLUSH_EVERY_S = 0.1
RETRY_S = 2.0


class LogFollowing:
    """`run` until cancelled. `take` is told of each snapshot. A `screen` that is there already is used again."""

    def __init__(
        self, cluster: Cluster, fleet: Fleet, target: Target, *, is_previous: bool, screen: LogsScreen | None = None
    ) -> None:
        self.target = target
        self.is_previous = is_previous
        self._cluster = cluster
        self._fleet = fleet
        self._streams: dict[tuple[str, str], LogStream] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._waiting: list[LogLine] = []
        self._have_streams_changed = False
        title = title_of(fleet, target)
        if screen is None:
            screen = LogsScreen(title, is_previous=is_previous, fleet=fleet, target=target)
        else:
            screen.start_over(title, is_previous=is_previous)
        self.screen = screen

    def take(self, fleet: Fleet) -> None:
        if fleet.pods is not self._fleet.pods:
            self._fleet = fleet
            self._start_streams()

    async def run(self) -> None:
        """Ends when the screen has been left."""
        self._start_streams()
        was_shown = False
        while self.screen.is_attached or not was_shown:
            was_shown = was_shown or self.screen.is_attached
            if self.screen.is_mounted:
                self._flush()
            await asyncio.sleep(FLUSH_EVERY_S)

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start_streams(self) -> None:
        found = list(containers_of(self._fleet, self.target))
        for pod, container in _with_a_run_before(found) if self.is_previous else found:
            key = (pod.uid, container)
            if key in self._tasks or len(self._tasks) >= MOST_STREAMS:
                continue
            self._note(key, LogStream(pod.name, container, LogPhase.WAITING))
            self._tasks[key] = asyncio.get_running_loop().create_task(self._follow(key, pod, container))

    def _note(self, key: tuple[str, str], stream: LogStream) -> None:
        if self._streams.get(key) != stream:
            self._streams[key] = stream
            self._have_streams_changed = True

    def _flush(self) -> None:
        if self._waiting:
            # Several pods write at once: what they wrote in the same tenth of a second is put in order.
            lines, self._waiting = sorted(self._waiting, key=lambda line: line.at), []
            self.screen.add_lines(lines)
        if self._have_streams_changed:
            self._have_streams_changed = False
            self.screen.show_streams(tuple(self._streams.values()))

    async def _follow(self, key: tuple[str, str], pod: Pod, container: str) -> None:
        """Each run of the container has a log of its own: the next one is followed when it has begun."""
        last_at: float | None = None
        while True:
            run = self._run_of(pod.uid, container)
            phase, reason = LogPhase.ENDED, ""
            try:
                reader = self._cluster.follow_log(
                    pod.namespace, pod.name, container, previous=self.is_previous, tail=TAIL_LINES, since_at=last_at
                )
                async for line in reader:
                    if last_at is None or line.at > last_at:
                        last_at = line.at
                        self._waiting.append(line)
                    self._note(key, LogStream(pod.name, container, LogPhase.LIVE))
            except NotFoundError as error:
                phase, reason = LogPhase.REFUSED if self.is_previous else LogPhase.WAITING, error.message
            except (ForbiddenError, RefusedError) as error:
                phase, reason = LogPhase.REFUSED, error.message
            except OutsideError as error:
                phase, reason = LogPhase.LOST, error.message
            self._note(key, LogStream(pod.name, container, phase, reason))
            if self.is_previous or phase is LogPhase.REFUSED:
                return
            if not await self._is_worth_asking_again(pod.uid, container, phase, run):
                return

    async def _is_worth_asking_again(self, uid: str, container: str, phase: LogPhase, run: int) -> bool:
        """After a pause: at once where the line was lost, else once the container runs anew. False when its pod is gone."""
        while True:
            await asyncio.sleep(RETRY_S)
            if uid not in self._fleet.pods:
                return False
            if phase is not LogPhase.ENDED or self._run_of(uid, container) != run:
                return True

    def _run_of(self, uid: str, container: str) -> int:
        pod = self._fleet.pods.get(uid)
        return next((c.restarts for c in pod.containers if c.name == container), 0) if pod else 0


def _with_a_run_before(found: list[tuple[Pod, str]]) -> list[tuple[Pod, str]]:
    """Those that have been started again; all of them where none has, so that each says so itself."""
    again = {(p.uid, c.name) for p, _ in found for c in p.containers if c.restarts}
    return [(pod, name) for pod, name in found if (pod.uid, name) in again] or found


def containers_of(fleet: Fleet, target: Target) -> Iterator[tuple[Pod, str]]:
    """(pod, container) of what is selected, in the order of their names; the pods of a revision are those of its hash."""
    if target.pod_uid:
        pod = fleet.pods.get(target.pod_uid)
        pods = [pod] if pod else []
    elif target.revision_uid and (revision := fleet.revisions.get(target.revision_uid)):
        owners = (revision.uid, revision.owner_uid)
        pods = [
            p for o in owners for p in fleet.pods_by_owner.get(o, {}).values() if p.template_hash == revision.template_hash
        ]
    elif target.workload and (rollout := fleet.rollouts.get(target.workload)):
        pods = [fleet.pods[uid] for uid in (*rollout.new_pods, *rollout.old_pods) if uid in fleet.pods]
    else:
        pods = []
    for pod in pods:
        for container in pod.containers:
            if not target.container or container.name == target.container:
                yield pod, container.name


def title_of(fleet: Fleet, target: Target) -> str:
    if target.pod_uid and (pod := fleet.pods.get(target.pod_uid)):
        return pod.name
    if target.revision_uid and (revision := fleet.revisions.get(target.revision_uid)):
        images = revision.template.main_images
        return f"{revision.name}, {image_name(images[0]).version}" if images else revision.name
    return target.workload.name if target.workload else "nothing"
