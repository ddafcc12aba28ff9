"""JSON objects as the API shows them: copies, times, names and owners."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The letters that generated names are made of (apimachinery/pkg/util/rand): no vowels, so no words."""


def copied(value: Any) -> Any:
    """A deep copy of JSON values; three times faster than copy.deepcopy."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def rfc3339(epoch_s: float) -> str:
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nano_time(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def epoch_of(text: str | None) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; None where there is none or it is not one."""
    if not text:
        return None
    head, dot, fraction = text.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{head}{dot}{fraction[:6]}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def name_of(obj: Json) -> str:
    return str(obj["metadata"].get("name", ""))


def namespace_of(obj: Json) -> str:
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Json) -> str:
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def controller_of(obj: Json) -> Json | None:
    """The owner reference that controls `obj`."""
    return next((ref for ref in obj["metadata"].get("ownerReferences") or () if ref.get("controller")), None)


def owned_by(owner: Json) -> list[Json]:
    """The ownerReferences of what `owner` controls."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": name_of(owner),
            "uid": uid_of(owner),
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


class Names:
    """Everything random, from one seed: the same seed gives the same uids, suffixes and delays."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def uid(self) -> str:
        raw = f"{self.random.getrandbits(128):032x}"
        return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"

    def suffix(self, length: int = 5) -> str:
        return "".join(self.random.choices(NAME_LETTERS, k=length))

    def between(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)


def short_hash(text: str, length: int = 10) -> str:
    """A name part that depends on `text` alone, as pod-template-hash does."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(NAME_LETTERS))
        letters.append(NAME_LETTERS[rest])
    return "".join(letters)
