"""What an operation on a release asks of Helm: its storage is read by ourselves, changes are made by the real program."""

from __future__ import annotations

from typing import Protocol

from domain.helm import HelmVersion, Release, ReleaseContent
from domain.operation_ports import CommandResult


class Helm(Protocol):
    async def read(self, namespace: str, release: str) -> Release:
        """With every revision's chart and description. NotFoundError: there is no such release."""
        ...

    async def content(self, namespace: str, release: str, number: int) -> ReleaseContent: ...

    async def version(self) -> HelmVersion:
        """NotFoundError: there is no helm on this host."""
        ...

    async def rollback(
        self,
        namespace: str,
        release: str,
        number: int,
        *,
        operation: str = "",
        timeout_s: float = 300.0,
        history_max: int = 10,
        is_dry_run: bool = False,
    ) -> CommandResult:
        """Waits until helm ends. Its own time limit is `timeout_s`; an `exit_code` of None: it has not ended well after
        that, and was left alone. Whoever stops waiting does not stop it. RefusedError where read-only."""
        ...

    def is_running(self, operation: str) -> bool | None:
        """Whether the helm that was started for it on this host is alive; None: none was started here."""
        ...
