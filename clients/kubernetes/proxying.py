"""Asks what runs behind the API server, through its proxy: with a limit on time and bytes, and with our gate."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.refusals import Asked
from domain.errors import UnreachableError


@dataclass(frozen=True, slots=True)
class ProxyAnswer:
    """Whatever answered, the thing behind or the API server in its place: neither status nor body have been judged."""

    status: int
    body: bytes
    """At most `limit_bytes` of it."""
    latency_ms: float


async def proxy_get(connection: Connection, path: str, *, timeout_s: float, limit_bytes: int) -> ProxyAnswer:
    """`path` is absolute and quoted, with its query. OutsideError where the API server itself could not be asked."""
    path, _, query = path.partition("?")
    asked = Asked("get", "services/proxy" if "/services/" in path else "pods/proxy")
    began = time.perf_counter()
    ask = Ask(path, asked, raw_query=query, accept="*/*")
    try:
        async with asyncio.timeout(timeout_s), connection.open(ask, is_refusal_raised=False) as answer:
            latency_ms = (time.perf_counter() - began) * 1000
            body = await _at_most(answer.content, limit_bytes)
            return ProxyAnswer(answer.status, body, latency_ms)
    except TimeoutError as error:
        raise UnreachableError(f"No answer within {timeout_s:g} s (through the proxy)", "It may be slow.") from error


async def _at_most(content: aiohttp.StreamReader, limit_bytes: int) -> bytes:
    body = bytearray()
    while len(body) < limit_bytes and (piece := await content.readany()):
        body += piece
    return bytes(body[:limit_bytes])
