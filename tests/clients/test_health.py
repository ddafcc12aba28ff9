"""Health endpoints asked over real HTTP: what they say, how long it may take, and whom we refuse to ask."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from clients.health import HealthSource
from domain.health import HealthAnswer, direct_endpoint
from tests.clients.http_stage import Play, Stage, answer, dripping, endless, never, redirect, staged

GOOD = '{"status": "healthy", "version": "1.9.0", "checks": {"database": "ok", "redis": "ok", "storage": "ok"}}'


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as it:
        yield it


@pytest.fixture
async def source() -> AsyncIterator[HealthSource]:
    it = HealthSource(timeout_s=0.5)
    yield it
    await it.close()


async def ask(source: HealthSource, url: str) -> HealthAnswer:
    (told,) = await source.ask([direct_endpoint(url)])
    return told


async def test_every_named_check_is_told_on_its_own(stage: Stage, source: HealthSource) -> None:
    stage.plays["/health"] = answer(200, GOOD)
    told = await ask(source, f"{stage.url}/health")
    assert (told.status_code, told.is_healthy, told.word, told.version) == (200, True, "healthy", "1.9.0")
    assert [(c.name, c.is_ok) for c in told.checks] == [("database", True), ("redis", True), ("storage", True)]
    assert 0 < told.latency_ms < 500


@pytest.mark.parametrize(
    ("play", "status", "is_healthy", "error"),
    [
        (answer(200, ""), 200, True, ""),
        (answer(200, "OK"), 200, True, ""),
        (answer(200, '{"status": "unhealthy"}'), 200, False, ""),
        (answer(200, '{"status": "healthy", "checks": {"redis": "timeout"}}'), 200, False, ""),
        (answer(503, '{"status": "healthy"}'), 503, False, ""),
        (answer(503, "cannot reach \x1b]52;c;database\x07\nsecond line"), 503, False, "cannot reach ␛]52;c;database␇"),
        (answer(500, "<html>secret</html>"), 500, False, ""),
        (answer(302, "", {"Location": "http://127.0.0.2/"}), 302, False, "redirect"),
        (redirect("/loop"), None, False, "circle"),
        (answer(200, "[" * 30_000), 200, True, ""),
        (endless, 200, True, ""),
        (never, None, False, "no answer within"),
        (dripping, None, False, "no answer within"),
    ],
    ids=[
        "empty",
        "not JSON",
        "200 but unhealthy",
        "200 but a check fails",
        "503",
        "503 in words",
        "500 with a page",
        "redirect away",
        "redirect in a circle",
        "deep JSON",
        "endless",
        "silent",
        "one byte at a time",
    ],
)
async def test_answers_are_judged(
    stage: Stage, source: HealthSource, play: Play, status: int | None, is_healthy: bool, error: str
) -> None:
    stage.plays["/health"] = stage.plays["/loop"] = play
    began = time.monotonic()
    told = await ask(source, f"{stage.url}/health")
    assert (told.status_code, told.is_healthy) == (status, is_healthy)
    assert error in told.error
    assert bool(error) == bool(told.error)
    assert time.monotonic() - began < 5


async def test_a_redirect_within_the_host_is_followed(stage: Stage, source: HealthSource) -> None:
    stage.plays["/health"] = redirect("/health/")
    stage.plays["/health/"] = answer(200, GOOD)
    assert (await ask(source, f"{stage.url}/health")).word == "healthy"


async def test_a_redirect_to_another_host_or_port_is_not(stage: Stage, source: HealthSource) -> None:
    with staged() as elsewhere:
        stage.plays["/health"] = redirect(f"{elsewhere.url}/health")
        assert not (await ask(source, f"{stage.url}/health")).is_healthy
        assert elsewhere.seen == []


async def test_nobody_listening_is_said(source: HealthSource) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = await ask(source, f"http://127.0.0.1:{port}/health")
    assert told.status_code is None
    assert told.error == "connection refused"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("file:///etc/passwd", "not http"),
        ("gopher://127.0.0.1/", "not http"),
        ("http:///health", "not http"),
        ("http://127.0.0.1:99999/", "not http"),
        ("http://127.0.0.1/a\r\nX-Injected: 1", "not http"),
        ("http://169.254.169.254/latest/meta-data", "not asked"),
        ("http://[fe80::1]/", "not asked"),
        ("http://[::ffff:169.254.169.254]/", "not asked"),
        ("http://[fd00:ec2::254]/", "not asked"),
        ("http://0.0.0.0/", "not asked"),
        ("http://2130706433/", "not asked"),
        ("http://127.1/", "not asked"),
        ("http://no-such-host.invalid/", "no address"),
    ],
)
async def test_what_must_not_be_asked_is_not(source: HealthSource, url: str, error: str) -> None:
    told = await ask(source, url)
    assert told.status_code is None
    assert error in told.error


async def test_a_name_that_turns_out_to_be_this_host_is_refused_unless_configured(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def rebound(host: str, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host == "shop.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    stage.plays["/health"] = answer(200, GOOD)
    url = f"http://shop.example:{stage.server_port}/health"
    strict, configured = HealthSource(), HealthSource(allowed_hosts=frozenset({"shop.example"}))
    assert "not asked" in (await ask(strict, url)).error
    assert (await ask(configured, url)).is_healthy
    assert [headers["Host"] for _, headers in stage.seen] == [f"shop.example:{stage.server_port}"]
    await strict.close()
    await configured.close()


async def test_the_environments_proxy_and_netrc_are_not_used(
    stage: Stage, source: HealthSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.plays["/health"] = answer(200, GOOD)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy")
    assert (await ask(source, f"{stage.url}/health")).is_healthy
    assert "Authorization" not in stage.seen[0][1]


async def test_a_password_in_the_url_is_sent_and_never_shown(stage: Stage, source: HealthSource) -> None:
    told = await ask(source, f"http://ops:canary@127.0.0.1:{stage.server_port}/health")
    assert stage.seen[0][1]["Authorization"].startswith("Basic ")
    assert "canary" not in f"{told.endpoint.title} {told.endpoint.where} {told.error}"


async def test_slow_endpoints_do_not_wait_for_each_other(stage: Stage, source: HealthSource) -> None:
    stage.plays["/slow*"] = never
    stage.plays["/health"] = answer(200, GOOD)
    began = time.monotonic()
    told = await source.ask([direct_endpoint(f"{stage.url}/{path}") for path in ("slow1", "health", "slow2", "slow3")])
    assert [t.is_healthy for t in told] == [False, True, False, False]
    assert time.monotonic() - began < 1.5
