"""FAULTS 1, 2, 3, 8, 9: whatever happens to a stream, it goes on by itself, and what is shown in the end is what exists."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from domain.errors import UnreachableError
from domain.facts import Gone, Listed
from domain.streams import StreamPhase
from tests.faults.answers import EMPTY, EXPIRED, hang, refuse, stream
from tests.faults.api_server import Answer, ApiServer, pod
from tests.faults.following import QUICK, following, until


async def test_after_a_restart_of_the_server_the_watch_goes_on_without_a_list(server: ApiServer) -> None:
    async with following(server) as shown:
        await until(lambda: server.watchers and shown.shows(server))
        server.reset_connections()
        server.put(pod("web-9"))
        server.remove("uid-web-1")
        server.put(pod("web-2", phase="Failed"))
        await until(lambda: shown.shows(server))
    assert server.sent("list") == 1
    assert [type(error) for error in shown.errors] == [UnreachableError]
    assert "was cut" in shown.errors[0].message


async def test_a_version_that_is_still_good_is_gone_on_from(server: ApiServer) -> None:
    async with following(server) as shown:
        await until(lambda: server.watchers)
        server.put(pod("web-9"))
        await until(lambda: shown.shows(server))
        server.reset_connections()
        await until(lambda: server.sent("watch") == 2)
        assert server.requests[-1].query["resourceVersion"] == str(server.version)
        server.put(pod("web-10"))
        await until(lambda: shown.shows(server))
    assert server.sent("list") == 1


async def test_a_watch_that_ends_as_asked_is_opened_again_without_a_word_of_loss(server: ApiServer) -> None:
    server.watched_until = 0.1
    async with following(server) as shown:
        await until(lambda: server.sent("watch") >= 4)
        server.put(pod("web-9"))
        await until(lambda: shown.shows(server))
    assert server.sent("list") == 1
    assert not shown.errors
    assert set(shown.phases) == {StreamPhase.LIVE}


async def test_the_server_is_asked_for_bookmarks_and_for_an_end_between_four_and_six_minutes(server: ApiServer) -> None:
    async with following(server):
        await until(lambda: server.watchers)
    asked = next(r for r in server.requests if "watch" in r.query).query
    assert asked["allowWatchBookmarks"] == "true"
    assert 240 <= int(asked["timeoutSeconds"]) <= 360


async def test_a_bookmark_is_a_sign_of_life_and_where_the_next_watch_begins(server: ApiServer) -> None:
    async with following(server) as shown:
        await until(lambda: server.watchers)
        before = len(shown.phases)
        server.version += 500
        server.bookmark()
        await until(lambda: len(shown.phases) > before)
        server.end_watches()
        await until(lambda: server.sent("watch") == 2)
        assert server.requests[-1].query["resourceVersion"] == str(server.version)


async def test_a_stream_that_falls_silent_without_an_end_is_declared_dead(server: ApiServer) -> None:
    async with following(server) as shown:
        await until(lambda: server.watchers)
        server.bookmark()
        await until(lambda: shown.errors, within_s=3)
        assert isinstance(shown.errors[0], UnreachableError)
        assert "Nothing was heard of pods" in shown.errors[0].message
        server.put(pod("web-9"))
        await until(lambda: shown.shows(server))
    assert server.sent("list") == 1


async def test_a_server_without_bookmarks_is_asked_again_when_it_is_silent(server: ApiServer) -> None:
    async with following(server) as shown:
        await until(lambda: server.sent("watch") >= 3)
        server.put(pod("web-9"))
        await until(lambda: shown.shows(server))
    assert not shown.errors
    assert server.sent("list") == 1


@pytest.mark.parametrize("what", ["list", "watch"])
async def test_a_frozen_server_is_given_up_and_tried_again(server: ApiServer, what: str) -> None:
    server.fail(what, hang())
    async with following(server) as shown:
        await until(lambda: shown.errors)
        await until(lambda: shown.shows(server))
    assert "does not answer" in shown.errors[0].message


@pytest.mark.parametrize(
    "expired", [pytest.param(refuse(410, "Expired"), id="at the door"), pytest.param(EXPIRED, id="in the stream")]
)
async def test_an_expired_version_costs_one_list(server: ApiServer, expired: Answer) -> None:
    async with following(server, replace(QUICK, relist_pause_s=0)) as shown:
        await until(lambda: server.watchers)
        server.fail("watch", expired)
        server.reset_connections()
        # Missed while nobody was watching:
        server.remove("uid-web-3")
        server.remove("uid-web-4")
        server.put(pod("web-3", uid="another"))
        await until(lambda: server.watchers and shown.shows(server))
    assert server.sent("list") == 2
    assert "another" in shown.versions and "uid-web-3" not in shown.versions


async def test_versions_that_expire_at_once_do_not_become_a_busy_loop(server: ApiServer) -> None:
    server.fail("watch", *[EXPIRED] * 50)
    async with following(server, replace(QUICK, relist_pause_s=0.4)) as shown:
        await asyncio.sleep(1)
    assert server.sent("list") <= 3
    assert StreamPhase.STALE in shown.phases


async def test_a_list_that_expires_between_two_pages_begins_again(server: ApiServer) -> None:
    server.page_limit = 2
    server.fail("list", server.answer_page, refuse(410, "Expired"))
    async with following(server, replace(QUICK, relist_pause_s=0)) as shown:
        await until(lambda: server.watchers and shown.shows(server))
    firsts = [fact.is_first for fact in shown.facts if isinstance(fact, Listed)]
    assert firsts[-3:] == [True, False, False]
    assert firsts.count(True) <= 3


async def test_watches_that_are_empty_do_not_become_a_busy_loop(server: ApiServer) -> None:
    server.fail("watch", *[EMPTY] * 50)
    limits = replace(QUICK, empty_pauses_s=(0.1, 0.5, 0.5), relist_pause_s=0)
    async with following(server, limits) as shown:
        await asyncio.sleep(1.2)
        assert len(server.requests) <= 8
        assert StreamPhase.STALE in shown.phases
        server.faults.clear()
        server.put(pod("web-9"))
        await until(lambda: shown.shows(server))
        server.bookmark()
        await until(lambda: shown.phases[-1] is StreamPhase.LIVE)


async def test_what_comes_twice_late_or_again_under_its_old_name_ends_as_what_exists(server: ApiServer) -> None:
    old = server.objects["uid-web-0"]
    async with following(server) as shown:
        await until(lambda: server.watchers)
        events = [
            {"type": "ADDED", "object": old},
            {"type": "MODIFIED", "object": old},
            {"type": "DELETED", "object": pod("never-seen")},
            {"type": "UNHEARD_OF", "object": old},
        ]
        random.Random(1).shuffle(events)
        for event in events:
            server.send(event)
        server.remove("uid-web-0")
        server.put(pod("web-0", uid="second"))
        await until(lambda: shown.shows(server))
    assert Gone("pods", "uid-web-0") in shown.facts  # type: ignore[arg-type]
    assert shown.things["second"].name == "web-0"


async def test_each_watch_has_a_connection_of_its_own(server: ApiServer) -> None:
    async with following(server) as one, following(server) as other:
        await until(lambda: server.watchers == 2)
        peers = {r.transport.get_extra_info("peername") for r in server.requests if "watch" in r.query and r.transport}
        assert len(peers) == 2
        assert one.shows(server) and other.shows(server)


@pytest.mark.parametrize("piece", [1, 7])
async def test_a_stream_in_tiny_pieces_reads_the_same(server: ApiServer, piece: int) -> None:
    thing = pod("web-9", version=900)
    server.fail("watch", stream({"type": "ADDED", "object": thing}, piece=piece, stays_open=True))
    async with following(server, replace(QUICK, silence_s=5)) as shown:
        await until(lambda: "uid-web-9" in shown.things)


async def test_a_line_of_almost_a_megabyte_is_read(server: ApiServer) -> None:
    thing = pod("web-9")
    thing["metadata"]["annotations"] = {"note": "x" * 900_000}
    async with following(server) as shown:
        await until(lambda: server.watchers)
        server.put(thing)
        await until(lambda: shown.shows(server))
    assert not shown.errors
