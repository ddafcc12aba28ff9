"""Follows a source as the program does: supervised, restarted at once, and kept in a mirror of what exists."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.limits import Limits
from domain.errors import OutsideError, QuarterdeckError, RateLimitedError
from domain.facts import Fact, Gone, Listed, Seen, StreamChanged
from domain.streams import Source, StreamPhase
from tests.faults.api_server import ApiServer

QUICK = Limits(
    connect_s=1.5,
    answer_s=1.5,
    body_s=5,
    write_s=0.5,
    silence_s=0.5,
    watch_s=(240, 360),
    empty_watch_s=0.05,
    empty_pauses_s=(0.02, 0.1, 0.2),
    relist_pause_s=0.2,
    probe_s=0.4,
    poll_s=0.1,
    log_reconnect_s=0.02,
)
"""The program's limits on a faster clock."""


@dataclass
class Following:
    """`things` is what a screen would show: by uid, as the last fact left it."""

    cluster: Cluster
    source: Source = Source.PODS
    namespace: str = "shop"
    things: dict[str, Any] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    errors: list[QuarterdeckError] = field(default_factory=list)
    _listed: set[str] = field(default_factory=set)

    async def run(self) -> None:
        while True:
            try:
                async for fact in self.cluster.watch(self.source, self.namespace):
                    self._take(fact)
            except QuarterdeckError as error:
                self.errors.append(error)
                pause = error.retry_after_s if isinstance(error, RateLimitedError) else None
                await asyncio.sleep(0.02 if pause is None else pause)

    def _take(self, fact: Fact) -> None:
        self.facts.append(fact)
        if isinstance(fact, Listed):
            if fact.is_first:
                self._listed = set()
            self._listed |= {value.uid for value in fact.values}
            self.things |= {value.uid: value for value in fact.values}
            if fact.is_last:
                self.things = {uid: thing for uid, thing in self.things.items() if uid in self._listed}
        elif isinstance(fact, Seen):
            self.things[fact.value.uid] = fact.value
        elif isinstance(fact, Gone):
            self.things.pop(fact.uid, None)

    @property
    def versions(self) -> dict[str, str]:
        return {uid: thing.resource_version for uid, thing in self.things.items()}

    @property
    def phases(self) -> list[StreamPhase]:
        return [fact.phase for fact in self.facts if isinstance(fact, StreamChanged)]

    def shows(self, server: ApiServer) -> bool:
        return self.versions == {uid: thing["metadata"]["resourceVersion"] for uid, thing in server.objects.items()}


@contextlib.asynccontextmanager
async def following(
    server: ApiServer, limits: Limits = QUICK, source: Source = Source.PODS, **access: Any
) -> AsyncIterator[Following]:
    cluster = Cluster(server.access(**access), limits=limits)
    follower = Following(cluster, source)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await cluster.close()


async def until(condition: Callable[[], object], within_s: float = 5) -> None:
    """Waits for it, and says what it waited for when it does not come."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)


async def first_error(cluster: Cluster, source: Source = Source.PODS) -> OutsideError:
    """What one attempt ends with."""
    try:
        async for _fact in cluster.watch(source, "shop"):
            pass
    except OutsideError as error:
        return error
    raise AssertionError("the stream ended without saying why")
