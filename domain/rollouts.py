"""One workload's rollout as a person sees it: old and new side by side, how far, how long still, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.templates import ImageName, image_name
from domain.verdict import Degree, Verdict
from domain.workloads import Revision, Workload, WorkloadKey


class RevisionMark(StrEnum):
    CURRENT = "current"
    FAILING = "failing"
    GOOD = "last known good"
    FAILED = "failed"
    PAST = ""


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """A revision with what is known of it. `good_for_s` is how long it has been (or was) seen available."""

    revision: Revision
    mark: RevisionMark
    image: ImageName
    image_id: str = ""
    """The digest its pods really run, where one runs."""
    good_for_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    workload: Workload
    history: tuple[RevisionLine, ...]
    """Newest first."""
    new: Revision | None
    new_pods: tuple[str, ...]
    """Uids; those of the newest template hash."""
    old_pods: tuple[str, ...]
    new_ready: int
    old_ready: int
    is_complete: bool
    began_at: float | None
    """When this rollout began; None where nobody can say (it was complete before we looked)."""
    finished_at: float | None
    eta_s: float | None
    verdict: Verdict

    @property
    def key(self) -> WorkloadKey:
        return self.workload.key

    @property
    def degree(self) -> Degree:
        return self.verdict.degree

    @property
    def image(self) -> ImageName:
        images = self.workload.template.main_images
        return image_name(images[0]) if images else ImageName("", "", "")

    @property
    def old_image(self) -> ImageName | None:
        """What the old pods run, while any is left and it differs."""
        for line in self.history:
            if self.new is not None and line.revision.template_hash == self.new.template_hash:
                continue
            if line.revision.replicas > 0:
                return line.image if line.image != self.image else None
        return None

    @property
    def good_target(self) -> RevisionLine | None:
        """Where a rollback would go: the newest last-known-good revision that is not the current one."""
        return next((line for line in self.history if line.mark is RevisionMark.GOOD), None)
