"""Good and bad marks of a workload's versions, as every host finds them in one ConfigMap of the namespace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.operations import Json
from domain.sanitise import sanitise
from domain.workloads import WorkloadKey, WorkloadKind

MARKS_NAME = "quarterdeck-marks"
"""The ConfigMap's name."""
_MOST_KEPT = 40
"""For each workload: with Kubernetes' limit of 1 MiB there is room for fifty workloads."""
_LONGEST = 400


class Standing(StrEnum):
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody found out about one version of a workload: a template hash, and the digest of its main image."""

    workload: WorkloadKey
    standing: Standing
    template_hash: str
    digest: str
    """"sha256:…"; "" where nobody could say."""
    at: float
    by: str
    """user@host."""
    operation: str
    reason: str = ""
    image: str = ""
    """As people know it: "shop-backend:v1.9.0"."""

    @property
    def version(self) -> str:
        """Names it among the versions of its workload."""
        return self.template_hash or bare_digest(self.digest)

    @property
    def words(self) -> str:
        """Who says so, for a sentence: "marked bad by oncall@jump2: crashes at start"."""
        found = "verified" if self.standing is Standing.GOOD else "marked bad"
        return f"{found} by {self.by or 'somebody'}" + (f": {self.reason}" if self.reason else "")


def parse_marks(data: Mapping[str, str], namespace: str) -> tuple[Mark, ...]:
    """Newest first. An entry that makes no sense is left out: the ConfigMap can be edited by hand."""
    marks = [_parse_key(key, text, namespace) for key, text in data.items()]
    return tuple(sorted((m for m in marks if m is not None), key=lambda m: m.at, reverse=True))


def merge_mark(marks: Iterable[Mark], mark: Mark) -> tuple[Mark, ...]:
    """With `mark` in it, in place of what was known of the same version before. Newest first, the oldest are forgotten."""
    others = [m for m in marks if mark_key(m.workload, m.version) != mark_key(mark.workload, mark.version)]
    kept = sorted((mark, *others), key=lambda m: m.at, reverse=True)
    too_many = {id(m) for m in [m for m in kept if m.workload == mark.workload][_MOST_KEPT:]}
    return tuple(m for m in kept if id(m) not in too_many)


def format_marks(marks: Iterable[Mark]) -> dict[str, str]:
    """The ConfigMap's `data`: a key for each version, a JSON object in it."""
    return {
        mark_key(m.workload, m.version): json.dumps(
            {**mark_value(m.standing, m.template_hash, m.digest, m.image, m.reason), **_who(m)}, ensure_ascii=False
        )
        for m in marks
    }


def mark_key(workload: WorkloadKey, version: str) -> str:
    """`version` is a template hash, or `{template_hash}` where that is filled in later."""
    return f"{workload.kind.lower()}.{workload.name}.{version}"


def mark_value(
    standing: Standing, template_hash: str = "", digest: str = "", image: str = "", reason: str = ""
) -> dict[str, Json]:
    """What a plan knows of a mark; who, when and which operation are added when it is made."""
    return {
        "standing": standing.value,
        "template_hash": template_hash,
        "digest": digest,
        "image": image,
        "reason": reason[:_LONGEST],
    }


def mark_of_version(marks: Iterable[Mark], workload: WorkloadKey, template_hash: str, digest: str = "") -> Mark | None:
    """What is known of one version: by its template first, else by its image's digest."""
    own = [m for m in marks if m.workload == workload]
    exact = next((m for m in own if template_hash and m.template_hash == template_hash), None)
    return exact or mark_of_digest(own, workload, digest)


def mark_of_digest(marks: Iterable[Mark], workload: WorkloadKey, digest: str) -> Mark | None:
    """What is known of an image, whatever template it came in. Where it was good in one and bad in another, the image is
    not to blame: the good mark counts."""
    found = [m for m in marks if digest and m.workload == workload and m.digest == digest]
    return next((m for m in found if m.standing is Standing.GOOD), found[0] if found else None)


def _who(mark: Mark) -> dict[str, Json]:
    return {"at": round(mark.at, 3), "who": mark.by, "operation": mark.operation}


def _parse_key(key: str, text: str, namespace: str) -> Mark | None:
    kind_word, _, rest = key.partition(".")
    name, _, version = rest.rpartition(".")
    kind = next((k for k in WorkloadKind if k.lower() == kind_word), None)
    if kind is None or not name:
        return None
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    return _parse_entry(WorkloadKey(namespace, kind, sanitise(name, 253)), sanitise(version, 253), entry)


def _parse_entry(workload: WorkloadKey, version: str, entry: Mapping[str, Json]) -> Mark | None:
    standing = next((s for s in Standing if s.value == entry.get("standing")), None)
    at = entry.get("at")
    if standing is None or isinstance(at, bool) or not isinstance(at, (int, float)):
        return None
    word = {name: sanitise(value, _LONGEST) for name, value in entry.items() if isinstance(value, str)}
    digest = word.get("digest", "")
    return Mark(
        workload=workload,
        standing=standing,
        template_hash=word.get("template_hash") or ("" if version == bare_digest(digest) else version),
        digest=digest,
        at=float(at),
        by=word.get("who", ""),
        operation=word.get("operation", ""),
        reason=word.get("reason", ""),
        image=word.get("image", ""),
    )


def bare_digest(digest: str) -> str:
    """Short, and fit for a ConfigMap's key: no colon."""
    return digest.rpartition(":")[2][:16]
