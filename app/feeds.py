"""Supervised streams: each is restarted when it ends, waits longer each time it fails, and says how it is doing."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from domain.errors import (
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    OutsideError,
    QuarterdeckError,
    RateLimitedError,
    UnreachableError,
)
from domain.facts import Fact, StreamChanged, Ticked
from domain.ports import ClusterReader
from domain.streams import Source, StreamPhase

log = logging.getLogger("quarterdeck.feeds")

CLUSTER_SOURCES = (
    Source.PODS,
    Source.DEPLOYMENTS,
    Source.REPLICA_SETS,
    Source.STATEFUL_SETS,
    Source.DAEMON_SETS,
    Source.CONTROLLER_REVISIONS,
    Source.OCCURRENCES,
    Source.POD_USAGE,
)
PROBE_EVERY_S = 3.0
"""One `GET /livez` for the whole process. With a failed probe's 1.8 s at most, what is shown is marked stale within 5 s."""
RETRY_FIRST_S = 0.5
RETRY_MOST_S = 30.0
ASK_AGAIN_S = 60.0
"""After "not permitted" or "there is no such thing": somebody may be granting or installing it just now."""
RESTART_AFTER_AWAY_S = 20.0
"""After an absence this long the streams are begun again: a connection through a proxy may be dead without saying so."""
_SKEW_WORTH_SAYING_S = 2.0
"""The Date header has whole seconds: less than this is no skew."""


class Feeds:
    """The cluster's streams, the probe of the API server and the clock, as tasks that post facts."""

    def __init__(self, cluster: ClusterReader, post: Callable[[Fact], None]) -> None:
        self._cluster = cluster
        self._post = post
        self._skew_s = 0.0
        self._streams: dict[Source, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._is_back = asyncio.Event()
        self._away_since: float | None = None
        self._namespace = ""
        self._was_live: set[Source] = set()

    def now(self) -> float:
        """Seconds since the epoch by the API server's clock: this host's may be wrong."""
        return time.time() + self._skew_s

    def start(self, namespace: str) -> None:
        self._namespace = namespace
        for source in CLUSTER_SOURCES:
            self._start_stream(source)
        self._tasks += [self._spawn(self._probe(), "probe"), self._spawn(self._tick(), "clock")]

    def restart_streams(self) -> None:
        for source in CLUSTER_SOURCES:
            self._streams[source].cancel()
            self._start_stream(source)

    async def stop(self) -> None:
        tasks = [*self._streams.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def supervise(self, source: Source, attempt: Callable[[], Awaitable[None]]) -> None:
        """Also for what is polled: `attempt` runs until it raises or returns, and is then begun again."""
        self._tasks.append(self._spawn(self._supervised(source, attempt), str(source)))

    def _start_stream(self, source: Source) -> None:
        async def attempt() -> None:
            async for fact in self._cluster.watch(source, self._namespace):
                if isinstance(fact, StreamChanged) and fact.phase is StreamPhase.LIVE:
                    self._was_live.add(source)
                self._post(fact)

        self._streams[source] = self._spawn(self._supervised(source, attempt), str(source))

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(coroutine, name=f"feed {name}")

    async def _supervised(self, source: Source, attempt: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await attempt()
                error: Exception | None = None
            except Exception as caught:  # noqa: BLE001 - the feed supervisor: a dead stream is a value
                error = caught
            failures = 0 if time.monotonic() - began > RETRY_MOST_S else failures + 1
            if error is not None:
                self._say(source, error)
            await self._wait(_pause_s(error, failures))

    def _say(self, source: Source, error: Exception) -> None:
        phase = StreamPhase.STALE if source in self._was_live else StreamPhase.FAILED
        if isinstance(error, ForbiddenError):
            phase = StreamPhase.FORBIDDEN
        elif isinstance(error, NotFoundError):
            phase = StreamPhase.ABSENT
        if isinstance(error, QuarterdeckError):
            reason, hint = error.message, error.hint
        else:
            log.error("stream of %s broke", source, exc_info=error)
            reason, hint = (
                f"internal error: {type(error).__name__}",
                "The log file in the state folder has more; please report it.",
            )
        self._post(StreamChanged(source, phase, self.now(), reason, hint))

    async def _wait(self, pause_s: float) -> None:
        """The pause, cut short when the API server is known to be back."""
        self._is_back.clear()
        try:
            await asyncio.wait_for(self._is_back.wait(), pause_s)
        except TimeoutError:
            return
        # Not all at once: eight lists in one instant are what knocks a recovering server over.
        await asyncio.sleep(random.uniform(0, 0.3))

    async def _probe(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._note_time(await self._cluster.probe())
            except OutsideError as error:
                self._note_away(began, error)
            else:
                self._note_here()
            await asyncio.sleep(max(0.2, PROBE_EVERY_S - (time.monotonic() - began)))

    def _note_time(self, server_now: float) -> None:
        skew = server_now - time.time()
        self._skew_s = skew if abs(skew) > _SKEW_WORTH_SAYING_S else 0.0

    def _note_away(self, began: float, error: OutsideError) -> None:
        if not isinstance(error, UnreachableError | RateLimitedError):
            # It answered, if only to say no: it lives.
            self._note_here()
            return
        if self._away_since is None:
            self._away_since = began
        self._post(StreamChanged(Source.API_SERVER, StreamPhase.STALE, self.now(), error.message, error.hint))

    def _note_here(self) -> None:
        self._post(StreamChanged(Source.API_SERVER, StreamPhase.LIVE, self.now()))
        if self._away_since is None:
            return
        away_s, self._away_since = time.monotonic() - self._away_since, None
        if away_s > RESTART_AFTER_AWAY_S:
            self.restart_streams()
        else:
            self._is_back.set()

    async def _tick(self) -> None:
        while True:
            self._post(Ticked(self.now()))
            await asyncio.sleep(1.0)


def _pause_s(error: Exception | None, failures: int) -> float:
    """How long before the next attempt: the server's own word first, else longer each time, never in step with others."""
    if isinstance(error, RateLimitedError) and error.retry_after_s is not None:
        return error.retry_after_s
    if isinstance(error, ForbiddenError | NotFoundError):
        return ASK_AGAIN_S
    if failures <= 1 and (error is None or isinstance(error, ExpiredError)):
        return 0.0
    longest = min(RETRY_MOST_S, RETRY_FIRST_S * 2.0 ** (failures - 1))
    return random.uniform(longest / 2, longest)
