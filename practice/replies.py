"""Bodies in and out: JSON read strictly, answers compressed where the real server would."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any

from aiohttp import web

from practice import protobuf
from practice.answers import bad_request
from practice.objects import Json
from practice.shapes import encoded

_COMPRESSED_FROM = 128 * 1024
"""Bytes (DefaultCompressionThreshold of the real server)."""


async def json_answer(request: web.Request, body: Json, code: int = 200) -> web.Response:
    raw = encoded(body)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    if len(raw) >= _COMPRESSED_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        raw = await asyncio.to_thread(_gzipped, raw)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=raw, status=code, headers=headers)


def _gzipped(raw: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()


def text_answer(text: str, code: int = 200) -> web.Response:
    return web.Response(text=text, status=code)


async def body_of(request: web.Request) -> Any:
    """The request's JSON, or what its protobuf stands for; 415 for kinds not read so, 400 for what is broken."""
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type == "application/vnd.kubernetes.protobuf":
        return protobuf.read(raw)
    try:
        return json.loads(raw)
    except ValueError as error:
        if request.content_type.endswith("yaml"):
            return _yaml(raw)
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error


def _yaml(raw: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


async def object_of(request: web.Request) -> Json:
    body = await body_of(request)
    if not isinstance(body, dict):
        raise bad_request("the body is not an object")
    return body
