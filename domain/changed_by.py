"""Who changed a workload through Quarterdeck, what for and when: from what that left on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.sanitise import sanitise
from domain.template_patch import BY, CHANGE_CAUSE, OPERATION

_MANAGER = "quarterdeck"


def changed_by(body: Mapping[str, Any]) -> str:
    """ "ops@jump2 at 14:02 UTC (operation 7KQ2: rollback to v1 by ops@jump2: it does not start)"; "" where the last change
    is somebody else's. `body` is the whole object."""
    notes = body["metadata"].get("annotations") or {}
    fields = [
        entry
        for entry in body["metadata"].get("managedFields") or ()
        if isinstance(entry, dict) and entry.get("subresource") != "status"
    ]
    newest = max((str(entry.get("time") or "") for entry in fields), default="")
    is_ours = any(e.get("manager") == _MANAGER and str(e.get("time") or "") == newest for e in fields)
    if not (notes.get(BY) and notes.get(OPERATION)) or (fields and not is_ours):
        return ""
    at = f" at {sanitise(newest[11:16], 10)} UTC" if len(newest) >= 16 else ""
    cause = f": {sanitise(str(notes[CHANGE_CAUSE]), 300)}" if notes.get(CHANGE_CAUSE) else ""
    return f"{sanitise(str(notes[BY]), 200)}{at} (operation {sanitise(str(notes[OPERATION]), 40)}{cause})"
