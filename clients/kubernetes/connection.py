"""One API server over aiohttp: the single seam where requests leave and where every failure becomes a domain error."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.breakdowns import BREAKDOWNS, breakdown, is_tls_failure
from clients.kubernetes.daemon_threads import call_in_daemon_thread
from clients.kubernetes.gate import Kind, ReadOnlyGate
from clients.kubernetes.limits import Limits
from clients.kubernetes.proxies import connector, proxy_for
from clients.kubernetes.refusals import Asked, refusal
from clients.kubernetes.sockets import Sockets
from clients.kubernetes.tls import ssl_context
from domain.errors import UnauthorizedError

_T = TypeVar("_T")
Params = tuple[tuple[str, str], ...]

_ERROR_BODY = 64 * 1024
_USER_AGENT = "quarterdeck"
_READ_BUFFER = 2**18
"""aiohttp stops reading from the socket at twice this: a watch that is not read costs no more memory."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `path` is absolute and already quoted, without the server's prefix."""

    path: str
    asked: Asked
    kind: Kind = Kind.OTHER
    params: Params = ()
    raw_query: str = ""
    """In place of `params`, where somebody else has made it."""
    method: str = "GET"
    body: bytes | None = None
    accept: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    trace: object = None
    """What the session's traces are told of this request (aiohttp's `trace_request_ctx`)."""


class Connection:
    """Made in any thread, used in one event loop; the session begins with the first request.

    Every failure is an OutsideError, a ConfigError (files and plugins of the kubeconfig) or a RefusedError (the gate).
    """

    def __init__(self, access: ClusterAccess, gate: ReadOnlyGate, limits: Limits | None = None) -> None:
        self.access = access
        self.gate = gate
        self.limits = limits or Limits()
        self._session: aiohttp.ClientSession | None = None
        self._certificate: tuple[str, str] | None = None
        self._retired: list[aiohttp.ClientSession] = []
        self._sockets = Sockets()
        self._signing = asyncio.Lock()

    async def close(self) -> None:
        self.access.credential.close()
        self._retire()
        for session in self._retired:
            await session.close()
        self._retired.clear()
        await self._sockets.end()

    async def read(self, ask: Ask, *, timeout_s: float | None = None) -> bytes:
        """The whole body of a 2xx answer."""
        async with self.open(ask, timeout_s=timeout_s or self.limits.body_s) as answer:
            body = await answer.read()
            self.gate.counters.bytes_read += len(body)
            return body

    @contextlib.asynccontextmanager
    async def open(
        self, ask: Ask, *, timeout_s: float | None = None, is_refusal_raised: bool = True
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer as soon as its head is there. `timeout_s` limits everything until the block is left; with None it is a
        stream, whose reader has a limit of its own. What reading raises inside the block is translated as well.
        """
        sock_read_s = None if timeout_s is None else self.limits.answer_s
        with self._translating(ask.asked):
            async with asyncio.timeout(timeout_s):
                answer = await self._signed(lambda header: self._request(ask, header, sock_read_s, is_refusal_raised))
                try:
                    yield answer
                finally:
                    # An answer that was not read to its end cannot lend its connection to the next request.
                    if answer.content.at_eof():
                        answer.release()
                    else:
                        answer.close()

    @contextlib.asynccontextmanager
    async def open_socket(
        self, path: str, params: Params, protocols: tuple[str, ...], asked: Asked
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket (exec). The refusal's own text is lost in the handshake; ask `is_permitted` before."""
        with self._translating(asked):
            socket = await self._signed(lambda header: self._upgrade(path, params, protocols, header, asked))
            async with socket:
                yield socket

    async def _signed(self, send: Callable[[str], Awaitable[_T]]) -> _T:
        """Send with our credential; when that is refused, once more with a renewed one."""
        header = await self._authorization()
        try:
            return await send(header)
        except UnauthorizedError:
            if not self.access.credential.forget(header):
                raise
            renewed = await self._authorization()
            if renewed == header and self.access.credential.client_certificate() == self._certificate:
                raise
            return await send(renewed)

    async def _authorization(self) -> str:
        credential = self.access.credential
        if credential.is_instant:
            return credential.authorization()
        # One waits in a thread; the others wait here, so that a plugin's 30 s do not use up the threads.
        async with self._signing:
            return await call_in_daemon_thread(credential.authorization)

    async def _request(
        self, ask: Ask, header: str, sock_read_s: float | None, is_refusal_raised: bool
    ) -> aiohttp.ClientResponse:
        self.gate.pass_request(ask.method, ask.path, ask.kind)
        headers = self._headers(header)
        headers.update({"Accept": ask.accept, **ask.headers})
        if ask.body is not None:
            headers.setdefault("Content-Type", "application/json")
        if not self.access.is_gzip_wanted or ask.kind is Kind.WATCH:
            headers["Accept-Encoding"] = "identity"
        async with asyncio.timeout(self.limits.answer_s):
            answer = await self._current_session().request(
                ask.method,
                self._url(ask.path, ask.raw_query or _query(ask.params)),
                data=ask.body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_s, sock_read=sock_read_s),
                trace_request_ctx=ask.trace,
                **self._route(),
            )
            if not is_refusal_raised or answer.status < 300:
                return answer
            async with answer:
                body = await answer.content.read(_ERROR_BODY)
            raise refusal(answer.status, answer.headers, body, ask.asked)

    async def _upgrade(
        self, path: str, params: Params, protocols: tuple[str, ...], header: str, asked: Asked
    ) -> aiohttp.ClientWebSocketResponse:
        self.gate.pass_request("GET", path, Kind.SHELL, is_upgrade=True)
        try:
            async with asyncio.timeout(self.limits.answer_s):
                socket: aiohttp.ClientWebSocketResponse = await self._current_session().ws_connect(
                    self._url(path, _query(params)),
                    protocols=protocols,
                    headers=self._headers(header),
                    heartbeat=20,
                    max_msg_size=0,
                    **self._route(),
                )
                return socket
        except aiohttp.WSServerHandshakeError as error:
            raise refusal(error.status, error.headers or {}, b"", asked) from error

    def _current_session(self) -> aiohttp.ClientSession:
        certificate = self.access.credential.client_certificate()
        if self._session is not None and certificate != self._certificate:
            self._retire()
        if self._session is None:
            context = ssl_context(self.access, certificate) if self.access.is_tls else None
            self._certificate = certificate
            self._session = self._new_session(context)
        return self._session

    def _new_session(self, context: ssl.SSLContext | None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector(self.access, context, self._sockets),
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_BUFFER,
        )

    def _retire(self) -> None:
        """The next request sets up everything anew (rotated files, renewed certificates); streams that run go on."""
        if self._session is not None:
            self._retired.append(self._session)
            self._session = None

    @contextlib.contextmanager
    def _translating(self, asked: Asked) -> Iterator[None]:
        try:
            yield
        except BREAKDOWNS as error:
            if is_tls_failure(error):
                self._retire()
            raise breakdown(error, self.access, str(asked)) from error

    def _url(self, path: str, query: str) -> URL:
        return URL(f"{self.access.server}{self.access.path_prefix}{path}{'?' if query else ''}{query}", encoded=True)

    def _headers(self, authorization: str) -> CIMultiDict[str]:
        """Who we are, and as whom the kubeconfig says we act."""
        headers = CIMultiDict({"User-Agent": _USER_AGENT})
        if authorization:
            headers["Authorization"] = authorization
        headers.extend(self.access.impersonation)
        return headers

    def _route(self) -> dict[str, Any]:
        """What differs per request because of how the server is reached."""
        route: dict[str, Any] = {}
        if self.access.tls_server_name:
            route["server_hostname"] = self.access.tls_server_name
        proxy = proxy_for(self.access)
        if proxy and not proxy.is_socks:
            route["proxy"] = proxy.url
        return route


def _query(params: Params) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)
