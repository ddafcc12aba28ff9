"""What differs between two environments, workload by workload."""

from __future__ import annotations

from dataclasses import dataclass

from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.templates import ImageName
from domain.verdict import Verdict
from domain.workloads import WorkloadKey, WorkloadKind


@dataclass(frozen=True, slots=True)
class Side:
    key: WorkloadKey
    image: ImageName
    digest: str
    """`sha256:…` as its newest pods run it; "" while none does."""
    ready: int
    desired: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One workload in both environments; None where it is missing.

    `differs` holds "missing", "image", "digest" (the same tag, other content) and "replicas".
    """

    name: str
    kind: WorkloadKind
    left: Side | None
    right: Side | None
    differs: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        return not self.differs


def drift(left: Fleet, right: Fleet) -> tuple[DriftRow, ...]:
    """Matched by kind and name, and by namespace too where a side shows all namespaces; by name."""
    has_namespaces = not left.scope.namespace or not right.scope.namespace
    lefts, rights = _by_name(left, has_namespaces), _by_name(right, has_namespaces)
    names = sorted(lefts.keys() | rights.keys())
    return tuple(_row(name, lefts.get(name), rights.get(name)) for name in names)


def _by_name(fleet: Fleet, has_namespaces: bool) -> dict[tuple[str, str], Rollout]:
    named = {}
    for key, rollout in fleet.rollouts.items():
        name = f"{key.namespace}/{key.name}" if has_namespaces else key.name
        named[(name, key.kind.value)] = rollout
    return named


def _row(name: tuple[str, str], left: Rollout | None, right: Rollout | None) -> DriftRow:
    a = _side(left) if left is not None else None
    b = _side(right) if right is not None else None
    return DriftRow(name[0], WorkloadKind(name[1]), a, b, _differs(a, b))


def _side(rollout: Rollout) -> Side:
    image_id = rollout.history[0].image_id if rollout.history and rollout.history[0].revision is rollout.new else ""
    digest = image_id.rpartition("@")[2] or rollout.image.digest
    return Side(rollout.key, rollout.image, digest, rollout.new_ready, rollout.workload.desired, rollout.verdict)


def _differs(left: Side | None, right: Side | None) -> tuple[str, ...]:
    if left is None or right is None:
        return ("missing",)
    words: list[str] = []
    # The registry may differ by environment: the product's own name and version are what counts.
    if (_product(left.image), left.image.version) != (_product(right.image), right.image.version):
        words.append("image")
    elif left.digest and right.digest and left.digest != right.digest:
        words.append("digest")
    if left.desired != right.desired:
        words.append("replicas")
    return tuple(words)


def _product(image: ImageName) -> str:
    return image.repository.rpartition("/")[2]
