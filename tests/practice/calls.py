"""Plain HTTP against an API server: every test sees status, headers and body as they came."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one server as the owner of one token. `context` None is plain HTTP; `name` is the one in the certificate."""

    port: int
    token: str
    context: ssl.SSLContext | None = None
    name: str = "kubernetes"

    def with_token(self, token: str) -> Caller:
        return Caller(self.port, token, self.context, self.name)

    def get(self, path: str, *, accept: str = "application/json", **query: str) -> Answer:
        return self.call("GET", path, accept=accept, **query)

    def post(self, path: str, body: Any, **query: str) -> Answer:
        return self.call("POST", path, body, **query)

    def put(self, path: str, body: Any, **query: str) -> Answer:
        return self.call("PUT", path, body, **query)

    def delete(self, path: str, body: Any = None, **query: str) -> Answer:
        return self.call("DELETE", path, body, **query)

    def patch(self, path: str, body: Any, kind: str = "merge-patch", **query: str) -> Answer:
        return self.call("PATCH", path, body, content_type=f"application/{kind}+json", **query)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str = "application/json",
        content_type: str = "application/json",
        **query: str,
    ) -> Answer:
        with self._asked(method, path, body, accept, content_type, query) as answer:
            text = answer.read().decode()
            return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, text)

    def watch(self, path: str, *, accept: str = "application/json", seconds: int = 1, **query: str) -> list[dict[str, Any]]:
        """The events that came in `seconds`."""
        query = {"watch": "1", "timeoutSeconds": str(seconds), **query}
        with self._asked("GET", path, None, accept, "", query) as answer:
            return [json.loads(line) for line in answer]

    def lines(self, path: str, **query: str) -> Iterator[bytes]:
        """Line by line, for as long as the server sends."""
        with self._asked("GET", path, None, "*/*", "", query) as answer:
            yield from answer

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Any, accept: str, content_type: str, query: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        connection.connect()
        if self.context is not None:
            connection.sock = self.context.wrap_socket(connection.sock, server_hostname=self.name)
        headers = {"Accept": accept, "User-Agent": "contract/1"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = content_type
        where = f"{path}?{urlencode(query)}" if query else path
        try:
            connection.request(method, where, None if body is None else json.dumps(body), headers)
            yield connection.getresponse()
        finally:
            connection.close()
