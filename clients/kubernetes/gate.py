"""The one place that every request passes before it leaves: what read-only forbids is decided here, not by callers."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from urllib.parse import unquote

from domain.errors import RefusedError

_READING = frozenset({"GET", "HEAD"})
_REVIEWS = re.compile(
    r"/apis/authorization\.k8s\.io/v1/selfsubject(access|rules)reviews|/apis/authentication\.k8s\.io/v1/selfsubjectreviews"
)
"""They are asked by POST, and store nothing: "may I?", "who am I?"."""
_REACHING_IN = frozenset({"exec", "attach", "portforward"})


class Kind(StrEnum):
    """What a request is for, so that a benchmark can count streams apart from the rest."""

    LIST = "list"
    WATCH = "watch"
    POLL = "poll"
    PROBE = "probe"
    LOG = "log"
    SHELL = "shell"
    WRITE = "write"
    OTHER = "other"


class Counters:
    """Requests sent and refused by this process, by kind; `watching` is what idle watching costs the API server."""

    def __init__(self) -> None:
        self.sent: Counter[Kind] = Counter()
        self.refused = 0
        self.bytes_read = 0

    @property
    def watching(self) -> int:
        return self.sent[Kind.LIST] + self.sent[Kind.WATCH] + self.sent[Kind.POLL]


class ReadOnlyGate:
    """Passes everything, or with `is_read_only` only what cannot change the cluster or reach into a container.

    Read-only is: GET and HEAD, and the POSTs of `_REVIEWS`. A websocket is a GET, so exec, attach, port-forward and every
    upgrade are refused by name; of proxies only pods' and services' with GET or HEAD (a node's proxy is its kubelet, whose
    own exec is a GET as well).
    """

    def __init__(self, is_read_only: bool = False, reason: str = "", counters: Counters | None = None) -> None:
        self.is_read_only = is_read_only
        self.reason = reason
        self.counters = counters or Counters()

    def pass_request(self, method: str, path: str, kind: Kind, *, is_upgrade: bool = False) -> None:
        """`path` is absolute, without the server's prefix and without query. RefusedError: nothing was sent."""
        if self.is_read_only and (what := _forbidden(method, path, is_upgrade)):
            self.counters.refused += 1
            because = f" ({self.reason})" if self.reason else ""
            raise RefusedError(
                f"Read-only{because}: {what} is not sent",
                "Start without --readonly, in an environment that is not read-only, to do this.",
            )
        self.counters.sent[kind] += 1


def _forbidden(method: str, path: str, is_upgrade: bool) -> str:
    """What is wrong with the request, or ""."""
    segments = unquote(path).split("/")[1:]
    if is_upgrade:
        return "opening a session inside a container"
    if not path.startswith("/") or "%" in unquote(path) or {"", ".", ".."} & set(segments[:-1]):
        return f"{method} to an ambiguous path"
    if method == "POST" and _REVIEWS.fullmatch(path):
        return ""
    if method not in _READING:
        return f"{method} {path}"
    # /api/V/… or /apis/GROUP/V/…, then perhaps namespaces/N, then RESOURCE/NAME/SUBRESOURCE/…
    rest = segments[2:] if segments[0] == "api" else segments[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 3:
        rest = rest[2:]
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource in _REACHING_IN:
        return f"{subresource} in a container"
    if subresource == "proxy" and rest[0] not in ("pods", "services"):
        return f"the proxy of {rest[0]}"
    return ""
