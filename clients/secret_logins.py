"""Who we are to a registry: the secret registry/HOST where there is one, else what `docker login` has left."""

from __future__ import annotations

from clients.registry_logins import Login, Logins, docker_login
from clients.secrets import Secrets
from domain.errors import ConfigError


def registry_logins(secrets: Secrets, otherwise: Logins = docker_login) -> Logins:
    """The secret is USER:PASSWORD, or a token without a colon. OutsideError where it cannot be asked for."""

    async def login(host: str) -> Login | None:
        try:
            found = await secrets.find(f"registry/{host.lower()}")
        except ConfigError:
            found = None  # an address that no secret can be named after
        if found is None:
            return await otherwise(host)
        user, colon, password = found.secret.reveal().partition(":")
        return Login(user, password) if colon else Login(identity_token=user)

    return login
