"""A client for a practice cluster that runs in the same loop."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from practice.serve import PracticeCluster

SHOP = "/api/v1/namespaces/shop-practice"
PROMETHEUS = "/api/v1/namespaces/monitoring/services/prometheus:web/proxy"


def trusted(cluster: PracticeCluster) -> ssl.SSLContext:
    config = json.loads(cluster.kubeconfig_path.read_text(encoding="utf-8"))
    pem = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    return ssl.create_default_context(cadata=pem)


class Client:
    def __init__(self, cluster: PracticeCluster, token: str = "practice-oncall") -> None:
        self._cluster = cluster
        self._token = token

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._cluster.url,
            headers={"Authorization": f"Bearer {self._token}"},
            connector=aiohttp.TCPConnector(ssl=trusted(self._cluster)),
            read_bufsize=2**21,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, *, accept: str = "application/json", **query: str) -> tuple[int, Any]:
        """(status, JSON or text)."""
        async with self._session.get(path, params=query, headers={"Accept": accept}) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    async def patch(self, path: str, body: Any, kind: str = "merge-patch") -> tuple[int, Any]:
        headers = {"Content-Type": f"application/{kind}+json"}
        async with self._session.patch(path, data=json.dumps(body), headers=headers) as answer:
            return answer.status, await answer.json()

    async def delete(self, path: str) -> int:
        async with self._session.delete(path) as answer:
            return answer.status

    async def stream(self, path: str, **query: str) -> AsyncIterator[bytes]:
        """Lines for as long as they come; close it when you have enough."""
        async with self._session.get(path, params=query) as answer:
            async for line in answer.content:
                yield line

    async def names(self, path: str = f"{SHOP}/pods", **query: str) -> list[str]:
        _, found = await self.get(path, **query)
        return [item["metadata"]["name"] for item in found["items"]]


async def until(check: Callable[[], object], *, timeout_s: float = 20) -> None:
    async with asyncio.timeout(timeout_s):
        while not check():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)
