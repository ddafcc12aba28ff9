"""Wrong answers, each a function that an `ApiServer` can be told to give in place of the right one."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

from aiohttp import web

from tests.faults.api_server import Answer, Object, status

HTML = "<!DOCTYPE html><html><body><h1>Sign in</h1> token=hunter2</body></html>"


def refuse(code: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    """A Status object, as the API server gives it."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(status(code, reason, message), status=code, headers=named)

    return answer


def body(text: str | bytes, code: int = 200, content_type: str = "application/json", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raw = text.encode() if isinstance(text, str) else text
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=raw, status=code, content_type=content_type, headers=named)

    return answer


def hang(for_s: float = 30) -> Answer:
    """Not even the head of an answer comes, and the connection stays open: a frozen server."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(for_s)
        return web.Response()

    return answer


def cut(text: bytes, **headers: str) -> Answer:
    """A body that ends before its announced length: the connection is closed in the middle."""

    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = web.StreamResponse(headers={"Content-Type": "application/json", **named})
        response.content_length = len(text) + 1000
        await response.prepare(request)
        await response.write(text)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def cut_gzip(thing: Object) -> Answer:
    packed = gzip.compress(json.dumps(thing).encode())
    return body(packed[: len(packed) // 2], Content_Encoding="gzip")


def stream(*events: Any, piece: int = 0, stays_open: bool = False) -> Answer:
    """A watch that says this and ends; `piece` bytes at a time, or all at once."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        raw = b"".join((e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n" for e in events)
        for begin in range(0, len(raw), piece or len(raw) or 1):
            await response.write(raw[begin : begin + (piece or len(raw))])
            if piece:
                await asyncio.sleep(0)
        if stays_open:
            await asyncio.sleep(30)
        return response

    return answer


EMPTY = stream()
EXPIRED = stream({"type": "ERROR", "object": status(410, "Expired", "too old resource version: 1 (2)")})
