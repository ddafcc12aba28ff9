"""The two ways that prometheus-api-client's requests may go: straight to a URL, or through the cluster's own client."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
from prometheus_api_client.prometheus_connect import PrometheusConnect
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from clients.cluster_proxy import ClusterProxy, own_words
from clients.prometheus import QueryError
from domain.errors import (
    ForbiddenError,
    NotFoundError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.sanitise import sanitise

SYSTEM = "Prometheus"
_CLUSTER = "http://through-the-cluster"
_MOST_REDIRECTS = 3


class ReadingSession(requests.Session):
    """Only GET; no redirect to another host; any status but 200 is an error with Prometheus' own words in it."""

    def __init__(self, timeout_s: float, limit_bytes: int) -> None:
        super().__init__()
        self.timeout_s = timeout_s
        self.limit_bytes = limit_bytes
        # Without this, requests looks for a password in .netrc.
        self.auth = _nobody

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        if method != "GET":
            raise OutsideError(f"{method!r} is not sent to Prometheus", "Metrics are only ever read.", system=SYSTEM)
        until = time.monotonic() + self.timeout_s
        kwargs |= {"timeout": self.timeout_s, "stream": True, "allow_redirects": False}
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                response = super().request(method, url, *args, **kwargs)
                with response:
                    _read_bounded(response, self.limit_bytes, until)
            except (requests.RequestException, OSError, HTTPError) as error:
                raise _translated(error, self.timeout_s) from error
            if response.status_code == 200:
                return response
            target = self.get_redirect_target(response)
            if target is None:
                raise _refused(response)
            url = _within_host(target, response.url)
            kwargs["params"] = None
        raise OutsideError("Prometheus redirects in a circle", "Look at prometheus.url.", system=SYSTEM)


def _within_host(target: str, here: str) -> str:
    url = urljoin(here, target)
    if urlsplit(url).netloc != urlsplit(here).netloc:
        host = sanitise(urlsplit(url).hostname or "?", 100)
        message = f"Prometheus sends us to another host, {host}: not followed"
        raise OutsideError(message, "Set prometheus.url to the address that answers itself.", system=SYSTEM)
    return url


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read_bounded(response: requests.Response, limit_bytes: int, until: float) -> None:
    """Takes the body in, so that `response.json()` works on it and never on more."""
    body = bytearray()
    while chunk := response.raw.read1(16384, decode_content=True):  # read() would wait for all of them
        body += chunk
        if len(body) > limit_bytes:
            raise too_large(limit_bytes)
        if time.monotonic() > until:
            raise requests.Timeout
    response._content = bytes(body)


def too_large(limit_bytes: int) -> QueryError:
    size = f"{limit_bytes // 2**20} MiB" if limit_bytes >= 2**20 else f"{limit_bytes // 1024} KiB"
    return QueryError(f"the answer is larger than {size}", "Let the query add up: sum(…) or max(…).", system=SYSTEM)


def _translated(error: Exception, timeout_s: float) -> OutsideError:
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return UnreachableError(
            f"Prometheus gave no answer within {timeout_s:g} s",
            "It is overloaded or the query is heavy: look at its own status page.",
            system=SYSTEM,
        )
    if isinstance(error, requests.exceptions.SSLError):
        return UnreachableError(
            f"Prometheus' certificate is not accepted: {sanitise(str(error), 200)}",
            "Name the authority that signed it in REQUESTS_CA_BUNDLE.",
            system=SYSTEM,
        )
    reason = "connection refused" if "refused" in str(error) else sanitise(_innermost(error), 200)
    message = f"Prometheus cannot be reached: {reason}"
    return UnreachableError(message, "Look at prometheus.url and the network.", system=SYSTEM)


def _innermost(error: BaseException) -> str:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return str(error) or type(error).__name__


class _Refusal(msgspec.Struct):
    errorType: str = ""  # noqa: N815
    error: str = ""


def _refused(response: requests.Response) -> OutsideError:
    status = response.status_code
    if status == 401:
        hint = "Give prometheus.url a user and password, or ask through the cluster with prometheus.service."
        return UnauthorizedError("Prometheus does not accept who we are (401)", hint, system=SYSTEM)
    if status == 403:
        return ForbiddenError("Prometheus refuses us (403)", "Ask for the right to query it.", system=SYSTEM)
    if status == 429:
        return RateLimitedError("Prometheus is asked too often (429)", "It is asked again in a while.", system=SYSTEM)
    if 300 <= status < 400:
        hint = "A login page may stand before it: name Prometheus itself in prometheus.url or prometheus.service."
        return OutsideError(f"Prometheus sends us elsewhere ({status})", hint, system=SYSTEM)
    try:
        told = msgspec.json.decode(response.content, type=_Refusal)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        told = _Refusal()
    if told.error:
        return QueryError(sanitise(told.error, 300), "Correct the query in the configuration.", system=SYSTEM)
    if status == 404:
        return NotFoundError("there is no Prometheus API at this address (404)", "Look at prometheus.url.", system=SYSTEM)
    return OutsideError(f"Prometheus answers {status}", "Look at Prometheus, or at what stands before it.", system=SYSTEM)


def direct(url: str, timeout_s: float, limit_bytes: int, ca_file: str) -> PrometheusConnect:
    """Straight to `url`, with the user and password that stand in it."""
    session = ReadingSession(timeout_s, limit_bytes)
    if ca_file:
        session.verify = ca_file
    parts = urlsplit(url)
    if parts.username:
        session.auth = (parts.username, parts.password or "")
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return _connected(session, url.rstrip("/"), HTTPAdapter(max_retries=0))


def through(
    cluster: ClusterProxy, loop: asyncio.AbstractEventLoop, path: str, timeout_s: float, limit_bytes: int
) -> PrometheusConnect:
    """Behind a Service's proxy `path`; requests leave through `cluster`, on `loop`."""
    session = ReadingSession(timeout_s, limit_bytes)
    session.trust_env = False
    return _connected(session, _CLUSTER + path.rstrip("/"), ClusterAdapter(cluster, loop, timeout_s, limit_bytes))


def _connected(session: ReadingSession, url: str, adapter: BaseAdapter) -> PrometheusConnect:
    connected = PrometheusConnect(url, session=session)
    session.mount(url, adapter)  # in the place of the one that PrometheusConnect mounts, which retries on its own
    return connected


class ClusterAdapter(BaseAdapter):
    """Hands a request of this thread to the cluster's client on its event loop: one gate, one set of credentials."""

    def __init__(self, cluster: ClusterProxy, loop: asyncio.AbstractEventLoop, timeout_s: float, limit_bytes: int) -> None:
        super().__init__()
        self._cluster = cluster
        self._loop = loop
        self._timeout_s = timeout_s
        self._limit_bytes = limit_bytes

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = self._cluster.proxy_get(request.path_url, timeout_s=self._timeout_s, limit_bytes=self._limit_bytes + 1)
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            answer = future.result(self._timeout_s + 1)
        except TimeoutError as error:
            future.cancel()
            raise requests.Timeout from error
        if said := own_words(answer.status, answer.body):
            raise _refused_by_api_server(answer.status, said)
        if len(answer.body) > self._limit_bytes:
            raise too_large(self._limit_bytes)
        response = requests.Response()
        response.status_code = answer.status
        response.url = request.url or ""
        response.request = request
        response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False)
        return response

    def close(self) -> None:
        pass


def _refused_by_api_server(status: int, said: str) -> OutsideError:
    if status == 403:
        return ForbiddenError(
            said, 'Ask for the right to "get" "services/proxy".', system=SYSTEM, verb="get", resource="services/proxy"
        )
    if status == 404:
        return NotFoundError(said, "Look at prometheus.service, or set prometheus.url.", system=SYSTEM)
    return UnreachableError(said, "Look at Prometheus' pods.", system=SYSTEM)
