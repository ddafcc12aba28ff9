"""The secrets of this user, from where the configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.places import state_folder

if TYPE_CHECKING:
    from app.config import Config
    from clients.secrets import Secrets


def secrets_of(config: Config) -> Secrets:
    from clients.secrets import Secrets

    return Secrets(
        state_folder(create=False),
        command=config.secret_command,
        keyring=config.secret_keyring,
        file=config.secret_file,
    )
