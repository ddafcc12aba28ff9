"""What it means when no answer came: aiohttp's, TLS's, proxies' and the system's exceptions as domain errors."""

from __future__ import annotations

import ssl
import urllib.parse

import aiohttp

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.tls import certificate_trouble
from domain.errors import OutsideError, UnreachableError
from domain.sanitise import sanitise

BREAKDOWNS = (aiohttp.ClientError, OSError)
"""Everything that a request may raise; TLS errors and time limits are OSErrors."""


class SocksError(aiohttp.ClientConnectionError):
    """A SOCKS proxy that cannot be reached or refuses to connect."""


def breakdown(error: BaseException, access: ClusterAccess, doing: str) -> OutsideError:
    """`doing` is what was under way, in a few words ("list pods")."""
    server = sanitise(access.server, 200)
    tls_error = _tls_error(error)
    if isinstance(tls_error, ssl.SSLCertVerificationError):
        return UnreachableError(*certificate_trouble(tls_error, access))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return UnreachableError(
            f"The name {sanitise(error.host, 200)!r} is not known (DNS)",
            "Check the cluster's `server` in the kubeconfig, VPN and DNS of this host.",
        )
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError | SocksError):
        return proxy_breakdown(error, access)
    if tls_error is not None:
        return UnreachableError(
            f"No TLS with {server}: {_tls_words(tls_error)}",
            "Check that the `server` in the kubeconfig is the API's https address and that no proxy changes it.",
        )
    if isinstance(error, TimeoutError):
        return UnreachableError(
            f"{server} does not answer ({doing})", "It may be overloaded or frozen, or a firewall drops the packets."
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error, server)
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | aiohttp.ClientPayloadError | OSError):
        return UnreachableError(
            f"The connection to {server} was cut ({doing})", "The API server may be restarting; it is tried again."
        )
    return UnreachableError(
        f"{server} does not answer as an API server does ({doing}: {type(error).__name__})",
        "Check the cluster's `server` in the kubeconfig: host, port and https.",
    )


def proxy_breakdown(error: BaseException, access: ClusterAccess) -> UnreachableError:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        why = f"it answers {error.status}"
    elif isinstance(error, SocksError):
        why = sanitise(str(error), 120)
    else:
        why = "it cannot be reached"
    proxy = urllib.parse.urlsplit(access.proxy_url)
    name = f"{proxy.scheme}://{proxy.hostname}:{proxy.port}" if proxy.hostname else "from the environment"
    return UnreachableError(
        f"The proxy {sanitise(name, 200)} does not let us through: {why}",
        "Check `proxy-url` in the kubeconfig or HTTPS_PROXY, and that the tunnel or bastion behind it is up.",
    )


def _not_connected(error: aiohttp.ClientConnectorError, server: str) -> UnreachableError:
    cause = error.os_error
    if isinstance(cause, ConnectionRefusedError):
        return UnreachableError(
            f"{server} refuses connections", "The API server is not running there, or the port is wrong."
        )
    if isinstance(cause, ConnectionResetError):
        return UnreachableError(
            f"{server} cuts new connections off", "It may be restarting, or a proxy or an old TLS stands in the way."
        )
    reason = sanitise(cause.strerror or type(cause).__name__, 100)
    return UnreachableError(f"{server} cannot be reached: {reason}", "Check VPN, route and firewall of this host.")


def _tls_words(error: ssl.SSLError) -> str:
    return sanitise((error.reason or type(error).__name__).replace("_", " ").lower(), 100)


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """TLS's own error, which aiohttp keeps in other places for a direct connection and for a proxied one."""
    for found in (getattr(error, "certificate_error", None), getattr(error, "os_error", None), error.__cause__, error):
        # aiohttp's own certificate errors are SSLErrors by name only.
        if isinstance(found, ssl.SSLError) and not isinstance(found, aiohttp.ClientError):
            return found
    return None


def is_tls_failure(error: BaseException) -> bool:
    return _tls_error(error) is not None
