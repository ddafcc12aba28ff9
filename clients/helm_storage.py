"""Reads Helm's releases where Helm keeps them: Secrets labelled by it in the release's own namespace."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from clients.helm_release import StoredRelease
from domain.errors import ConfigError, NotFoundError
from domain.helm import Release, ReleaseContent, ReleaseRevision, ReleaseStatus
from domain.operation_ports import ClusterObject
from domain.sanitise import sanitise

_PREFIX = "sh.helm.release.v1."
_AT_ONCE = 8


class SecretReader(Protocol):
    """`clients.kubernetes.writing.Writer` is one."""

    async def list(self, kind: str, namespace: str, *, label_selector: str = "") -> tuple[ClusterObject, ...]: ...
    async def read_secret_data(self, namespace: str, name: str, key: str, *, limit_bytes: int = ...) -> bytes: ...


class HelmStorage:
    """Everything raises OutsideError; ConfigError where Helm is told to keep its releases elsewhere ($HELM_DRIVER)."""

    def __init__(self, cluster: SecretReader, *, environ: Mapping[str, str] | None = None) -> None:
        self._cluster = cluster
        self._driver = (os.environ if environ is None else environ).get("HELM_DRIVER", "").lower()
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def releases(self, namespace: str) -> tuple[Release, ...]:
        """By name; `namespace` "" is all. By labels alone, so that no value leaves the server, but for the newest revision
        of each, which says its chart."""
        found = await self._labelled(namespace, "owner=helm")
        return tuple(await asyncio.gather(*(self._with_newest(release) for release in found)))

    async def read(self, namespace: str, release: str) -> Release:
        """NotFoundError: there is no such release. Every revision with its chart and description."""
        found = await self._found(namespace, release)
        revisions = await asyncio.gather(*(self._whole(found, revision) for revision in found.revisions))
        # Helm prunes while we read.
        there = tuple(r for r in revisions if r is not None)
        if not there:
            raise _no_release(namespace, release)
        return Release(found.namespace, found.name, there)

    async def content(self, namespace: str, release: str, number: int) -> ReleaseContent:
        """NotFoundError: there is no such revision."""
        return (await self._stored(namespace, release, number)).content(namespace)

    async def _found(self, namespace: str, release: str) -> Release:
        for found in await self._labelled(namespace, f"owner=helm,name={release}"):
            return found
        raise _no_release(namespace, release)

    async def _labelled(self, namespace: str, selector: str) -> tuple[Release, ...]:
        if self._driver not in ("", "secret", "secrets"):
            raise ConfigError(
                f"HELM_DRIVER={sanitise(self._driver, 40)}: these releases are not kept in Secrets.",
                "Quarterdeck reads Secrets only, which is what Helm writes unless it is told otherwise.",
            )
        revisions: dict[tuple[str, str], list[ReleaseRevision]] = defaultdict(list)
        for secret in await self._cluster.list("Secret", namespace, label_selector=selector):
            metadata = secret.body["metadata"]
            labels = metadata.get("labels") or {}
            number, name = _int(labels.get("version")), sanitise(str(labels.get("name") or ""), 253)
            if metadata["name"] == f"{_PREFIX}{name}.v{number}":
                status = ReleaseStatus.of(str(labels.get("status")))
                changed = _int(labels.get("modifiedAt")) or _int(labels.get("createdAt"))
                revision = ReleaseRevision(number, status, float(changed) if changed else None)
                revisions[str(metadata.get("namespace") or namespace), name].append(revision)
        return tuple(
            Release(place, name, tuple(sorted(found, key=lambda r: r.number, reverse=True)))
            for (place, name), found in sorted(revisions.items())
        )

    async def _with_newest(self, release: Release) -> Release:
        newest = await self._whole(release, release.newest)
        return Release(release.namespace, release.name, (newest or release.newest, *release.revisions[1:]))

    async def _whole(self, release: Release, revision: ReleaseRevision) -> ReleaseRevision | None:
        try:
            stored = await self._stored(release.namespace, release.name, revision.number, revision.changed_at)
        except NotFoundError:
            return None
        return stored.revision

    async def _stored(self, namespace: str, release: str, number: int, changed_at: float | None = None) -> StoredRelease:
        async with self._gate:
            data = await self._cluster.read_secret_data(namespace, f"{_PREFIX}{release}.v{number}", "release")
        return StoredRelease(data, changed_at=changed_at)


def _int(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 13 else 0


def _no_release(namespace: str, release: str) -> NotFoundError:
    where = f"in {namespace}" if namespace else "in any namespace"
    hint = "`quarterdeck helm list` shows those there are; -n names another namespace."
    return NotFoundError(f"There is no release {sanitise(release, 80)!r} {where}", hint, system="Helm")
