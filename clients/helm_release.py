"""What Helm has written into a release's Secret: gzip in base64 in base64, with a bound on what comes out of it."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from domain.errors import OutsideError
from domain.helm import ManifestObject, ReleaseContent, ReleaseRevision, ReleaseStatus, rolled_back_to
from domain.sanitise import sanitise

MOST_BYTES = 64 * 2**20
"""A Secret holds 1 MiB; charts of text come down to a twentieth of their size."""
_MOST_OBJECTS = 5000
_ALIAS = re.compile(r"(?:^|[\s,\[])\*[A-Za-z_]", re.MULTILINE)
_MOST_ALIASES = 20
"""Rendered charts have hardly any; with enough of them a small text has no end."""
_GZIP = b"\x1f\x8b\x08"
_ROLLBACK_HOOKS = frozenset({"pre-rollback", "post-rollback"})


class _Info(Struct):
    status: str = ""
    description: str = ""
    last_deployed: str = ""
    rollback_revision: int = 0
    """Of Helm 4."""


class _Metadata(Struct):
    name: str = ""
    version: str = ""
    app_version: str = field(default="", name="appVersion")


class _Chart(Struct):
    metadata: _Metadata | None = None


class _Hook(Struct):
    name: str = ""
    kind: str = ""
    events: list[str] | None = None


class _Stored(Struct):
    name: str = ""
    namespace: str = ""
    version: int = 0
    info: _Info = field(default_factory=_Info)
    chart: _Chart | None = None
    config: dict[str, Any] | None = None
    manifest: str = ""
    hooks: list[_Hook] | None = None


class StoredRelease:
    """One revision, decoded. Its values and manifest are never shown whole, logged or kept."""

    def __init__(self, data: bytes, *, changed_at: float | None = None) -> None:
        """`data` is what stands under the key `release`, once decoded from the Secret's own base64. OutsideError."""
        self._changed_at = changed_at
        try:
            self._stored = msgspec.json.decode(_unpacked(data), type=_Stored)
        except (binascii.Error, zlib.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Without the cause: its traceback would show what could not be read.
            raise _unreadable("it is not as Helm writes it") from None

    @property
    def revision(self) -> ReleaseRevision:
        stored, metadata = self._stored, (self._stored.chart and self._stored.chart.metadata) or _Metadata()
        description = sanitise(stored.info.description, 300)
        return ReleaseRevision(
            number=stored.version,
            status=ReleaseStatus.of(stored.info.status),
            changed_at=self._changed_at or _epoch(stored.info.last_deployed),
            chart=sanitise(f"{metadata.name}-{metadata.version}" if metadata.name else "", 200),
            app_version=sanitise(metadata.app_version, 100),
            description=description,
            goes_back_to=stored.info.rollback_revision or rolled_back_to(description),
        )

    def content(self, namespace: str) -> ReleaseContent:
        hooks = [h for h in self._stored.hooks or () if _ROLLBACK_HOOKS.intersection(h.events or ())]
        return ReleaseContent(
            namespace,
            self.revision,
            self._stored.config or {},
            tuple(_objects(self._stored.manifest, namespace)),
            tuple(sanitise(f"{h.kind}/{h.name}", 300) for h in hooks),
        )


def _unpacked(data: bytes) -> bytes:
    packed = base64.b64decode(data, validate=True)
    if packed[:3] != _GZIP:
        return packed  # as Helm wrote them before it compressed (pkg/storage/driver/util.go)
    unpacking = zlib.decompressobj(31)
    plain = unpacking.decompress(packed, MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise _unreadable(f"it comes to more than {MOST_BYTES >> 20} MiB")
    if not unpacking.eof:
        raise _unreadable("it is cut short")
    return plain


def _objects(manifest: str, namespace: str) -> Iterator[ManifestObject]:
    import yaml

    try:
        if len(_ALIAS.findall(manifest)) > _MOST_ALIASES:
            raise _unreadable("its manifest refers to itself too often")
        for number, body in enumerate(yaml.load_all(manifest, yaml.CSafeLoader)):
            if number >= _MOST_OBJECTS:
                raise _unreadable("there are too many objects in it")
            if isinstance(body, dict) and isinstance(body.get("metadata"), dict):
                metadata = body["metadata"]
                place = sanitise(str(metadata.get("namespace") or namespace), 253)
                name = sanitise(str(metadata.get("name") or ""), 253)
                yield ManifestObject(sanitise(str(body.get("kind") or ""), 100), place, name, body)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise _unreadable("its manifest is not YAML") from None


def _epoch(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() if stamp else None
    except (ValueError, OverflowError):
        return None


def _unreadable(why: str) -> OutsideError:
    return OutsideError(f"The stored release cannot be read: {why}", "Look at it with `helm history`.", system="Helm")
