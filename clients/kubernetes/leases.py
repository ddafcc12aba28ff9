"""Locks seen by everybody: `coordination.k8s.io` Leases, which expire by what this process sees and by no host's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clients.kubernetes.refused_patch import OPERATION
from clients.kubernetes.writing import Writer
from domain.errors import ConflictError, NotFoundError
from domain.operation_ports import ClusterObject, LeaseState
from domain.sanitise import sanitise

MANAGED_BY = {"app.kubernetes.io/managed-by": "quarterdeck"}
_LONGEST_WRITE_S = 10.0
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Sight:
    """A lease's state, and when this process had first read it (its own monotonic clock)."""

    state: tuple[object, ...]
    since_s: float


class ClusterLeases:
    """Implements `domain.operation_ports.Leases`. One for a process: it remembers since when each lease is unchanged.

    The rule is client-go's (tools/leaderelection): a lease has expired when whoever wants it has seen the same holder and
    renewTime for the whole of its duration. The times in a lease are for people; only whether they change counts.
    """

    def __init__(
        self, writer: Writer, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock`: seconds since the epoch, for the times that people read."""
        self._writer = writer
        self._clock = clock
        self._monotonic = monotonic
        self._sights: dict[tuple[str, str], _Sight] = {}
        self._bodies: dict[tuple[str, str], dict[str, Any]] = {}

    async def read(self, namespace: str, name: str) -> LeaseState | None:
        """None where there is none."""
        began_s = self._monotonic()
        try:
            found = await self._writer.read("Lease", namespace, name)
        except NotFoundError:
            self._sights.pop((namespace, name), None)
            self._bodies.pop((namespace, name), None)
            return None
        return self._seen(namespace, found, began_s)

    async def acquire(
        self, namespace: str, name: str, holder: str, duration_s: int, annotations: Mapping[str, str]
    ) -> LeaseState:
        """Ours is a lease with our `holder` and, where `annotations` name an operation, of that operation: so one person's
        two operations exclude each other. ConflictError names who holds it, and is also raised where others were quicker.
        """
        for _ in range(_ATTEMPTS):
            found = await self.read(namespace, name)
            if found is not None and found.is_held and not _is_ours(found, holder, annotations) and not _is_over(found):
                raise _held(found)
            try:
                return await self._taken(namespace, name, found, holder, duration_s, annotations)
            except (ConflictError, NotFoundError):
                # Somebody has changed, made or deleted it since it was read, and ours was refused: look who.
                continue
        raise ConflictError(
            f"The lock {sanitise(name, 80)} changes hands all the time", "Look at who is at work, then try again."
        )

    async def _taken(
        self,
        namespace: str,
        name: str,
        found: LeaseState | None,
        holder: str,
        duration_s: int,
        annotations: Mapping[str, str],
    ) -> LeaseState:
        now = micro_time(self._clock(), found.renew_time if found else "")
        spec = {"holderIdentity": holder, "leaseDurationSeconds": duration_s, "acquireTime": now, "renewTime": now}
        if found is None:
            meta = {"namespace": namespace, "name": name, "labels": MANAGED_BY, "annotations": dict(annotations)}
            began_s = self._monotonic()
            made = await self._writer.create(_lease(meta, {**spec, "leaseTransitions": 0}))
            return self._seen(namespace, made, began_s)
        is_ours = _is_ours(found, holder, annotations)
        spec["leaseTransitions"] = found.transitions + (not is_ours)
        body = self._bodies[namespace, name]
        if is_ours:
            spec["acquireTime"] = body["spec"].get("acquireTime") or now
        meta = {**body["metadata"], "annotations": {**(body["metadata"].get("annotations") or {}), **annotations}}
        return await self._put(namespace, {**body, "metadata": meta, "spec": {**body["spec"], **spec}}, duration_s)

    async def renew(self, lease: LeaseState, namespace: str) -> LeaseState:
        """ConflictError says who has it now."""
        return await self._changed(lease, namespace, {})

    async def release(self, lease: LeaseState, namespace: str) -> None:
        """Leaves it behind without a holder. Where it is not ours any more there is nothing to do."""
        try:
            await self._changed(lease, namespace, {"holderIdentity": "", "leaseDurationSeconds": 1})
        except ConflictError:
            return

    async def _changed(self, lease: LeaseState, namespace: str, change: Mapping[str, object]) -> LeaseState:
        """Under the version that was read last; where only that has moved on and the lease is ours still, under the new
        one. An answer that was lost, or somebody's label, moves it on."""
        current = lease
        for _ in range(_ATTEMPTS):
            spec = {**change, "renewTime": micro_time(self._clock(), current.renew_time)}
            try:
                return await self._put(namespace, self._body_of(current, namespace, spec), current.duration_s)
            except (ConflictError, NotFoundError) as error:
                found = await self.read(namespace, lease.name)
                if found is None or not found.is_held:
                    raise ConflictError(
                        f"The lock {sanitise(lease.name, 80)} is not held any more", "Somebody has taken it away; look who."
                    ) from error
                if found.uid != lease.uid or not _is_ours(found, lease.holder, lease.annotations):
                    raise _held(found) from error
                current = found
        raise ConflictError(f"The lock {sanitise(lease.name, 80)} is changed all the time", "Look at who else changes it.")

    def _body_of(self, lease: LeaseState, namespace: str, spec: Mapping[str, object]) -> dict[str, Any]:
        body = self._bodies.get((namespace, lease.name))
        if body is None or body["metadata"]["resourceVersion"] != lease.resource_version:
            # Of another process's making (a runner that took over from a record): what LeaseState knows is all of it.
            meta = {
                "namespace": namespace,
                "name": lease.name,
                "uid": lease.uid,
                "resourceVersion": lease.resource_version,
                "labels": MANAGED_BY,
                "annotations": dict(lease.annotations),
            }
            known = {
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": lease.duration_s,
                "leaseTransitions": lease.transitions,
            }
            body = _lease(meta, known)
        return {**body, "spec": {**body["spec"], **spec}}

    async def _put(self, namespace: str, body: Mapping[str, Any], duration_s: int) -> LeaseState:
        # A renewal that takes longer than the lease lasts is of no use to anybody.
        began_s = self._monotonic()
        done = await self._writer.replace(body, timeout_s=max(1.0, min(_LONGEST_WRITE_S, duration_s / 2)))
        return self._seen(namespace, done, began_s)

    def _seen(self, namespace: str, found: ClusterObject, began_s: float) -> LeaseState:
        """`began_s`: when the request left; the answer is at least as new as that."""
        body: dict[str, Any] = dict(found.body)
        meta, spec = body["metadata"], body.get("spec") or {}
        key = (namespace, str(meta["name"]))
        self._bodies[key] = {**body, "spec": spec}
        state = (meta["uid"], spec.get("holderIdentity"), spec.get("renewTime"), spec.get("leaseDurationSeconds"))
        sight = self._sights.get(key)
        if sight is None or sight.state != state:
            sight = self._sights[key] = _Sight(state, self._monotonic())
        return LeaseState(
            name=key[1],
            holder=sanitise(str(spec.get("holderIdentity") or ""), 200),
            duration_s=int(spec.get("leaseDurationSeconds") or 0),
            renew_time=str(spec.get("renewTime") or ""),
            acquire_time=str(spec.get("acquireTime") or ""),
            transitions=int(spec.get("leaseTransitions") or 0),
            uid=str(meta["uid"]),
            resource_version=str(meta["resourceVersion"]),
            annotations={str(k): sanitise(str(v)) for k, v in found.annotations.items()},
            seen_unchanged_s=max(0.0, began_s - sight.since_s),
        )


def micro_time(at: float, old: str = "") -> str:
    """MicroTime, which the API takes only with six digits of fraction; never the same as `old`, for a change is what others
    look for."""
    stamp = datetime.fromtimestamp(at, UTC)
    text = f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond:06}Z"
    return micro_time(at + 1e-5) if text == old else text


def _lease(meta: Mapping[str, object], spec: Mapping[str, object]) -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": dict(meta), "spec": dict(spec)}


def _is_over(lease: LeaseState) -> bool:
    return 0 < lease.duration_s <= lease.seen_unchanged_s


def _is_ours(lease: LeaseState, holder: str, annotations: Mapping[str, str]) -> bool:
    operation = annotations.get(OPERATION)
    return lease.holder == holder and (operation is None or lease.annotations.get(OPERATION) == operation)


def _held(lease: LeaseState) -> ConflictError:
    operation = lease.annotations.get(OPERATION)
    which = f" (operation {operation})" if operation else ""
    return ConflictError(
        f"{lease.holder} holds the lock {sanitise(lease.name, 80)}{which}",
        f"Wait for it to end, or take it over once it has not been renewed for {lease.duration_s} s.",
    )
