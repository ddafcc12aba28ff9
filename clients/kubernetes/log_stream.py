"""Follows one container's log through lost connections, without a line twice and without one too long."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.gate import Kind
from clients.kubernetes.lines import SilentError
from clients.kubernetes.refusals import Asked, InvalidRequestError
from domain.errors import NotFoundError, UnreachableError
from domain.log_lines import LogLine
from domain.sanitise import sanitise

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
"""A program's own colours are dropped, not shown as ␛[32m: they say nothing here."""
_GONE = b"unable to retrieve container logs for "
_TRIES = 5
_FLOAT_NS = 512
"""Epoch seconds in a float are exact to about 0.2 µs."""


@dataclass(frozen=True, slots=True)
class LogOf:
    namespace: str
    pod: str
    container: str
    is_previous: bool = False
    is_followed: bool = True
    tail: int | None = 200
    since_at: float | None = None
    """Only what was written later, epoch seconds."""


@dataclass(slots=True)
class _Place:
    """How far the log has been read: the latest time stamp, and how often each line with it has been seen."""

    at_ns: int = 0
    stamp: str = ""
    seen: Counter[bytes] = field(default_factory=Counter)
    is_catching_up: bool = False
    again: Counter[bytes] = field(default_factory=Counter)

    def begin(self) -> None:
        """A connection begins: `sinceTime` makes the server send the lines of the latest stamp once more."""
        self.is_catching_up = bool(self.stamp)
        self.again.clear()

    def is_new(self, at_ns: int, stamp: str, line: bytes) -> bool:
        if self.is_catching_up:
            if at_ns < self.at_ns:
                return False
            if at_ns == self.at_ns:
                self.again[line] += 1
                if self.again[line] <= self.seen[line]:
                    return False
            self.is_catching_up = at_ns == self.at_ns
        if at_ns > self.at_ns:
            self.at_ns, self.stamp = at_ns, stamp
            self.seen.clear()
        # Standard output and error are written by two hands: a line may be a little older than the one before it.
        if at_ns == self.at_ns:
            self.seen[line] += 1
        return True


async def follow_log(connection: Connection, log: LogOf, clock: Callable[[], float]) -> AsyncGenerator[LogLine, None]:
    """Lines, oldest first, until the container has ended. OutsideError: there is no such log, or the server stays away."""
    place = _Place()
    if log.since_at is not None:
        place.at_ns, place.stamp = round(log.since_at * 1e9) + _FLOAT_NS, _rfc3339(log.since_at)
    failures = 0
    while True:
        is_more = False
        try:
            async with contextlib.aclosing(_lines(connection, log, place, clock)) as lines:
                async for line in lines:
                    is_more, failures = True, 0
                    yield line
        except SilentError:
            # A container may have nothing to say; whether the connection is alive is tried by opening it again.
            continue
        except InvalidRequestError as error:
            said = f"No log of {log.container} in {log.pod}: {error.said}"
            raise NotFoundError(said, "Wait until the container has started.") from error
        except UnreachableError:
            failures += 1
            if not place.stamp or not log.is_followed or failures > _TRIES:
                raise
            await asyncio.sleep(connection.limits.log_reconnect_s * failures)
            continue
        # A log that ends may also be a connection that a proxy ended: one that has nothing new is over.
        if log.is_previous or not log.is_followed or not is_more or not place.stamp:
            return
        await asyncio.sleep(connection.limits.log_reconnect_s)


async def _lines(
    connection: Connection, log: LogOf, place: _Place, clock: Callable[[], float]
) -> AsyncGenerator[LogLine, None]:
    """One answer."""
    params = [("container", log.container), ("timestamps", "true")]
    if place.stamp:
        params.append(("sinceTime", place.stamp))
    if log.tail is not None and not place.seen:
        params.append(("tailLines", str(log.tail)))
    params += [("previous", "true")] if log.is_previous else [("follow", "true")] if log.is_followed else []
    path = f"/api/v1/namespaces/{quote(log.namespace, safe='')}/pods/{quote(log.pod, safe='')}/log"
    asked = Asked("get", "pods/log", log.namespace, log.pod)
    place.begin()
    async with connection.open(Ask(path, asked, Kind.LOG, tuple(params), accept="*/*")) as answer:
        pieces = _capped_lines(answer, connection.limits.silence_s, connection.limits.log_line_chars)
        async with contextlib.aclosing(pieces):
            async for raw in pieces:
                match = _STAMP.match(raw)
                if match is None and raw.startswith(_GONE) and not place.stamp:
                    # With 200, as if it were the log: the kubelet keeps one dead container of a kind.
                    raise NotFoundError(f"No log of {log.container} in {log.pod}: it is gone", "See the run after it.")
                if match is None:
                    # The kubelet's own words come without a time.
                    yield LogLine(log.pod, log.container, _text(raw), clock())
                    continue
                at_ns = _nanoseconds(match)
                stamp = match.group().decode().strip()
                if place.is_new(at_ns, stamp, raw):
                    yield LogLine(log.pod, log.container, _text(raw[match.end() :]), at_ns / 1e9)


async def _capped_lines(answer: aiohttp.ClientResponse, silence_s: float, most: int) -> AsyncGenerator[bytes, None]:
    """Lines without their ends; of one that is too long, its beginning. Memory is bounded whatever a container writes."""
    held = b""
    is_cut = False
    while True:
        try:
            async with asyncio.timeout(silence_s):
                chunk = await answer.content.readany()
        except TimeoutError as error:
            raise SilentError from error
        if not chunk:
            if held and not is_cut:
                yield held
            return
        *whole, rest = (held + chunk).split(b"\n")
        for line in whole:
            if not is_cut:
                yield line[:most]
            is_cut, held = False, b""
        if is_cut:
            rest = b""
        elif len(rest) > most:
            yield rest[:most] + " … (line cut)".encode()
            is_cut, rest = True, b""
        held = rest


def _nanoseconds(match: re.Match[bytes]) -> int:
    when, fraction, zone = match.groups()
    seconds = datetime.fromisoformat(when.decode() + ("+00:00" if zone == b"Z" else zone.decode())).timestamp()
    return int(seconds) * 10**9 + (int(fraction.ljust(9, b"0")) if fraction else 0)


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _text(raw: bytes) -> str:
    text = _COLOURS.sub("", raw.decode("utf-8", "replace")).rstrip("\r\n").expandtabs(8)
    return sanitise(text, len(text) + 1)
