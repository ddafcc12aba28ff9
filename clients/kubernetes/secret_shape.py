"""Secrets as operations may see them: who they are and which keys they have, never what is in them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from domain.errors import NotFoundError, OutsideError
from domain.sanitise import sanitise

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def without_content(secret: dict[str, Any]) -> dict[str, Any]:
    """The same with every value of `data` emptied, and without the annotation in which kubectl keeps a whole copy."""
    shown = dict(secret)
    for field in ("data", "stringData"):
        values = secret.get(field)
        if isinstance(values, dict):
            shown[field] = dict.fromkeys(values, "")
    meta = secret.get("metadata")
    if isinstance(meta, dict):
        annotations = meta.get("annotations")
        kept = {k: v for k, v in annotations.items() if k != LAST_APPLIED} if isinstance(annotations, dict) else None
        shown["metadata"] = {**meta, "annotations": kept} if kept is not None else meta
    return shown


def value_of(secret: dict[str, Any], key: str, limit_bytes: int) -> bytes:
    """The decoded value. NotFoundError: no such key. OutsideError: longer than `limit_bytes`, or not base64."""
    values = secret.get("data")
    value = values.get(key) if isinstance(values, dict) else None
    if not isinstance(value, str):
        raise NotFoundError(f"The secret has no key {sanitise(key, 80)!r}", "Look at its keys; it may be of another kind.")
    if len(value) // 4 * 3 > limit_bytes + 2:
        raise OutsideError("The secret's value is too large to be read", f"At most {limit_bytes} bytes are.")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        # Without the cause: its traceback would show the value.
        raise OutsideError("The secret's value cannot be decoded", "Look at it with kubectl.") from None
