"""One scope being watched: its connection, streams, memory and the fleet they add up to. No Textual in here."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from app.attention import Attention
from app.control import Control
from app.feeds import Feeds
from app.memory import Memory
from app.places import state_folder
from domain.errors import OutsideError
from domain.facts import Fact, ScopeLearned
from domain.fleet import Fleet
from domain.scope import Scope
from domain.streams import Source, StreamPhase
from domain.workloads import WorkloadKey

if TYPE_CHECKING:
    from app.config import Config
    from clients.kubernetes.access import ClusterAccess
    from clients.kubernetes.cluster import Cluster

log = logging.getLogger("quarterdeck.session")


class Session:
    """`publish` is called in the event loop with each snapshot. `start` returns at once, `stop` leaves nothing behind."""

    cluster: Cluster
    feeds: Feeds
    attention: Attention

    def __init__(
        self,
        access: ClusterAccess,
        scope: Scope,
        config: Config,
        publish: Callable[[Fleet], None],
        on_defect: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.access = access
        self.scope = scope
        self.config = config
        self._publish = publish
        self.on_defect = on_defect or _log_defect
        self.control = Control(Fleet(scope, rules=config.verdict_rules()), self._published)
        self._memory = Memory(state_folder(create=False), scope)
        self._tasks: list[asyncio.Task[None]] = []
        self._has_settled = False
        self._selected: WorkloadKey | None = None
        self.is_up = asyncio.Event()
        """Set when `cluster` can be used."""

    @property
    def fleet(self) -> Fleet:
        return self.control.fleet

    def seed(self, facts: Iterable[Fact]) -> Fleet:
        """What is known before the streams are up, for a first paint that need not wait for them."""
        for fact in facts:
            self.control.post(fact)
        return self.control.fold_now()

    def start(self) -> None:
        self._spawn(self.control.run(), "control")
        self._spawn(self._connect(), "connect")

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.is_up.is_set():
            await self.attention.stop()
            await self.feeds.stop()
            await self.cluster.close()
        await asyncio.to_thread(self._memory.save)

    def post(self, fact: Fact) -> None:
        self._memory.note(fact)
        self.control.post(fact)

    def look_at(self, key: WorkloadKey | None) -> None:
        """The workload whose metrics and health are asked for."""
        self._selected = key
        if self.is_up.is_set():
            self.attention.look_at(key)

    def refresh(self) -> None:
        """Ask again for what is polled, and begin lost streams anew."""
        if self.is_up.is_set():
            self.feeds.restart_streams()
            self.attention.ask_now()

    def _published(self, fleet: Fleet) -> None:
        self._memory.take(fleet)
        if self.is_up.is_set():
            self.attention.take(fleet)
        if not self._has_settled and fleet.stream(Source.PODS).phase is StreamPhase.LIVE:
            self._has_settled = True
            # What was just loaded stays: the collector need not walk through it again and again.
            gc.collect()
            gc.freeze()
        self._publish(fleet)

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=f"session {name}")
        task.add_done_callback(self._look_how_it_ended)
        self._tasks.append(task)

    def _look_how_it_ended(self, task: asyncio.Task[None]) -> None:
        """A defect of ours must not leave a screen that looks alive and is not."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.on_defect(error)

    async def _connect(self) -> None:
        # Imported in a thread, so that the screen is painted meanwhile.
        module = await asyncio.to_thread(importlib.import_module, "clients.kubernetes.cluster")
        self.cluster = module.Cluster(self.access, is_read_only=self.scope.is_read_only)
        self.feeds = Feeds(self.cluster, self.post)
        self.attention = Attention(self.cluster, self.post, self.feeds.now)
        self.feeds.start(self.scope.namespace)
        self.is_up.set()
        self.attention.look_at(self._selected)
        self.attention.take(self.fleet)
        self._spawn(self._remember(), "memory")
        self._spawn(self._learn_who(), "whoami")
        self._spawn(self._follow_the_rest(), "metrics and health")

    async def _remember(self) -> None:
        for fact in await asyncio.to_thread(self._memory.read):
            self.control.post(fact)
        await self._memory.keep()

    async def _learn_who(self) -> None:
        try:
            user = await self.cluster.who_am_i()
        except OutsideError:
            return  # the header goes on showing the kubeconfig's name for the user
        self.post(ScopeLearned(replace(self.fleet.scope, user=user)))

    async def _follow_the_rest(self) -> None:
        from app.sources import find_metrics, health_endpoints, health_source

        health = health_source(self.cluster, self.config)
        queries = self.config.metric_queries(self.scope.environment)

        async def follow_health() -> None:
            await self.attention.follow_health(health, partial(health_endpoints, self.config))

        async def follow_metrics() -> None:
            source = await find_metrics(self.cluster, self.config, self.scope)
            try:
                await self.attention.follow_metrics(source, queries)
            finally:
                await source.close()

        self.feeds.supervise(Source.HEALTH, follow_health)
        self.feeds.supervise(Source.METRICS, follow_metrics)


def _log_defect(error: BaseException) -> None:
    log.error("the session broke", exc_info=error)
