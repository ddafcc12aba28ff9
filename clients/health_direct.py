"""GETs a configured URL from this host: bounded in time and bytes, and never an address that is none of its business."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from typing import NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import httpx

from domain.errors import ConfigError, UnreachableError
from domain.sanitise import sanitise

_SYSTEM = "health endpoint"
_MOST_REDIRECTS = 3
_METADATA = frozenset(
    {
        *(ipaddress.ip_address(a) for a in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")),
    }
)
_LOOPBACK_NAMES = frozenset({"localhost"})

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DirectClient:
    """One pool of connections. No proxy of the environment and no .netrc: nothing but the URL decides who is asked."""

    def __init__(self, allowed_hosts: frozenset[str], timeout_s: float, limit_bytes: int) -> None:
        self._allowed_hosts = allowed_hosts
        self._timeout_s = timeout_s
        self._limit_bytes = limit_bytes
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            headers={
                "accept": "application/json, */*;q=0.5",
                "accept-encoding": "identity",
                "user-agent": "quarterdeck",
            },
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> tuple[int, bytes, float]:
        """(status, at most `limit_bytes` of the body, milliseconds). Redirects within the host are followed, the others
        are the answer. Raises UnreachableError, or ConfigError for a URL that may not be asked."""
        began = time.monotonic()
        for _ in range(_MOST_REDIRECTS + 1):
            parts = _checked(url)
            status, headers, body = await self._once(parts)
            target = urljoin(url, headers.get("location", "")) if 300 <= status < 400 else ""
            if not target or not _is_same_host(parts, target):
                return status, body, (time.monotonic() - began) * 1000
            url = target
        raise UnreachableError("redirects in a circle", "Look at the endpoint with curl -L.", system=_SYSTEM)

    async def _once(self, parts: SplitResult) -> tuple[int, httpx.Headers, bytes]:
        host = parts.hostname or ""
        address = await self._address_of(host, parts.port or (443 if parts.scheme == "https" else 80))
        port = f":{parts.port}" if parts.port else ""
        # The connection goes to the address that was checked, whatever the name resolves to a moment later.
        pinned = urlunsplit((parts.scheme, _bracketed(str(address)) + port, parts.path or "/", parts.query, ""))
        request = self._client.build_request(
            "GET",
            pinned,
            headers={"host": _bracketed(host) + port},
            extensions={"sni_hostname": host},
        )
        auth = httpx.BasicAuth(parts.username, parts.password or "") if parts.username else None
        try:
            response = await self._client.send(request, stream=True, auth=auth)
            try:
                return response.status_code, response.headers, await self._body_of(response)
            finally:
                self._client.cookies.clear()
                await response.aclose()
        except httpx.HTTPError as error:
            hint = "Look at the endpoint with curl from this host."
            raise UnreachableError(_in_words(error), hint, system=_SYSTEM) from error

    async def _body_of(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_raw(8192):  # raw: nothing that was packed can grow here
            body += chunk
            if len(body) >= self._limit_bytes:
                break
        return bytes(body[: self._limit_bytes])

    async def _address_of(self, host: str, port: int) -> _Address:
        try:
            addresses = [_plain(ipaddress.ip_address(host))]
            is_literal = True
        except ValueError:
            addresses, is_literal = await _resolved(host, port), False
        if host in self._allowed_hosts:
            return addresses[0]
        may_be_loopback = is_literal or host in _LOOPBACK_NAMES
        welcome = [a for a in addresses if not _is_forbidden(a, may_be_loopback)]
        if not welcome:
            _refuse(host, addresses[0])
        return welcome[0]


async def _resolved(host: str, port: int) -> list[_Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        message = f"{sanitise(host, 100)} has no address"
        raise UnreachableError(message, "Look at the name and at this host's DNS.", system=_SYSTEM) from error
    addresses = [_plain(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found]
    return sorted(dict.fromkeys(addresses), key=lambda a: a.version)


def _plain(address: _Address) -> _Address:
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_forbidden(address: _Address, may_be_loopback: bool) -> bool:
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return True
    return address.is_loopback and not may_be_loopback


def _refuse(host: str, address: _Address) -> NoReturn:
    kind = "a cloud's metadata service" if address in _METADATA else "an address of this host or link only"
    raise ConfigError(
        f"{sanitise(host, 100)} is {address}, {kind}: not asked",
        "Correct the URL, or name the host in health.allowed_hosts.",
        key="health.allowed_hosts",
    )


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        problem = "the URL is not http:// or https:// with a host"
        raise ConfigError(problem, "Correct the URL of the health endpoint.", key="health")
    return parts


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_same_host(parts: SplitResult, target: str) -> bool:
    try:
        there = urlsplit(target)
        ports = {"http": 80, "https": 443}
        is_same_port = (there.port or ports.get(there.scheme)) == (parts.port or ports[parts.scheme])
    except ValueError:
        return False
    is_upgrade = (parts.scheme, there.scheme) == ("http", "https")
    return there.hostname == parts.hostname and (is_upgrade or (there.scheme == parts.scheme and is_same_port))


def _in_words(error: httpx.HTTPError) -> str:
    text = sanitise(str(error), 200)
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in text.upper():
        return f"its certificate is not accepted: {text}"
    if isinstance(error, httpx.ConnectError):
        return "connection refused" if "refused" in text.lower() or "All connection attempts failed" in text else text
    return text or type(error).__name__
