"""SOCKS 5 for aiohttp, with what `aiohttp_socks` lacks: another TLS name than the one dialled, and one kind of error."""

from __future__ import annotations

from ssl import MemoryBIO, SSLContext, SSLObject, SSLSession
from typing import Any

import python_socks
from aiohttp.client_proto import ResponseHandler
from aiohttp_socks import ProxyConnector

from clients.kubernetes.breakdowns import SocksError


class SocksConnector(ProxyConnector):  # type: ignore[misc,unused-ignore]
    tls_server_name = ""

    @classmethod
    def towards(cls, url: str, tls_server_name: str, **options: Any) -> SocksConnector:
        # The proxy resolves names, as in Go: often only the bastion knows them.
        connector = cls.from_url(url.replace("socks5h://", "socks5://", 1), rdns=True, **options)
        assert isinstance(connector, cls)
        connector.tls_server_name = tls_server_name
        return connector

    async def _connect_via_proxy(
        self, host: str, port: int, ssl: SSLContext | None = None, timeout: float | None = None
    ) -> tuple[Any, ResponseHandler]:
        if ssl is not None and self.tls_server_name:
            ssl = _named(ssl, self.tls_server_name)
        try:
            return await super()._connect_via_proxy(host, port, ssl, timeout)
        except (python_socks.ProxyConnectionError, python_socks.ProxyTimeoutError) as error:
            raise SocksError("it cannot be reached") from error
        except python_socks.ProxyError as error:
            raise SocksError(str(error)) from error


def _named(context: SSLContext, name: str) -> SSLContext:
    """The same context, for which a certificate has to name `name` whatever is dialled."""

    class Named(SSLContext):
        def wrap_bio(
            self,
            incoming: MemoryBIO,
            outgoing: MemoryBIO,
            server_side: bool = False,
            server_hostname: str | bytes | None = None,
            session: SSLSession | None = None,
        ) -> SSLObject:
            return super().wrap_bio(incoming, outgoing, server_side, name, session)

    if type(context) is SSLContext:
        context.__class__ = Named
    return context
