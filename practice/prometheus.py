"""The practice Prometheus: its HTTP API for the queries that a control room asks, over what `Traffic` has scraped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from practice.objects import Json, epoch_of
from practice.promql import QueryError, Value, duration_s, evaluated, parsed
from practice.shapes import encoded
from practice.shop_app import Said
from practice.traffic import NAMES

if TYPE_CHECKING:
    from practice.world import World

_MOST_POINTS = 11_000


class Prometheus:
    def __init__(self, world: World) -> None:
        self._world = world

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.Response:
        said = await self.answer(request, request.path)
        return web.Response(status=said.code, body=said.body, headers={"Content-Type": said.content_type})

    async def answer(self, request: web.Request, path: str) -> Said:
        asked: dict[str, str] = dict(request.query)
        if request.method == "POST":
            asked |= {key: str(value) for key, value in (await request.post()).items()}
        match path.rstrip("/"):
            case "" | "/graph":
                return Said(200, b"practice Prometheus\n", "text/plain")
            case "/-/ready":
                return Said(200, b"Prometheus Server is Ready.\n", "text/plain")
            case "/-/healthy":
                return Said(200, b"Prometheus Server is Healthy.\n", "text/plain")
            case "/api/v1/query":
                return self._answered(lambda: self._instant(asked))
            case "/api/v1/query_range":
                return self._answered(lambda: self._range(asked))
            case "/api/v1/label/__name__/values":
                return _json(200, {"status": "success", "data": sorted(NAMES)})
            case "/api/v1/status/buildinfo":
                return _json(200, {"status": "success", "data": {"version": "3.7.3-practice"}})
        return Said(404, b"404 page not found\n", "text/plain")

    def _answered(self, ask: Callable[[], Json]) -> Said:
        try:
            return _json(200, {"status": "success", "data": ask()})
        except QueryError as error:
            return _json(400, {"status": "error", "errorType": "bad_data", "error": str(error)})

    def _instant(self, asked: Mapping[str, str]) -> Json:
        tree = parsed(asked.get("query", ""))
        at = _moment(asked.get("time"), time.time())
        found = evaluated(tree, self._world.traffic, at)
        if isinstance(found, float):
            return {"resultType": "scalar", "result": [at, _text(found)]}
        return {
            "resultType": "vector",
            "result": [{"metric": labels, "value": [at, _text(value)]} for labels, value in found],
        }

    def _range(self, asked: Mapping[str, str]) -> Json:
        tree = parsed(asked.get("query", ""))
        start, end = _moment(asked.get("start"), None), _moment(asked.get("end"), None)
        step = _span(asked.get("step", ""))
        if end < start:
            raise QueryError('invalid parameter "end": end timestamp must not be before start time')
        if (end - start) / step > _MOST_POINTS:
            raise QueryError(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        rows: dict[tuple[tuple[str, str], ...], Json] = {}
        for number in range(int((end - start) / step) + 1):
            at = start + number * step
            found: Value = evaluated(tree, self._world.traffic, at)
            for labels, value in [({}, found)] if isinstance(found, float) else found:
                row = rows.setdefault(tuple(sorted(labels.items())), {"metric": labels, "values": []})
                row["values"].append([at, _text(value)])
        return {"resultType": "matrix", "result": list(rows.values())}


def _json(code: int, body: Json) -> Said:
    return Said(code, encoded(body))


def _text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _moment(text: str | None, default: float | None) -> float:
    if not text:
        if default is None:
            raise QueryError('invalid parameter "start": cannot parse "" to a valid timestamp')
        return default
    try:
        return float(text)
    except ValueError:
        found = epoch_of(text)
        if found is None:
            raise QueryError(f'invalid parameter "time": cannot parse "{text}" to a valid timestamp') from None
        return found


def _span(text: str) -> float:
    try:
        step = float(text)
    except ValueError:
        step = duration_s(text)
    if not step > 0:
        raise QueryError(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    return step
