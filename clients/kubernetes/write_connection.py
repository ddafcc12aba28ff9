"""The connection that writes leave by: sent once, and every failure says whether anything had left this host."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace

import aiohttp

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.gate import ReadOnlyGate
from clients.kubernetes.limits import Limits
from clients.kubernetes.proxies import connector
from domain.errors import AnswerLostError, NotSentError, OutsideError, UnreachableError

_UNSETTLED = "Whether it took effect is not known. Look before you do it again."


@dataclass(slots=True)
class _Sending:
    """One write on its way. `has_left`: a connection was there, so the server may have read it."""

    has_left: bool = False


class WriteConnection(Connection):
    """Apart from the reading one: its requests never wait behind a stream, and none is ever sent a second time.

    aiohttp sends PUT and DELETE again when a connection breaks before the answer (RFC 9110 calls them idempotent); under a
    precondition the second one is refused although the first has taken effect. Here the second one does not leave.
    """

    def __init__(self, access: ClusterAccess, gate: ReadOnlyGate, limits: Limits) -> None:
        super().__init__(access, gate, replace(limits, answer_s=limits.write_s, body_s=limits.write_s))

    async def write(self, ask: Ask, *, timeout_s: float | None = None) -> bytes:
        """The body of a 2xx answer. NotSentError, AnswerLostError, or the refusal, which is the server's word that nothing
        was changed."""
        sending = _Sending()
        try:
            return await self.read(replace(ask, trace=sending), timeout_s=timeout_s)
        except OutsideError as error:
            # A plain OutsideError is a 5xx or a redirect: the server, or something before it, has failed half-way.
            if not isinstance(error, UnreachableError) and type(error) is not OutsideError:
                raise
            if not sending.has_left:
                raise NotSentError(f"{error.message}; nothing was sent", error.hint, system=error.system) from error
            raise AnswerLostError(f"{error.message}; no answer to: {ask.asked}", _UNSETTLED, system=error.system) from error

    def _new_session(self, context: ssl.SSLContext | None) -> aiohttp.ClientSession:
        traces = aiohttp.TraceConfig()
        traces.on_request_start.append(_starts)
        traces.on_connection_create_start.append(_connects)
        traces.on_connection_create_end.append(_leaves)
        traces.on_connection_reuseconn.append(_leaves)
        return aiohttp.ClientSession(
            connector=connector(self.access, context, self._sockets, is_kept=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[traces],
        )


async def _starts(_session: object, context: object, _params: object) -> None:
    sending = _sending(context)
    if sending:
        sending.has_left = False


async def _connects(_session: object, context: object, _params: object) -> None:
    sending = _sending(context)
    if sending and sending.has_left:
        raise aiohttp.ServerDisconnectedError


async def _leaves(_session: object, context: object, _params: object) -> None:
    sending = _sending(context)
    if sending:
        sending.has_left = True


def _sending(context: object) -> _Sending | None:
    found = getattr(context, "trace_request_ctx", None)
    return found if isinstance(found, _Sending) else None
