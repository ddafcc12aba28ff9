"""The one line that says why: a failing container's last words before an event's text before a status message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.case import Case
from domain.fleet import LogTail
from domain.troubles import Trouble

_TELLING = re.compile(
    r"error|fatal|panic|exception|cannot|can't|could not|fail(ed|ure)|denied|refused|missing|invalid|unable|not found"
    r"|timed out",
    re.IGNORECASE,
)
_RPC = re.compile(r"^(?:.*?rpc error: code = \w+ desc = )+")
_NESTED = re.compile(r"rpc error: |OCI runtime|failed to (pull|resolve)", re.IGNORECASE)
"""Messages that wrap the cause layer by layer: what happened stands at their end."""
_WHICH_POD = re.compile(r'^(?:Error creating: )?pods "[^"]*" is forbidden: ')
"""The name of a pod that was not made is another one at each attempt."""
_PREEMPTION = re.compile(r"\.? preemption: .*$")
_BACK_OFF = re.compile(r"^(back-off .*restarting failed container|Back-off restarting)", re.IGNORECASE)
_LONGEST = 160
_LOOK_BACK = 20
_SPOKEN = frozenset({"CrashLoopBackOff", "Error", "Completed", "Unhealthy"})
"""Troubles of a process that ran and may have said why."""


def evidence_of(case: Case, trouble: Trouble, pod_uids: Sequence[str]) -> str:
    """A quoted log line, or the message in plain words, at most 160 characters; "" where nothing is known."""
    if trouble.reason in _SPOKEN:
        for uid in pod_uids:
            tail = case.log_tails.get(uid)
            line = telling_line(tail) if tail is not None and tail.container in ("", trouble.container) else ""
            if line:
                return f'"{line}"'
    message = plain_message(trouble.message)
    return "" if _BACK_OFF.match(message) else message


def telling_line(tail: LogTail) -> str:
    """The last line if it says what is wrong, else the last one near the end that does, else the last."""
    lines = [line.strip() for line in tail.lines[-_LOOK_BACK:] if line.strip()]
    if not lines:
        return ""
    return shortened(next((line for line in reversed(lines) if _TELLING.search(line)), lines[-1]))


def plain_message(message: str) -> str:
    """A runtime's or registry's message without its wrappers, a scheduler's without its advice."""
    text = _WHICH_POD.sub("", _PREEMPTION.sub("", _RPC.sub("", message))).strip().removesuffix(": unknown")
    if len(text) > _LONGEST // 2 and _NESTED.search(message):
        parts = [part.strip() for part in text.split(": ") if part.strip()]
        kept = ""
        for part in reversed(parts):
            if kept and len(kept) + len(part) > _LONGEST // 2:
                break
            kept = f"{part}: {kept}" if kept else part
        text = kept or text
    return shortened(text)


def shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
