"""A plain client of the API server for arranging a test: JSON in, JSON out, one connection for each thread."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
SERVER_NAME = "kubernetes"
"""The name in the certificate that the API server makes for itself."""


class RefusedByApiError(Exception):
    """An answer of 400 or more. `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:500]}")
        self.status = status


class KubeApi:
    """Requests with one user's token."""

    def __init__(self, port: int, certificate: Path, token: str) -> None:
        self._port = port
        self._certificate = certificate
        self._token = token
        self._mine = threading.local()

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def create(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("POST", path, body)

    def patch(self, path: str, body: dict[str, Any], *, content_type: str = MERGE_PATCH) -> Any:
        return self.request("PATCH", path, body, content_type=content_type)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        timeout_s: float = 30,
    ) -> Any:
        """The decoded answer; plain text where the server sends no JSON. Raises RefusedByApiError, OSError."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        connection = self._connection(timeout_s)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        if answer.status >= 400:
            raise RefusedByApiError(answer.status, text)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = _TlsConnection(self._port, self._certificate)
            self._mine.connection = connection
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        assert isinstance(connection, http.client.HTTPConnection)
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()


class _TlsConnection(http.client.HTTPConnection):
    """Goes to loopback, and checks the certificate under the name that the server put into it."""

    def __del__(self) -> None:
        """A thread's connection ends with the thread."""
        self.close()

    def __init__(self, port: int, certificate: Path) -> None:
        super().__init__("127.0.0.1", port)
        self._certificate = certificate

    def connect(self) -> None:
        context = ssl.create_default_context(cafile=str(self._certificate))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = context.wrap_socket(plain, server_hostname=SERVER_NAME)
