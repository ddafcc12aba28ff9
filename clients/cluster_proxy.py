"""The way through the API server to what runs behind it, as the clients that only read over it see it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from domain.sanitise import sanitise


class ProxyAnswer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes:
        """At most `limit_bytes` of it."""
        ...

    @property
    def latency_ms(self) -> float: ...


class ClusterProxy(Protocol):
    """What `clients.kubernetes.cluster.Cluster` offers: one gate and one set of credentials for every request."""

    async def proxy_get(self, path: str, *, timeout_s: float = 5, limit_bytes: int = 65536) -> ProxyAnswer:
        """GET `path` (`/api/v1/namespaces/N/pods/…/proxy/…`); raises OutsideError where the API server gives no answer."""
        ...


class _Status(msgspec.Struct):
    kind: str = ""
    apiVersion: str = ""  # noqa: N815
    status: str = ""
    message: str = ""


def own_words(status: int, body: bytes) -> str:
    """The API server's own message where it answered in place of what stands behind it ("error trying to reach service:
    … connection refused"), sanitised; "" where the answer came from behind."""
    if status < 400 or not body.lstrip().startswith(b"{"):
        return ""
    try:
        said = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    is_ours = said.kind == "Status" and said.apiVersion == "v1" and said.status == "Failure"
    return sanitise(said.message or "no reason given", 300) if is_ours else ""
