"""Text from outside becomes ours here: sanitised once, and one string object for all that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from domain.pods import NOTHING
from domain.sanitise import sanitise

_MOST_SHARED = 50_000
_MESSAGE_CHARS = 2048


class Texts:
    """Of 5,000 pods most namespaces, nodes, owners, images and labels are the same few strings: sharing them is half of the
    memory. Names that come and go with rollouts are forgotten all at once when there are too many.
    """

    def __init__(self) -> None:
        self._shared: dict[str, str] = {"": ""}
        self._labels: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def shared(self, text: str | None) -> str:
        """For what many objects have in common."""
        if not text:
            return ""
        known = self._shared.get(text)
        if known is None:
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            known = self._shared[text] = sanitise(text)
        return known

    def labels(self, labels: Mapping[str, str] | None) -> Mapping[str, str]:
        if not labels:
            return NOTHING
        key = tuple(labels.items())
        known = self._labels.get(key)
        if known is None:
            if len(self._labels) >= _MOST_SHARED:
                self._labels.clear()
            known = MappingProxyType({self.shared(name): self.shared(value) for name, value in key})
            self._labels[key] = known
        return known


def message(text: str | None) -> str:
    """A sentence somebody wrote: on one line and of bounded length."""
    return sanitise(text, _MESSAGE_CHARS) if text else ""


def epoch(time: datetime | None) -> float | None:
    return time.timestamp() if time is not None else None
