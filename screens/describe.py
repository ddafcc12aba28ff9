"""The description of a pod, a workload or a revision, kept up to date from the snapshots."""

from __future__ import annotations

from domain.describe import describe
from domain.fleet import Fleet
from domain.targets import Target
from screens.text import TextScreen


def describe_screen(fleet: Fleet, target: Target) -> TextScreen:
    return TextScreen(f"Describe {_title(fleet, target)}", build=describe, fleet=fleet, target=target)


def _title(fleet: Fleet, target: Target) -> str:
    if (pod := fleet.pods.get(target.pod_uid)) is not None:
        return f"pod/{pod.name}"
    if (revision := fleet.revisions.get(target.revision_uid)) is not None:
        return f"revision/{revision.number} of {target.workload.name if target.workload else revision.name}"
    return str(target.workload) if target.workload is not None else "nothing"
