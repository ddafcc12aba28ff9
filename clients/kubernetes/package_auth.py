"""What the kubernetes package serves well: OpenID Connect tokens and a pod's own service account, through its loaders.

Its import takes 0.2 s, so it happens when the first header is asked for, in the thread that waits for it.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clients.kubernetes.credentials import Credential, is_header_safe
from domain.errors import ConfigError, UnauthorizedError
from domain.sanitise import sanitise

_KEPT_S = 60.0
_TRY_AGAIN = "Log in again (`kubectl get pods` asks for it), or see the identity provider's own log."
_DEBIAN_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


class AuthProvider(Credential):
    """`users[].user.auth-provider`: oidc, which renews an expired id token with its refresh token."""

    is_instant = False

    def __init__(self, user: str, values: Mapping[str, Any], file: Path) -> None:
        super().__init__()
        self._who = f"user {sanitise(user)!r} (oidc)"
        self._file = file
        provider = values.get("auth-provider")
        name = provider.get("name") if isinstance(provider, dict) else None
        if not isinstance(provider, dict) or name != "oidc":
            raise ConfigError(
                f"{file}: user {sanitise(user)!r}: the auth-provider {sanitise(str(name), 40)} is no longer supported",
                "Use your cloud's credential plugin in its place (users[].user.exec).",
                file=str(file),
                key="auth-provider",
            )
        self._config: dict[str, Any] = dict(provider.get("config") or {})

    def _obtain(self) -> tuple[str, float]:
        from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader

        config = self._complete()
        name = "oidc"
        document = {
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": "https://127.0.0.1"}}],
            "users": [{"name": name, "user": {"auth-provider": {"name": "oidc", "config": config}}}],
        }
        loader: Any = KubeConfigLoader
        node: Any = ConfigNode
        header = _header_from(loader(node("kube-config", document)).load_and_set, self._who, str(self._file))
        left_s = _expiry(header) - time.time()
        if left_s <= 0:
            # The loader keeps the old token and says nothing where the provider refuses to renew it.
            raise UnauthorizedError(f"The token of {self._who} has expired and was not renewed", _TRY_AGAIN)
        # Tokens that were renewed take the place of the kubeconfig's for as long as this program runs.
        self._config = config
        return header, left_s

    def _complete(self) -> dict[str, Any]:
        """The configuration with what the loader needs and kubectl does not."""
        config = {"client-secret": "", **self._config}
        if authority := config.get("idp-certificate-authority"):
            config["idp-certificate-authority"] = str(self._file.parent / str(authority))
        elif not config.get("idp-certificate-authority-data"):
            # Without an authority it would send the refresh token to an identity provider that it has not verified.
            config["idp-certificate-authority"] = _system_authorities()
        return config


class InCluster(Credential):
    """The pod's service account; its token is rotated by the kubelet, so it is read again every minute."""

    is_instant = False

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._folder = folder
        self._environ = environ

    def _obtain(self) -> tuple[str, float]:
        from kubernetes.config.incluster_config import InClusterConfigLoader

        loader: Any = InClusterConfigLoader
        load = loader(
            token_filename=str(self._folder / "token"),
            cert_filename=str(self._folder / "ca.crt"),
            environ=self._environ,
        ).load_and_set
        return _header_from(load, "the pod's service account", str(self._folder)), _KEPT_S


def _header_from(load: Callable[[Any], None], who: str, place: str) -> str:
    """The header that a loader of the package leaves in a configuration; it may leave none and say nothing."""
    from kubernetes.client import Configuration
    from kubernetes.client.exceptions import OpenApiException
    from kubernetes.config.config_exception import ConfigException
    from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]
    from urllib3.exceptions import HTTPError

    configuration: Any = Configuration()
    # The text of these errors may quote a token: their kind has to do.
    try:
        load(configuration)
    except (OSError, HTTPError, OpenApiException, OAuth2Error) as error:
        words = type(error).__name__
        raise UnauthorizedError(f"The credential of {who} could not be renewed ({words})", _TRY_AGAIN) from error
    except (ConfigException, LookupError, TypeError, ValueError) as error:
        words = type(error).__name__
        raise ConfigError(
            f"The credential of {who} cannot be used ({words})", "Compare with `kubectl config view`.", file=place
        ) from error
    # OIDC leaves it under one name, the service account under the other.
    header = configuration.api_key.get("authorization") or configuration.api_key.get("BearerToken") or ""
    kind, _, token = header.partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token or not is_header_safe(token):
        raise UnauthorizedError(f"No token was found for {who}", _TRY_AGAIN)
    return f"Bearer {token}"


def _expiry(header: str) -> float:
    """When an id token (a JWT) ends, in seconds since the epoch; infinity where it does not say."""
    try:
        claims = header.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return float("inf")


def _system_authorities() -> str:
    found = ssl.get_default_verify_paths().cafile
    if found:
        return found
    if _DEBIAN_AUTHORITIES.is_file():
        return str(_DEBIAN_AUTHORITIES)
    import certifi

    return certifi.where()
