"""Keeps the lock of an operation while it runs, and knows when it is not certain any more that it is held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from actions.stopping import LockLostError
from domain.errors import ConflictError, NotFoundError, OutsideError, UnreachableError
from domain.operation_ports import Leases, LeaseState


class LeaseKeeper:
    """Renews every third of the lease's duration. `after_renewal` is awaited after each; it deals with its own failures.

    Time is the event loop's: neither this host's clock nor the server's being wrong changes anything.
    """

    def __init__(
        self, leases: Leases, lease: LeaseState, namespace: str, after_renewal: Callable[[], Awaitable[None]]
    ) -> None:
        self.lease = lease
        self.lost = ""
        """Who has it now, in a sentence; "" while it is ours."""
        self.is_lost = asyncio.Event()
        self._leases = leases
        self._namespace = namespace
        self._after_renewal = after_renewal
        self._renewed_at = asyncio.get_running_loop().time()
        self._renewing = asyncio.Lock()
        self._task = asyncio.create_task(self._keep())

    @property
    def is_certain(self) -> bool:
        age_s = asyncio.get_running_loop().time() - self._renewed_at
        return not self.lost and age_s < self.lease.duration_s

    async def make_certain(self) -> None:
        """Returns when the lock is ours beyond doubt. LockLostError: it is not. UnreachableError: nobody can say now."""
        if not self.is_certain and not self.lost:
            try:
                await self._renew()
            except OutsideError as error:
                raise UnreachableError(f"the lock could not be renewed: {error.message}", error.hint) from error
        if self.lost:
            raise LockLostError(self.lost)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while not self.lost:
            await asyncio.sleep(self.lease.duration_s / 3)
            try:
                async with asyncio.timeout(self.lease.duration_s):
                    await self._renew()
                    if not self.lost:
                        await self._after_renewal()
            except (OutsideError, TimeoutError):
                continue

    async def _renew(self) -> None:
        async with self._renewing:
            asked_at = asyncio.get_running_loop().time()
            try:
                self.lease = await self._leases.renew(self.lease, self._namespace)
            except (ConflictError, NotFoundError):
                # Our own renewal, whose answer was lost, also makes the version we know an old one.
                found = await self._leases.read(self._namespace, self.lease.name)
                if found is None or found.holder != self.lease.holder:
                    self._lose(found)
                    return
                self.lease = found
            self._renewed_at = asked_at

    def _lose(self, found: LeaseState | None) -> None:
        holder = found.holder.partition("/")[0] if found is not None else ""
        self.lost = f"{holder} has taken the lock over" if holder else "somebody has removed the lock"
        self.is_lost.set()
