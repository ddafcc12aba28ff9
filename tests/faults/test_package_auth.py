"""OpenID Connect through the kubernetes package: what its loader swallows is told, and the provider is verified."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.credentials import Credential
from clients.kubernetes.daemon_threads import call_in_daemon_thread
from clients.kubernetes.package_auth import AuthProvider
from domain.errors import ConfigError, QuarterdeckError, UnauthorizedError
from domain.streams import Source
from tests.faults.api_server import ApiServer
from tests.faults.following import QUICK

CA = trustme.CA()


def id_token(seconds_left: float, number: int = 1) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'exp': time.time() + seconds_left, 'n': number})}.sig"


@dataclass
class Provider:
    """An identity provider: discovery, and a token endpoint that gives `answer`."""

    url: str = ""
    answer: Any = None
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    _transports: set[asyncio.Transport] = field(default_factory=set)

    def note(self, request: web.Request) -> None:
        assert isinstance(request.transport, asyncio.Transport)
        self._transports.add(request.transport)

    def hang_up(self) -> None:
        """The package's session waits with its connections open, and TLS waits for the other side's goodbye."""
        for transport in self._transports:
            transport.abort()

    async def discover(self, request: web.Request) -> web.Response:
        self.note(request)
        return web.json_response({"token_endpoint": f"{self.url}/token"})

    async def token(self, request: web.Request) -> web.Response:
        self.note(request)
        form = await request.post()
        self.asked.append({name: str(value) for name, value in form.items()})
        return web.json_response(self.answer, status=self.status)


@contextlib.asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discover)
    app.router.add_post("/token", provider.token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    provider.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        provider.hang_up()
        await runner.cleanup()


def oidc(provider: Provider, folder: Path, token: str, **more: str) -> AuthProvider:
    CA.cert_pem.write_to_path(str(folder / "idp.crt"))
    config = {
        "idp-issuer-url": provider.url,
        "idp-certificate-authority": "idp.crt",
        "client-id": "kubectl",
        "refresh-token": "r1",
        "id-token": token,
        **more,
    }
    values = {"auth-provider": {"name": "oidc", "config": {k: v for k, v in config.items() if v}}}
    return AuthProvider("oncall", values, folder / "config")


async def header(credential: Credential) -> str:
    return await call_in_daemon_thread(credential.authorization)


async def test_a_token_that_is_good_is_used_and_nobody_is_asked(tmp_path: Path) -> None:
    async with providing() as provider:
        token = id_token(600)
        assert await header(oidc(provider, tmp_path, token)) == f"Bearer {token}"
    assert not provider.asked


async def test_an_expired_token_is_renewed_and_the_new_refresh_token_is_used_next(tmp_path: Path) -> None:
    async with providing() as provider:
        credential = oidc(provider, tmp_path, id_token(-60))
        for number, used in ((1, "r1"), (2, "r2")):
            provider.answer = {"id_token": id_token(-60 + 61 * number, number), "refresh_token": "r2", "access_token": "a"}
            provider.answer |= {"token_type": "Bearer"}
            assert await header(credential) == f"Bearer {provider.answer['id_token']}"
            assert provider.asked[-1]["refresh_token"] == used
            if number == 1:
                await asyncio.sleep(1.1)  # until it has expired


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, {"error": "invalid_grant"}), (400, {"error": "invalid_client"}), (500, {}), (200, {"nothing": "useful"})],
)
async def test_a_provider_that_refuses_is_told(tmp_path: Path, status: int, answer: dict[str, str]) -> None:
    async with providing() as provider:
        provider.status, provider.answer = status, answer
        with pytest.raises(QuarterdeckError) as caught:
            await header(oidc(provider, tmp_path, id_token(-60)))
    assert "oncall" in caught.value.message and caught.value.hint
    assert "r1" not in caught.value.message


async def test_a_provider_that_is_not_who_it_says_gets_no_refresh_token(tmp_path: Path) -> None:
    """Without an authority in the kubeconfig the package would not verify it; here the system's authorities are."""
    async with providing() as provider:
        with pytest.raises(UnauthorizedError):
            await header(oidc(provider, tmp_path, id_token(-60), **{"idp-certificate-authority": ""}))
    assert not provider.asked


async def test_a_token_that_is_none_is_told_before_anything_is_sent(server: ApiServer, tmp_path: Path) -> None:
    credential = oidc(Provider(), tmp_path, "not-a-token")
    cluster = Cluster(server.access(credential=credential), limits=QUICK)
    with pytest.raises(UnauthorizedError, match="No token was found"):
        await anext(cluster.watch(Source.PODS, "shop"))
    await cluster.close()
    assert not server.requests


async def test_a_provider_without_its_settings_is_a_fault_of_the_kubeconfig(tmp_path: Path) -> None:
    async with providing() as provider:
        with pytest.raises(ConfigError):
            await header(oidc(provider, tmp_path, id_token(-60), **{"client-id": ""}))
