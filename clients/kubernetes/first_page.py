"""The first rows, read by a thread before the screen's own imports are done: blocking, and light on imports."""

from __future__ import annotations

import http.client
import ssl
import zlib

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.decoding import Codecs
from clients.kubernetes.gate import Kind, ReadOnlyGate
from clients.kubernetes.paths import collection
from clients.kubernetes.proxies import proxy_for
from clients.kubernetes.tls import ssl_context
from domain.errors import QuarterdeckError
from domain.facts import Listed
from domain.streams import Source

_CONNECT_S = 3.0
_MOST_BYTES = 16 * 2**20


def read_first_page(
    access: ClusterAccess, source: Source, namespace: str, *, limit: int = 60, gate: ReadOnlyGate | None = None
) -> Listed | None:
    """Up to `limit` objects, `is_first` and `is_last` False: shown ahead of the real list, which then takes over.

    None where anything is out of the ordinary (a proxy, a refusal, no answer): the real list meets it again in a moment and
    says what it is. A credential plugin is run here; its answer is kept for the real list.
    """
    if proxy_for(access):
        return None
    try:
        body = _get(access, f"{collection(source, namespace)}?limit={limit}", gate or ReadOnlyGate())
        page = Codecs()[source].page(body) if body is not None else None
    except (OSError, ValueError, http.client.HTTPException, QuarterdeckError, zlib.error):
        return None
    if page is None:
        return None
    return Listed(source, page.values, is_first=False, is_last=False, expected=len(page.values) + (page.remaining or 0))


def _get(access: ClusterAccess, path: str, gate: ReadOnlyGate) -> bytes | None:
    gate.pass_request("GET", path.partition("?")[0], Kind.LIST)
    header = access.credential.authorization()
    connection = _connection(access)
    try:
        encoding = "gzip" if access.is_gzip_wanted else "identity"
        connection.putrequest("GET", access.path_prefix + path, skip_accept_encoding=True)
        for name, value in (
            ("Accept", "application/json"),
            ("Accept-Encoding", encoding),
            ("User-Agent", "quarterdeck"),
            *((("Authorization", header),) if header else ()),
            *access.impersonation,
        ):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
        if answer.status != 200:
            return None
        if answer.getheader("Content-Encoding") == "gzip":
            return zlib.decompressobj(31).decompress(body, _MOST_BYTES)
        return body
    finally:
        connection.close()


def _connection(access: ClusterAccess) -> http.client.HTTPConnection:
    authority = access.server.partition("://")[2]
    if not access.is_tls:
        return http.client.HTTPConnection(authority, timeout=_CONNECT_S)
    context = ssl_context(access, access.credential.client_certificate())
    connection = _TlsConnection(authority, timeout=_CONNECT_S)
    connection.context = context
    connection.name = access.tls_server_name or connection.host
    return connection


class _TlsConnection(http.client.HTTPConnection):
    """`HTTPSConnection`, but the certificate may name another host than the one dialled (`tls-server-name`)."""

    default_port = 443
    context: ssl.SSLContext
    name: str

    def connect(self) -> None:
        super().connect()
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.name)
