"""The API server's door: who asks, may they, and which part answers."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass

from aiohttp import web

from practice import api_discovery
from practice.access import ANONYMOUS, TOKENS, User, forbidden_path, user_of
from practice.answers import ApiError, no_such_path
from practice.api_access import ReviewApi
from practice.api_logs import LogApi
from practice.api_objects import ObjectApi
from practice.api_proxy import ProxyApi
from practice.api_usage import UsageApi
from practice.api_watch import WatchApi
from practice.kinds import METRICS, REVIEWS
from practice.openapi import openapi_answer
from practice.paths import Target, parse
from practice.replies import json_answer, text_answer
from practice.world import World

_PUBLIC = ("/livez", "/readyz", "/healthz", "/version")
_MOST_REMEMBERED = 10_000
_BIGGEST_BODY = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in; `code` is 0 while it is being answered."""

    method: str
    path: str
    query: str
    user: str
    agent: str


class ApiServer:
    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: deque[Asked] = deque(maxlen=_MOST_REMEMBERED)
        self.objects = ObjectApi(world.store)
        self.watches = WatchApi(world.store)
        self.reviews = ReviewApi(world.rights)
        self.logs = LogApi(world)
        self.proxy = ProxyApi(world)
        self.usage = UsageApi(world)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_BIGGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = await json_answer(request, error.status(), error.code)
            if error.code == 401:
                response.headers["WWW-Authenticate"] = 'Bearer realm="practice"'
        if not response.prepared:
            response.headers["Audit-Id"] = str(uuid.uuid4())
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request)
        path = request.path
        agent = request.headers.get("User-Agent", "")
        self.asked.append(Asked(request.method, path, request.query_string, user.name, agent))
        parts = path.strip("/").split("/")
        if (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3):
            target = parse(request.method, path, is_watch=request.query.get("watch") in ("1", "true"))
            self.world.rights.check(user, target.wish, target.kind)
            return await self._answer_target(request, target, user)
        if user is ANONYMOUS and not path.startswith(_PUBLIC):
            raise forbidden_path(user, "get", path)
        return await self._answer_path(request, path)

    def _user(self, request: web.Request) -> User:
        """Without TLS, kubectl keeps its token to itself: then nobody is the on-call engineer."""
        header = request.headers.get("Authorization")
        if header is None and not request.secure:
            return TOKENS["practice-oncall"]
        return user_of(header)

    async def _answer_path(self, request: web.Request, path: str) -> web.StreamResponse:
        if path.startswith(("/livez", "/readyz", "/healthz")):
            return text_answer("ok")
        if path == "/version":
            return await json_answer(request, api_discovery.version())
        if path.startswith("/openapi"):
            return await openapi_answer(request)
        accept = request.headers.get("Accept", "")
        body = api_discovery.answer(path, is_aggregated=api_discovery.wants_aggregated(accept))
        response = await json_answer(request, body)
        if body["kind"] == "APIGroupDiscoveryList":
            response.content_type = "application/json"
            response.headers["Content-Type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return response

    async def _answer_target(self, request: web.Request, target: Target, user: User) -> web.StreamResponse:
        if target.kind in REVIEWS:
            return await self.reviews.answer(request, target, user, self.world.clock.now())
        if target.kind in METRICS:
            return await self.usage.answer(request, target)
        match target.subresource:
            case "log":
                return await self.logs.answer(request, target)
            case "proxy":
                return await self.proxy.answer(request, target)
            case "exec" | "attach":
                raise ApiError(501, "NotImplemented", "the practice cluster cannot run commands in its containers yet")
        if target.verb == "watch":
            return await self.watches.answer(request, target)
        if target.name and target.verb == "get" and request.query.get("watch"):
            raise no_such_path()
        return await self.objects.answer(request, target)
