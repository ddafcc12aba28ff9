"""No schema is published: kubectl then needs `--validate=false` for `create -f` and `apply`."""

from __future__ import annotations

from aiohttp import web

from practice.answers import no_such_path
from practice.replies import json_answer


async def openapi_answer(request: web.Request) -> web.Response:
    if request.path.rstrip("/") == "/openapi/v3":
        return await json_answer(request, {"paths": {}})
    raise no_such_path()
