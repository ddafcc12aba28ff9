"""What a supervised stream says and does when the API server does not do its part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app import feeds as feeds_module
from app.feeds import CLUSTER_SOURCES, Feeds
from domain.errors import (
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    QuarterdeckError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.facts import Fact, StreamChanged
from domain.log_lines import LogLine
from domain.streams import Source, StreamPhase

LIVE = StreamChanged(Source.PODS, StreamPhase.LIVE, 1.0)
Step = StreamChanged | Exception | None


class ScriptedCluster:
    """Each attempt at the pods plays the next script; None holds the stream open."""

    def __init__(self, *scripts: tuple[Step, ...], probes: tuple[Exception | None, ...] = ()) -> None:
        self.scripts = list(scripts)
        self.probes = list(probes)
        self.attempts = 0
        self.attempts_at: list[float] = []

    async def watch(self, source: Source, namespace: str) -> AsyncIterator[Fact]:
        if source is not Source.PODS:
            await asyncio.Event().wait()
        self.attempts += 1
        self.attempts_at.append(asyncio.get_running_loop().time())
        script = self.scripts.pop(0) if self.scripts else (None,)
        for step in script:
            if isinstance(step, Exception):
                raise step
            if step is None:
                await asyncio.Event().wait()
            else:
                yield step

    async def probe(self) -> float:
        step = self.probes.pop(0) if self.probes else None
        if step is not None:
            raise step
        return time.time()

    def follow_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        tail: int | None = 200,
        since_at: float | None = None,
    ) -> AsyncIterator[LogLine]:
        raise NotImplementedError

    async def read_yaml(self, kind: str, namespace: str, name: str) -> str:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(feeds_module, "PROBE_EVERY_S", 0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a list that grows
            await asyncio.sleep(0.005)


class Run:
    """Feeds over a script, until what is waited for has happened."""

    def __init__(self, cluster: ScriptedCluster) -> None:
        self.cluster = cluster
        self.facts: list[Fact] = []
        self.feeds = Feeds(cluster, self.facts.append)

    def phases(self, source: Source = Source.PODS) -> list[StreamPhase]:
        return [f.phase for f in self.facts if isinstance(f, StreamChanged) and f.source is source]

    async def __aenter__(self) -> Run:
        self.feeds.start("shop")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.feeds.stop()


@pytest.mark.parametrize(
    ("script", "phases"),
    [
        ((UnreachableError("no answer", "wait"),), [StreamPhase.FAILED, StreamPhase.LIVE]),
        ((LIVE, UnreachableError("cut", "wait")), [StreamPhase.LIVE, StreamPhase.STALE, StreamPhase.LIVE]),
        ((LIVE, ExpiredError("too old", "")), [StreamPhase.LIVE, StreamPhase.STALE, StreamPhase.LIVE]),
        ((LIVE, UnauthorizedError("who?", "log in")), [StreamPhase.LIVE, StreamPhase.STALE, StreamPhase.LIVE]),
        ((LIVE, ZeroDivisionError()), [StreamPhase.LIVE, StreamPhase.STALE, StreamPhase.LIVE]),
        ((LIVE,), [StreamPhase.LIVE, StreamPhase.LIVE]),
    ],
    ids=["never came up", "lost", "expired", "401", "defect of ours", "ended without a word"],
)
async def test_a_stream_that_ends_is_said_and_begun_again(script: tuple[Step, ...], phases: list[StreamPhase]) -> None:
    async with Run(ScriptedCluster(script, (LIVE, None))) as run:
        await until(lambda: run.cluster.attempts == 2 and len(run.phases()) >= len(phases))
        assert run.phases() == phases


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (ForbiddenError("no list on pods", "ask", verb="list", resource="pods"), StreamPhase.FORBIDDEN),
        (NotFoundError("no metrics-server", "install it"), StreamPhase.ABSENT),
    ],
)
async def test_what_asking_again_soon_cannot_mend_is_not_asked_again_soon(
    error: QuarterdeckError, phase: StreamPhase
) -> None:
    async with Run(ScriptedCluster((error,))) as run:
        await until(lambda: run.phases() == [phase])
        await asyncio.sleep(0.2)
        assert run.cluster.attempts == 1
        said = next(f for f in run.facts if isinstance(f, StreamChanged) and f.phase is phase)
        assert (said.reason, said.hint) == (error.message, error.hint)


async def test_the_servers_own_pause_is_obeyed() -> None:
    cluster = ScriptedCluster((RateLimitedError("slow down", "", retry_after_s=0.3),), (LIVE, None))
    async with Run(cluster) as run:
        await until(lambda: run.cluster.attempts == 2)
        first, second = cluster.attempts_at
        assert second - first >= 0.29


async def test_failures_in_a_row_wait_longer_each_time() -> None:
    down = UnreachableError("no answer", "")
    cluster = ScriptedCluster(*[(down,)] * 6, (LIVE, None))
    async with Run(cluster) as run:
        run.feeds._is_back = _NeverSet()  # the probe's good news would end the pauses
        await until(lambda: run.cluster.attempts == 7)
    pauses = [b - a for a, b in zip(cluster.attempts_at, cluster.attempts_at[1:], strict=False)]
    assert pauses[5] > 4 * pauses[1]


async def test_an_api_server_that_does_not_answer_is_stale_and_comes_back_by_itself() -> None:
    away = UnreachableError("no answer within 2 s", "")
    async with Run(ScriptedCluster((LIVE, None), probes=(None, away, away))) as run:
        await until(lambda: len(run.phases(Source.API_SERVER)) >= 4)
        assert run.phases(Source.API_SERVER)[:4] == [
            StreamPhase.LIVE,
            StreamPhase.STALE,
            StreamPhase.STALE,
            StreamPhase.LIVE,
        ]


async def test_a_server_that_is_back_ends_the_pause_of_its_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "RETRY_FIRST_S", 60.0)
    monkeypatch.setattr(feeds_module, "RETRY_MOST_S", 60.0)
    away = UnreachableError("refused", "")
    async with Run(ScriptedCluster((LIVE, away), (LIVE, None), probes=(None, away, away))) as run:
        await until(lambda: run.cluster.attempts == 2)


async def test_after_a_long_absence_every_stream_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "RESTART_AFTER_AWAY_S", 0.05)
    away = UnreachableError("no answer", "")
    async with Run(ScriptedCluster((LIVE, None), (LIVE, None), probes=(None, away, away, away))) as run:
        await until(lambda: run.cluster.attempts == 2)


async def test_an_answer_that_says_no_is_a_sign_of_life() -> None:
    async with Run(ScriptedCluster((LIVE, None), probes=(ForbiddenError("no", ""),))) as run:
        await until(lambda: len(run.phases(Source.API_SERVER)) >= 1)
        assert run.phases(Source.API_SERVER)[0] is StreamPhase.LIVE


async def test_stopping_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with Run(ScriptedCluster((LIVE, None))) as run:
        await until(lambda: run.phases() == [StreamPhase.LIVE])
    assert asyncio.all_tasks() == before


def test_every_source_of_the_cluster_is_fed() -> None:
    elsewhere = {Source.METRICS, Source.HEALTH, Source.API_SERVER}
    assert set(CLUSTER_SOURCES) == set(Source) - elsewhere


class _NeverSet(asyncio.Event):
    def set(self) -> None:
        pass
