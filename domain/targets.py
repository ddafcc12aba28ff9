"""What a key press is meant for: the thing under the cursor, named so that it can be found again in a newer snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from domain.workloads import WorkloadKey


@dataclass(frozen=True, slots=True)
class Target:
    """At most one of `pod_uid` and `revision_uid` is set; `workload` is set wherever it is known."""

    workload: WorkloadKey | None = None
    pod_uid: str = ""
    revision_uid: str = ""
    container: str = ""
