"""Through which proxy, if any, an API server is reached: the kubeconfig's `proxy-url`, else what the environment says."""

from __future__ import annotations

import ipaddress
import os
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clients.kubernetes.access import ClusterAccess

if TYPE_CHECKING:
    import aiohttp

    from clients.kubernetes.sockets import Sockets


@dataclass(frozen=True, slots=True)
class Proxy:
    url: str = field(repr=False)

    @property
    def is_socks(self) -> bool:
        return self.url.startswith("socks5")


def proxy_for(access: ClusterAccess, environ: Mapping[str, str] | None = None) -> Proxy | None:
    environ = os.environ if environ is None else environ
    if access.proxy_url:
        return Proxy(access.proxy_url)
    scheme = "https" if access.is_tls else "http"
    url = environ.get(f"{scheme.upper()}_PROXY") or environ.get(f"{scheme}_proxy") or ""
    if not url or _is_exempt(access, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    return Proxy(url if "://" in url else f"http://{url}")


def _is_exempt(access: ClusterAccess, no_proxy: str) -> bool:
    """golang.org/x/net/http/httpproxy: loopback never goes through a proxy; names match with their subdomains."""
    host = access.host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = urllib.parse.urlsplit(access.server).port or (443 if access.is_tls else 80)
    return any(_matches(entry.strip().lower(), host, address, port) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and _address(entry) is None:
        if int(number) != port:
            return False
        entry = name.strip("[]")
    if address is not None:
        return _address(entry) == address
    bare = entry.removeprefix("*").removeprefix(".")
    return host.endswith(f".{bare}") or (host == bare and not entry.startswith((".", "*")))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def connector(
    access: ClusterAccess, context: ssl.SSLContext | None, sockets: Sockets, *, is_kept: bool = True
) -> aiohttp.BaseConnector:
    """Without a limit of connections: every watch needs its own for as long as it lives. Not `is_kept`: a new connection
    for each request."""
    import aiohttp

    options: dict[str, Any] = {"limit": 0, "ttl_dns_cache": 30, "force_close": not is_kept}
    if context is not None:
        options["ssl"] = context
    proxy = proxy_for(access)
    if proxy is None or not proxy.is_socks:
        return aiohttp.TCPConnector(socket_factory=sockets.open, **options)
    from clients.kubernetes.socks import SocksConnector

    return SocksConnector.towards(proxy.url, access.tls_server_name, **options)
