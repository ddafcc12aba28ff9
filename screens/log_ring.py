"""The lines a log view holds on to, the ones it shows of them, and how each is dressed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from domain.filters import Filter, parse_filter
from domain.log_lines import LogLine
from widgets.text_lines import Span, TextLine
from widgets.text_view import POD_STYLES

MOST_LINES = 10_000
MOST_CHARACTERS = 16_000_000
LONGEST_LINE = 16_384
_COLOUR = re.compile("␛\\[[0-9;:]*[mK]")
"""What the sanitiser left of a program's own colours."""
_LEVEL = re.compile(
    r"\b(?:(?P<bad>FATAL|CRITICAL|PANIC|ERROR|Error|error|panic|Traceback|Exception)|(?P<warn>WARNING|WARN|Warning|warning|warn))\b"
)
_LEVEL_WITHIN = 200
_WIDEST_TAG = 16


def level_spans(text: str) -> list[Span]:
    """The first word near the beginning that says how bad it is."""
    match = _LEVEL.search(text, 0, _LEVEL_WITHIN)
    return [(match.start(), match.end(), match.lastgroup or "")] if match else []


def short_pod(name: str) -> str:
    """What tells a pod from its brothers: `k2lxv` of `shop-backend-7f9c-k2lxv`, `web-0` of `shop-web-0`."""
    head, _, tail = name.rpartition("-")
    return f"{head.rpartition('-')[2]}-{tail}" if tail.isdigit() and head else tail


def stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}Z"


class _Tag(NamedTuple):
    text: str
    style: str


class Change(NamedTuple):
    gone: int
    """So many of the shown lines fall out at the front."""
    added: list[TextLine]
    is_redressed: bool
    """Another pod joined and changed the tags: take `all_shown` instead."""


class LogRing:
    """Holds the newest lines only, and says how many it let go. `filter` and `only` choose what is shown of them."""

    def __init__(self, *, most_lines: int = MOST_LINES, most_characters: int = MOST_CHARACTERS) -> None:
        self.filter = Filter()
        self.only = ""
        """ "pod", "pod/container" or ""."""
        self.has_times = False
        self.received = 0
        self.dropped = 0
        self._most_lines, self._most_characters = most_lines, most_characters
        self._lines: deque[LogLine] = deque()
        self._characters = 0
        self._shown: deque[int] = deque()
        """The numbers of the lines that are shown, counted from the first one ever received."""
        self._tags: dict[tuple[str, str], _Tag] = {}
        self._tag_width = 0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """(pod, container) in the order they were first heard."""
        return tuple(self._tags)

    def narrow(self, text: str) -> None:
        self.filter = parse_filter(text)

    def add(self, lines: Sequence[LogLine]) -> Change:
        """Take lines in, newest last, and let the oldest go."""
        if len(lines) > self._most_lines:
            skipped = len(lines) - self._most_lines
            self.received += skipped
            self.dropped += skipped
            lines = lines[skipped:]
        widened = self._meet(lines)
        added: list[TextLine] = []
        for line in map(_trimmed, lines):
            self._lines.append(line)
            self._characters += len(line.text)
            if self._is_shown(line):
                self._shown.append(self.received)
                added.append(self._dressed(line))
            self.received += 1
        gone = self._let_go()
        return Change(gone, added[max(0, len(added) - len(self._shown)) :], widened)

    def all_shown(self) -> list[TextLine]:
        """Everything again: after the filter, the choice or the dress changed."""
        numbered = zip(range(self.received - len(self._lines), self.received), self._lines, strict=True)
        kept = [(number, line) for number, line in numbered if self._is_shown(line)]
        self._shown = deque(number for number, _ in kept)
        return [self._dressed(line) for _, line in kept]

    def plain(self) -> str:
        """What is shown, each line with its time, pod and container: for copying and saving."""
        first = self.received - len(self._lines)
        lines: Iterable[LogLine] = self._lines
        if len(self._shown) != len(self._lines):
            wanted = set(self._shown)
            lines = (line for number, line in enumerate(self._lines, first) if number in wanted)
        several = len(self._tags) > 1
        return "\n".join(
            f"{stamp(line.at)} {f'{line.pod}/{line.container} ' if several else ''}{line.text}" for line in lines
        )

    def clear(self) -> None:
        self._lines.clear()
        self._shown.clear()
        self._tags.clear()
        self._characters = self._tag_width = self.received = self.dropped = 0

    def _let_go(self) -> int:
        gone = 0
        while len(self._lines) > self._most_lines or self._characters > self._most_characters:
            self._characters -= len(self._lines.popleft().text)
            self.dropped += 1
        first = self.received - len(self._lines)
        while self._shown and self._shown[0] < first:
            self._shown.popleft()
            gone += 1
        return gone

    def _is_shown(self, line: LogLine) -> bool:
        if self.only and self.only not in (line.pod, f"{line.pod}/{line.container}"):
            return False
        return not self.filter or self.filter.matches(line.text, {"pod": line.pod, "container": line.container})

    def _meet(self, lines: Iterable[LogLine]) -> bool:
        """Learn of new pods and containers; True where what is shown already must be dressed anew."""
        before = (self._tag_width, len(self._tags) > 1)
        new = {(line.pod, line.container): None for line in lines if (line.pod, line.container) not in self._tags}
        if not new:
            return False
        self._tags.update({source: _Tag("", "") for source in new})
        pods = list(dict.fromkeys(pod for pod, _ in self._tags))
        has_containers = len({container for _, container in self._tags}) > 1
        shorts = {pod: short_pod(pod) for pod in pods}
        if len(set(shorts.values())) < len(shorts):
            shorts = {pod: pod for pod in pods}
        for pod, container in self._tags:
            text = f"{shorts[pod]}/{container}" if has_containers else shorts[pod]
            text = text if len(text) <= _WIDEST_TAG else "…" + text[-(_WIDEST_TAG - 1) :]
            self._tags[pod, container] = _Tag(text, POD_STYLES[pods.index(pod) % len(POD_STYLES)])
        self._tag_width = max(len(tag.text) for tag in self._tags.values())
        return before != (self._tag_width, len(self._tags) > 1) and bool(self._lines)

    def _dressed(self, line: LogLine) -> TextLine:
        lead: tuple[tuple[str, str], ...] = ()
        if self.has_times:
            lead = ((f"{stamp(line.at)} ", "quiet"),)
        if len(self._tags) > 1:
            tag = self._tags[line.pod, line.container]
            lead = (*lead, (f"{tag.text:{self._tag_width}} ", tag.style))
        return TextLine(line.text, "", lead)


def _trimmed(line: LogLine) -> LogLine:
    text = line.text
    if "␛" in text:
        text = _COLOUR.sub("", text)
    if len(text) > LONGEST_LINE:
        text = f"{text[:LONGEST_LINE]}… +{(len(text) - LONGEST_LINE) // 1000} kB"
    return line if text is line.text else line._replace(text=text)
