"""What is asked only about what the person is looking at: metrics, health endpoints, the last lines of what fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from domain.errors import OutsideError
from domain.facts import Fact, HealthAnswered, LogLinesRead, MetricsRead, StreamChanged
from domain.fleet import Fleet
from domain.health import HealthEndpoint
from domain.metrics import MetricQuery
from domain.pods import Pod
from domain.ports import ClusterReader, HealthSource, MetricSource
from domain.rollouts import Rollout
from domain.streams import Source, StreamPhase
from domain.workloads import WorkloadKey

HEALTH_EVERY_S = 10.0
METRICS_EVERY_S = 15.0
"""A scrape is usually 15 to 30 s apart: asking more often shows nothing new."""
SETTLE_S = 0.25
"""The cursor is passing through: what it leaves at once is not asked about."""
LOG_LINES = 6
_LOG_WITHIN_S = 4.0
_MOST_LOGS_A_ROLLOUT = 3

EndpointsOf = Callable[[Fleet, WorkloadKey], Sequence[HealthEndpoint]]


class Attention:
    """Loops that follow the selected workload, and one-off reads for what a verdict needs as evidence."""

    def __init__(self, cluster: ClusterReader, post: Callable[[Fact], None], now: Callable[[], float]) -> None:
        self._cluster = cluster
        self._post = post
        self._now = now
        self._fleet: Fleet | None = None
        self._selected: WorkloadKey | None = None
        self._moved = {Source.HEALTH: asyncio.Event(), Source.METRICS: asyncio.Event()}
        self._logs_asked: set[tuple[str, str, int]] = set()
        self._reading: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def look_at(self, key: WorkloadKey | None) -> None:
        if key != self._selected:
            self._selected = key
            self.ask_now()

    def ask_now(self) -> None:
        for event in self._moved.values():
            event.set()

    def take(self, fleet: Fleet) -> None:
        """A new snapshot: reads the logs that explain what has just begun to fail."""
        is_first = self._fleet is None or not self._fleet.rollouts
        if self._fleet is None or fleet.rollouts is not self._fleet.rollouts:
            for rollout in fleet.rollouts.values():
                if rollout.degree.is_failing:
                    self._explain(fleet, rollout)
        self._fleet = fleet
        if is_first and fleet.rollouts:
            self.ask_now()

    async def follow_health(self, source: HealthSource, endpoints_of: EndpointsOf) -> None:
        while True:
            key, fleet = self._selected, self._fleet
            endpoints = endpoints_of(fleet, key) if fleet and key else ()
            if key and endpoints:
                answers = await source.ask(endpoints)
                self._post(HealthAnswered(key, answers, self._now()))
                self._post(StreamChanged(Source.HEALTH, StreamPhase.LIVE, self._now()))
            await self._next(Source.HEALTH, HEALTH_EVERY_S)

    async def follow_metrics(self, source: MetricSource, queries: Sequence[MetricQuery]) -> None:
        while True:
            key, fleet = self._selected, self._fleet
            rollout = fleet.rollouts.get(key) if fleet and key else None
            if rollout is not None:
                labels = rollout.workload.selector
                series = await source.read(queries, rollout.key, labels, since_at=rollout.began_at)
                self._post(MetricsRead(rollout.key, series, self._now()))
                self._post(StreamChanged(Source.METRICS, StreamPhase.LIVE, self._now()))
            await self._next(Source.METRICS, METRICS_EVERY_S)

    async def _next(self, source: Source, pause_s: float) -> None:
        event = self._moved[source]
        try:
            await asyncio.wait_for(event.wait(), pause_s)
        except TimeoutError:
            return
        while event.is_set():
            event.clear()
            await asyncio.sleep(SETTLE_S)

    def _explain(self, fleet: Fleet, rollout: Rollout) -> None:
        """The container's last lines, once for each of its runs."""
        asked = 0
        for finding in rollout.verdict.findings:
            for uid in finding.pod_uids:
                pod = fleet.pods.get(uid)
                if pod is None or asked >= _MOST_LOGS_A_ROLLOUT:
                    continue
                asked += 1
                self._read_log(pod, finding.container)

    def _read_log(self, pod: Pod, container: str) -> None:
        state = next((c for c in pod.containers if c.name == container or (not container and c.last_reason)), None)
        if state is None or (not state.restarts and state.state == "waiting"):
            return
        run = (pod.uid, state.name, state.restarts)
        if run in self._logs_asked:
            return
        self._logs_asked.add(run)
        task = asyncio.get_running_loop().create_task(self._read_tail(pod, state.name, state.state == "waiting"))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read_tail(self, pod: Pod, container: str, is_previous: bool) -> None:
        lines: list[str] = []
        began = time.monotonic()
        try:
            async with asyncio.timeout(_LOG_WITHIN_S):
                reader = self._cluster.follow_log(pod.namespace, pod.name, container, previous=is_previous, tail=LOG_LINES)
                async for line in reader:
                    lines.append(line.text)
                    if time.monotonic() - began > _LOG_WITHIN_S:
                        break
        except (TimeoutError, OutsideError):
            pass  # no evidence is no news: the verdict stands on its findings
        if lines:
            self._post(LogLinesRead(pod.uid, container, is_previous, tuple(lines[-LOG_LINES:]), self._now()))
