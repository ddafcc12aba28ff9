"""FAULTS 4, 5, 6, 7, 11: how a server says no, and what nonsense it may answer; each costs one stream only."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.credentials import StaticToken, TokenFile
from clients.kubernetes.refusals import InvalidRequestError
from domain.errors import (
    ForbiddenError,
    NotFoundError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.facts import StreamChanged
from domain.streams import Source, StreamPhase
from tests.faults import answers
from tests.faults.answers import HTML, body, cut, cut_gzip, refuse
from tests.faults.api_server import Answer, ApiServer
from tests.faults.following import QUICK, first_error, following, until

CANNOT = 'pods is forbidden: User "oncall" cannot list resource "pods" in API group "" in the namespace "shop"'
ANONYMOUS = 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
A_SECRET = "s3cr3t-bearer"


@pytest.mark.parametrize("what", ["list", "watch"])
@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(refuse(400, "BadRequest", "no such field"), InvalidRequestError, "no such field", id="400"),
        pytest.param(refuse(401, "Unauthorized"), UnauthorizedError, "Log in again", id="401"),
        pytest.param(refuse(403, "Forbidden", CANNOT), ForbiddenError, "verb 'list' on 'pods' in namespace shop", id="403"),
        pytest.param(refuse(403, "Forbidden", ANONYMOUS), UnauthorizedError, "No credential was sent", id="anonymous"),
        pytest.param(refuse(404, "NotFound"), NotFoundError, "404", id="404"),
        pytest.param(refuse(422, "Invalid", "nope"), InvalidRequestError, "nope", id="422"),
        pytest.param(refuse(429), RateLimitedError, "slow down", id="429"),
        pytest.param(refuse(500, "InternalError", "etcd is away"), OutsideError, "etcd is away", id="500"),
        pytest.param(refuse(502), UnreachableError, "502", id="502"),
        pytest.param(refuse(503), UnreachableError, "503", id="503"),
        pytest.param(refuse(504), UnreachableError, "504", id="504"),
        pytest.param(body(HTML, 503, "text/html"), UnreachableError, "a web page", id="a web page"),
        pytest.param(body("\x1b]52;c;aGk=\x07 oops", 500, "text/plain"), OutsideError, "␛]52", id="escapes"),
        pytest.param(body("", 302, Location="https://login.example.com/?next=secret"), OutsideError, "elsewhere", id="302"),
    ],
)
async def test_a_refusal_says_what_was_refused_and_what_to_do(
    server: ApiServer, what: str, answer: Answer, error: type[OutsideError], words: str
) -> None:
    server.fail(what, answer)
    cluster = Cluster(server.access(), limits=QUICK)
    try:
        raised = await first_error(cluster)
    finally:
        await cluster.close()
    assert isinstance(raised, error)
    said = f"{raised.message} {raised.hint}"
    assert raised.message and raised.hint and words in said
    assert not [forbidden for forbidden in ("\x1b", "\n", "next=", "hunter2") if forbidden in said]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(body(HTML, content_type="text/html"), "cannot be read", id="a web page with 200"),
        pytest.param(body('{"metadata":{"resourceVersion":"5"},"items":[{"meta'), "cut short", id="truncated JSON"),
        pytest.param(body("[]"), "cannot be read", id="not an object"),
        pytest.param(body('{"items":' * 5000), "cannot be read|cut short", id="depth"),
        pytest.param(cut(b'{"metadata":{}, "items":['), "was cut", id="cut in the middle"),
        pytest.param(cut_gzip({"metadata": {}, "items": ["x" * 5000]}), "was cut|cut short", id="gzip cut"),
        pytest.param(body(b"\xff\xfe\x00garbage"), "cannot be read", id="bytes"),
    ],
)
async def test_a_list_that_is_nonsense_is_told_and_tried_again(server: ApiServer, answer: Answer, words: str) -> None:
    server.fail("list", answer)
    async with following(server) as shown:
        await until(lambda: shown.shows(server))
    assert any(word in shown.errors[0].message for word in words.split("|")), shown.errors[0].message


async def test_a_watch_line_that_is_nonsense_is_told_and_the_stream_goes_on(server: ApiServer) -> None:
    server.fail("watch", answers.stream(b"this is no JSON"))
    async with following(server) as shown:
        await until(lambda: server.watchers)
        assert shown.shows(server)
    assert "cannot be read" in shown.errors[0].message


@pytest.mark.parametrize("after_s", [0, 1])
async def test_slow_down_is_obeyed_and_told(server: ApiServer, after_s: int) -> None:
    server.fail("watch", refuse(429, "TooManyRequests", Retry_After=str(after_s)))
    async with following(server) as shown:
        began = time.monotonic()
        await until(lambda: server.watchers)
        waited_s = time.monotonic() - began
    (error,) = shown.errors
    assert isinstance(error, RateLimitedError) and error.retry_after_s == after_s
    assert after_s <= waited_s <= after_s + 2


async def test_slow_down_until_a_date_counts_by_the_servers_own_clock(server: ApiServer) -> None:
    server_now = time.time() + 7200
    server.fail(
        "list", refuse(429, Retry_After=formatdate(server_now + 30, usegmt=True), Date=formatdate(server_now, usegmt=True))
    )
    cluster = Cluster(server.access(), limits=QUICK)
    error = await first_error(cluster)
    await cluster.close()
    assert isinstance(error, RateLimitedError) and error.retry_after_s == 30


async def test_half_a_list_is_kept_when_the_server_asks_to_slow_down(server: ApiServer) -> None:
    server.page_limit = 2
    server.fail("list", server.answer_page, refuse(429, Retry_After="0"), server.answer_page, refuse(429, Retry_After="0"))
    async with following(server) as shown:
        await until(lambda: server.watchers)
        assert shown.shows(server)
    assert not shown.errors
    assert server.sent("list") == 5
    waits = [f for f in shown.facts if isinstance(f, StreamChanged) and f.phase is StreamPhase.LOADING]
    assert ["slow down" in fact.reason for fact in waits] == [True, True]


async def test_a_token_that_was_rotated_is_read_again_once(server: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")

    async def only_new(request: web.Request) -> web.StreamResponse:
        server.fail("*", only_new)
        if request.headers.get("Authorization") != "Bearer new":
            file.write_text("new\n")
            return await refuse(401, "Unauthorized")(request)
        return await (server.watch(request) if "watch" in request.query else server.answer_page(request))

    server.fail("*", only_new)
    async with following(server, credential=TokenFile(file)) as shown:
        await until(lambda: server.watchers)
        assert shown.shows(server)
    assert not shown.errors
    assert [r.headers["Authorization"] for r in server.requests] == ["Bearer old", "Bearer new", "Bearer new"]


async def test_many_requests_refused_at_once_renew_the_credential_once(server: ApiServer) -> None:
    class Renewed(StaticToken):
        renewals = 0

        def forget(self, refused: str) -> bool:
            if refused == self._header:
                Renewed.renewals += 1
                self._header = "Bearer new"
            return True

    server.fail("list", *[refuse(401)] * 5)
    cluster = Cluster(server.access(credential=Renewed("old")), limits=QUICK)
    try:
        await asyncio.gather(*(anext(cluster.watch(Source.PODS, "shop")) for _ in range(5)))
    finally:
        await cluster.close()
    assert Renewed.renewals == 1
    assert server.sent("list") == 10


async def test_a_token_that_is_not_accepted_is_asked_for_once_and_never_shown(server: ApiServer) -> None:
    server.fail("*", *[refuse(401, "Unauthorized", f"token {A_SECRET} has expired")] * 9)
    access = server.access(credential=StaticToken(A_SECRET))
    cluster = Cluster(access, limits=QUICK)
    error = await first_error(cluster)
    await cluster.close()
    assert isinstance(error, UnauthorizedError)
    assert len(server.requests) == 1
    assert A_SECRET not in f"{error.message} {error.hint} {error!r} {access!r}"


async def test_rights_missing_for_one_resource_leave_the_others_alone(server: ApiServer) -> None:
    async def only_pods(request: web.Request) -> web.StreamResponse:
        server.fail("list", only_pods)
        if "/deployments" in request.path:
            return await refuse(403, "Forbidden", CANNOT.replace("pods", "deployments"))(request)
        return await server.answer_page(request)

    server.fail("list", only_pods)
    cluster = Cluster(server.access(), limits=QUICK)
    pods = cluster.watch(Source.PODS, "shop")
    try:
        assert await anext(pods)
        refused = await first_error(cluster, Source.DEPLOYMENTS)
    finally:
        await pods.aclose()
        await cluster.close()
    assert isinstance(refused, ForbiddenError)
    assert (refused.verb, refused.resource) == ("list", "deployments")


async def test_no_server_has_to_know_streaming_lists(server: ApiServer) -> None:
    """FAULTS 11 by construction: pages are faster and come compressed, so WatchList is not asked for."""
    async with following(server) as shown:
        await until(lambda: shown.shows(server) and server.watchers)
    assert not any("sendInitialEvents" in request.query for request in server.requests)


@pytest.mark.parametrize(("status", "found"), [(404, True), (503, True), (500, False)])
async def test_a_cluster_without_metrics_is_told_from_one_that_fails(server: ApiServer, status: int, found: bool) -> None:
    server.fail("list", refuse(status))
    cluster = Cluster(server.access(), limits=QUICK)
    error = await first_error(cluster, Source.POD_USAGE)
    await cluster.close()
    assert isinstance(error, NotFoundError) == found
    assert ("metrics-server" in error.hint) == found


@pytest.mark.parametrize("status", [200, 401, 403, 404])
async def test_a_server_that_answers_the_probe_lives_whatever_it_says(server: ApiServer, status: int) -> None:
    server.fail("probe", body("ok", status, "text/plain", Date="Mon, 23 Nov 2026 15:00:00 GMT"))
    cluster = Cluster(server.access(), limits=QUICK)
    assert await cluster.probe() == 1795446000
    await cluster.close()


@pytest.mark.parametrize("answer", [answers.hang(), refuse(503), refuse(502)])
async def test_a_server_that_does_not_answer_the_probe_is_away(server: ApiServer, answer: Answer) -> None:
    server.fail("probe", answer)
    cluster = Cluster(server.access(), limits=QUICK)
    with pytest.raises(UnreachableError):
        await cluster.probe()
    await cluster.close()


async def test_one_odd_object_costs_only_itself(server: ApiServer) -> None:
    server.objects["odd"] = {"metadata": {"name": "odd", "namespace": "shop", "uid": "odd"}, "spec": {"containers": "none"}}
    server.objects["null"] = {
        "metadata": {"name": "null", "namespace": "shop", "uid": "null", "labels": None},
        "status": None,
    }
    server.objects["big"] = {
        "metadata": {"name": "big", "namespace": "shop", "uid": "big"},
        "status": {"containerStatuses": [{"name": "c", "restartCount": 2**70}, None]},
    }
    async with following(server) as shown:
        await until(lambda: server.watchers)
    assert {"null", "uid-web-0"} <= set(shown.things)
    assert "odd" not in shown.things
    assert any(isinstance(f, StreamChanged) and "could not be read" in f.reason for f in shown.facts)
