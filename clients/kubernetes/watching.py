"""List, then watch, then go on: small generators, each adding one concern to the one below it.

    follow       a version that has expired costs one list                          (410)
    _reopened    a watch that the server ends is opened again where it left off     (clean ends, empty answers)
    _watched     one answer: decodes, remembers the version, notices silence        (bookmarks)
    _listed      pages of a list, the next one under way while one is handed on     (continue, 429)

What ends a stream for good is raised; the supervisor waits and calls again, and `Trail` lets it go on without a list.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.decoding import Codec, Event, Page
from clients.kubernetes.gate import Kind
from clients.kubernetes.lines import SilentError, line_batches
from clients.kubernetes.paths import asked, collection
from clients.kubernetes.refusals import UnavailableError, refusal
from domain.errors import ExpiredError, NotFoundError, OutsideError, QuarterdeckError, RateLimitedError, UnreachableError
from domain.facts import Fact, Gone, Listed, Seen, StreamChanged
from domain.streams import Source, StreamPhase

_TYPES_SEEN = frozenset({"ADDED", "MODIFIED"})
_AIR_EVERY = 64
"""Events after which the event loop may do something else (draw) in the middle of a burst."""


@dataclass(slots=True)
class Trail:
    """What is remembered of a stream between attempts."""

    version: str = ""
    """To watch from; "" makes the next attempt list first."""
    listed_at: float = float("-inf")
    """Loop time of the last list."""
    empty_watches: int = 0
    """In a row."""
    has_bookmarks: bool = False
    """The watch that is open has had one. The real server sends none to a watch from a version that is newer than the last
    change of its kind, so their absence says nothing."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One source in one namespace, and what it is read with."""

    connection: Connection
    source: Source
    namespace: str
    codec: Codec[Any]
    trail: Trail
    clock: Callable[[], float]

    @property
    def path(self) -> str:
        return collection(self.source, self.namespace)

    def changed(self, phase: StreamPhase, reason: str = "", hint: str = "") -> StreamChanged:
        return StreamChanged(self.source, phase, self.clock(), reason, hint)


async def follow(stream: Stream) -> AsyncGenerator[Fact, None]:
    """Facts until the stream breaks; OutsideError says how. Goes on from where the last attempt ended, if it can."""
    trail = stream.trail
    while True:
        try:
            if not trail.version:
                async with contextlib.aclosing(_listed(stream)) as pages:
                    async for fact in pages:
                        yield fact
            async with contextlib.aclosing(_reopened(stream)) as facts:
                async for fact in facts:
                    yield fact
        except ExpiredError:
            trail.version = ""
            now = asyncio.get_running_loop().time()
            pause_s = trail.listed_at + stream.connection.limits.relist_pause_s - now
            if pause_s > 0:
                yield stream.changed(StreamPhase.STALE, "its version expired again", "It is listed again in a moment.")
                await asyncio.sleep(pause_s)


async def _listed(stream: Stream) -> AsyncGenerator[Fact, None]:
    """Every page; then the list's version is where to watch from."""
    trail = stream.trail
    trail.listed_at = asyncio.get_running_loop().time()
    is_first, continue_ = True, ""
    fetching = asyncio.ensure_future(_page(stream, continue_))
    try:
        while True:
            try:
                page = await fetching
            except RateLimitedError as error:
                if is_first or error.retry_after_s is None or error.retry_after_s > stream.connection.limits.slow_down_s:
                    raise
                # Half a list is worth waiting for.
                yield stream.changed(StreamPhase.LOADING, error.message, error.hint)
                await asyncio.sleep(error.retry_after_s)
                fetching = asyncio.ensure_future(_page(stream, continue_))
                continue
            continue_ = page.continue_
            if continue_:
                # The server works on the next page while this one is folded and drawn.
                fetching = asyncio.ensure_future(_page(stream, continue_))
            expected = len(page.values) + (page.remaining or 0) if is_first else None
            yield Listed(
                stream.source, page.values, is_first=is_first, is_last=not continue_, expected=expected, at=stream.clock()
            )
            is_first = False
            if not continue_:
                trail.version = page.resource_version
                yield _live(stream, page.unreadable)
                return
    finally:
        fetching.cancel()
        with contextlib.suppress(asyncio.CancelledError, QuarterdeckError):
            await fetching


def _live(stream: Stream, unreadable: int) -> StreamChanged:
    reason = f"{unreadable} could not be read and are not shown" if unreadable else ""
    return stream.changed(StreamPhase.LIVE, reason)


async def _page(stream: Stream, continue_: str) -> Page:
    connection = stream.connection
    params = (("limit", str(connection.limits.page_size)), *((("continue", continue_),) if continue_ else ()))
    ask = Ask(stream.path, asked(stream.source, "list", stream.namespace), Kind.LIST, params)
    return stream.codec.page(await connection.read(ask))


async def poll(stream: Stream) -> AsyncGenerator[Fact, None]:
    """For metrics.k8s.io, which can only be listed: everything, every `poll_s`."""
    limits = stream.connection.limits
    ask = Ask(stream.path, asked(stream.source, "list", stream.namespace), Kind.POLL)
    while True:
        try:
            page = stream.codec.page(await stream.connection.read(ask))
        except NotFoundError as error:
            raise _no_metrics() from error
        except UnavailableError as error:
            # 503 is what the API server says of an aggregated API whose own server is away; then the others still answer.
            if error.status == 503:
                raise _no_metrics() from error
            raise
        count = len(page.values)
        yield Listed(stream.source, page.values, is_first=True, is_last=True, expected=count, at=stream.clock())
        yield stream.changed(StreamPhase.LIVE)
        await asyncio.sleep(limits.poll_s)


def _no_metrics() -> NotFoundError:
    return NotFoundError("The cluster has no metrics.k8s.io", "Install metrics-server to see CPU and memory.")


async def _reopened(stream: Stream) -> AsyncGenerator[Fact, None]:
    trail, limits = stream.trail, stream.connection.limits
    loop = asyncio.get_running_loop()
    while True:
        began_at, version = loop.time(), trail.version
        try:
            async with contextlib.aclosing(_watched(stream)) as facts:
                async for fact in facts:
                    yield fact
        except SilentError as error:
            if trail.has_bookmarks:
                raise UnreachableError(
                    f"Nothing was heard of {stream.source} for {limits.silence_s:g} s",
                    "The connection is dead, or something on the way drops it; it is opened again.",
                ) from error
            # Nobody has promised a word: asking again tells whether the connection was alive, and shows nothing as lost.
            continue
        if trail.version != version or loop.time() - began_at >= limits.empty_watch_s:
            trail.empty_watches = 0
            continue
        # Answers that are empty at once are what a stale version of events can lead to (kubernetes#104171).
        pause_s = limits.empty_pauses_s[min(trail.empty_watches, len(limits.empty_pauses_s) - 1)]
        trail.empty_watches += 1
        if trail.empty_watches > 1:
            yield stream.changed(
                StreamPhase.STALE, "the API server ends the watch at once", f"It is listed again in {pause_s:g} s."
            )
        await asyncio.sleep(pause_s)
        if trail.empty_watches > 1:
            raise ExpiredError(f"The watch of {stream.source} ends at once", "It is listed again.")


async def _watched(stream: Stream) -> AsyncGenerator[Fact, None]:
    trail, limits = stream.trail, stream.connection.limits
    params = (
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", trail.version),
        ("timeoutSeconds", str(max(1, round(random.uniform(*limits.watch_s))))),
    )
    ask = Ask(stream.path, asked(stream.source, "watch", stream.namespace), Kind.WATCH, params)
    trail.has_bookmarks = False
    async with stream.connection.open(ask) as answer:
        # After answers that were empty, only a word is a sign of life.
        is_heard = not trail.empty_watches
        if is_heard:
            yield stream.changed(StreamPhase.LIVE)
        batches = line_batches(answer, silence_s=limits.silence_s, most_bytes=limits.line_bytes)
        async with contextlib.aclosing(batches):
            async for lines in batches:
                if not is_heard:
                    is_heard = True
                    yield stream.changed(StreamPhase.LIVE)
                for number, line in enumerate(lines, 1):
                    event = stream.codec.event(line)
                    if fact := _fact(stream, event):
                        yield fact
                    if event.resource_version:
                        trail.version = event.resource_version
                    if number % _AIR_EVERY == 0:
                        await asyncio.sleep(0)


def _fact(stream: Stream, event: Event) -> Fact | None:
    if event.type == "BOOKMARK":
        stream.trail.has_bookmarks = True
        return stream.changed(StreamPhase.LIVE)
    if event.type == "ERROR":
        raise _failure(stream, event)
    if event.value is None:
        return None
    if event.type == "DELETED":
        return Gone(stream.source, event.value.uid)
    return Seen(stream.source, event.value) if event.type in _TYPES_SEEN else None


def _failure(stream: Stream, event: Event) -> OutsideError:
    """What an ERROR event says: 410 as a rule; 500 for instance when etcd is gone."""
    failure = event.failure or {}
    code = failure.get("code")
    status = code if isinstance(code, int) and code >= 300 else 500
    said = str(failure.get("message", "")).encode()
    return refusal(status, {}, said, asked(stream.source, "watch", stream.namespace))
