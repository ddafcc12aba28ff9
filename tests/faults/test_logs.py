"""A log is followed through cuts and silence, without a line twice or lost, whatever a container writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from clients.kubernetes.cluster import Cluster
from domain.errors import ForbiddenError, NotFoundError, UnreachableError
from domain.log_lines import LogLine
from tests.faults.answers import refuse
from tests.faults.api_server import ApiServer, serving
from tests.faults.following import QUICK

T = "2026-11-23T15:00:{:02d}.{}Z"


@dataclass
class LogServer(ApiServer):
    """`runs` are what each connection in turn sends; a float is a pause, an exception a cut."""

    runs: list[list[Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.faults:
            return await self.faults.pop(0)[1](request)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        for part in self.runs.pop(0) if self.runs else []:
            if isinstance(part, bytes):
                await response.write(part)
            elif isinstance(part, float):
                await asyncio.sleep(part)
            else:
                assert request.transport is not None
                request.transport.abort()
                break
        return response


def line(second: int, text: str, fraction: str = "5") -> bytes:
    return f"{T.format(second, fraction)} {text}\n".encode()


@pytest.fixture
async def logs() -> AsyncIterator[LogServer]:
    server = LogServer()
    async with serving(server):
        yield server


async def followed(server: LogServer, **options: object) -> list[LogLine]:
    cluster = Cluster(server.access(), limits=replace(QUICK, log_line_chars=100))
    try:
        return [line async for line in cluster.follow_log("shop", "web", "c", **options)]  # type: ignore[arg-type]
    finally:
        await cluster.close()


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


async def test_lines_come_with_their_times_kept_apart(logs: LogServer) -> None:
    logs.runs = [[line(1, "one", "123456789"), line(2, "two"), b"no stamp at all\n", line(3, "")]]
    found = await followed(logs)
    assert texts(found) == ["one", "two", "no stamp at all", ""]
    assert found[0][:2] == ("web", "c")
    assert found[0].at == pytest.approx(1795446001.123456789)
    query = logs.requests[0].query
    assert {"follow": "true", "timestamps": "true", "tailLines": "200", "container": "c"}.items() <= query.items()


async def test_a_cut_is_gone_on_from_without_a_line_twice_or_lost(logs: LogServer) -> None:
    same = line(2, "same", "5")
    logs.runs = [
        [line(1, "one"), same, same, Exception],
        [line(1, "one"), same, same, same, line(3, "three")],
        [line(3, "three")],
    ]
    assert texts(await followed(logs)) == ["one", "same", "same", "same", "three"]
    assert logs.requests[1].query["sinceTime"] == T.format(2, "5")


async def test_lines_of_two_writers_may_come_a_little_out_of_order(logs: LogServer) -> None:
    logs.runs = [[line(2, "out"), line(1, "err"), line(3, "out")]]
    assert texts(await followed(logs)) == ["out", "err", "out"]


async def test_a_container_with_nothing_to_say_is_asked_again(logs: LogServer) -> None:
    logs.runs = [[line(1, "one"), 30.0], [line(1, "one"), 30.0], [line(1, "one"), line(2, "two")], [line(2, "two")]]
    assert texts(await followed(logs)) == ["one", "two"]


async def test_a_server_that_stays_away_is_told(logs: LogServer) -> None:
    logs.runs = [[line(1, "one"), Exception], *[[Exception]] * 20]
    with pytest.raises(UnreachableError):
        await followed(logs)


async def test_an_end_without_news_is_the_end(logs: LogServer) -> None:
    logs.runs = [[line(1, "one")], [line(1, "one")]]
    assert texts(await followed(logs)) == ["one"]
    assert len(logs.requests) == 2


async def test_the_run_before_is_read_once(logs: LogServer) -> None:
    logs.runs = [[line(1, "one")]]
    assert texts(await followed(logs, previous=True)) == ["one"]
    assert len(logs.requests) == 1
    assert logs.requests[0].query["previous"] == "true" and "follow" not in logs.requests[0].query


async def test_what_was_read_already_is_not_asked_for_again(logs: LogServer) -> None:
    logs.runs = [[line(1, "one", "123456789")], []]
    (one,) = await followed(logs)
    logs.requests.clear()
    logs.runs = [[line(1, "one", "123456789"), line(2, "two")], []]
    assert texts(await followed(logs, since_at=one.at)) == ["two"]
    assert logs.requests[0].query["sinceTime"].startswith("2026-11-23T15:00:01.1234")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[m", "red green"),
        (b"\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        (b"\x9b2J\xff", "\ufffd2J\ufffd"),
        ("\u202eevil\u200b".encode(), "evil"),
        (b"tab\there\r", "tab     here"),
        (b"[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    ],
)
async def test_what_a_container_writes_is_text(logs: LogServer, raw: bytes, text: str) -> None:
    logs.runs = [[line(1, "")[:-1] + raw + b"\n"]]
    assert texts(await followed(logs, previous=True)) == [text]


async def test_long_lines_are_cut_and_the_next_one_is_whole(logs: LogServer) -> None:
    long = line(1, "x" * 3_000_000)
    logs.runs = [[long[:50_000], long[50_000:], line(2, "after"), line(3, "y" * 99), line(4, "end")]]
    found = texts(await followed(logs, previous=True))
    assert [len(text) < 120 for text in found] == [True] * 4
    assert (found[0].startswith("xxx"), found[1], found[3]) == (True, "after", "end")


async def test_characters_split_between_two_pieces_are_whole(logs: LogServer) -> None:
    raw = line(1, "größe ✔")
    logs.runs = [[piece for byte in raw for piece in (bytes([byte]), 0.0)]]
    assert texts(await followed(logs, previous=True)) == ["größe ✔"]


@pytest.mark.parametrize(
    ("code", "message", "error", "words"),
    [
        (400, 'container "c" in pod "web" is waiting to start: ContainerCreating', NotFoundError, "is waiting to start"),
        (404, 'pods "web" not found', NotFoundError, "404"),
        (403, 'pods "web" is forbidden: User "x" cannot get resource "pods/log" in API', ForbiddenError, "pods/log"),
    ],
)
async def test_a_log_that_is_not_there_says_why(
    logs: LogServer, code: int, message: str, error: type[Exception], words: str
) -> None:
    logs.fail("*", refuse(code, "", message))
    with pytest.raises(error, match=words):
        await followed(logs)


async def test_a_container_that_the_kubelet_has_thrown_away_has_no_log(logs: LogServer) -> None:
    logs.runs = [[b"unable to retrieve container logs for containerd://ad2ca4a4220e\n"]]
    with pytest.raises(NotFoundError, match="it is gone"):
        await followed(logs, previous=True)


async def test_the_last_lines_are_read_without_following(logs: LogServer) -> None:
    logs.runs = [[line(1, "one"), line(2, "two")]]
    cluster = Cluster(logs.access(), limits=QUICK)
    found = await cluster.read_log("shop", "web", "c", tail=2)
    await cluster.close()
    assert [entry.text for entry in found] == ["one", "two"]
    assert "follow" not in logs.requests[0].query and logs.requests[0].query["tailLines"] == "2"
