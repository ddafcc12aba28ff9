"""What is measured, in which sitting, and what it has to come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` and `beyond` are upper limits in `unit`; `of_k9s` is a target as a share of k9s' own figure, of `k9s_was`
    (k9s 0.51 with 5,000 pods on two cores) where k9s is not measured at the same time."""

    key: str
    title: str
    unit: str
    sitting: str
    target: float | None = None
    beyond: float | None = None
    of_k9s: float | None = None
    k9s_was: float = 0.0
    digits: int = 0


FIGURES: tuple[Figure, ...] = (
    Figure("start", "start to first live pod row", "ms", "start", beyond=350, of_k9s=0.2, k9s_was=2800),
    Figure("first-bytes", "bytes in the first 8 s", "B", "start", 25_000, 15_000),
    Figure("start-small", "the same, small namespace", "ms", "small", beyond=300, of_k9s=0.45, k9s_was=1220),
    Figure("memory", "resident memory, all panes live", "MB", "steady", 100, 80),
    Figure("memory-peak", "the most it held while loading", "MB", "steady"),
    Figure("idle-cpu", "idle CPU", "%", "steady", 1.5, digits=2),
    Figure("idle-bytes", "idle bytes to the terminal", "B/s", "steady", 10, 5, digits=1),
    Figure("idle-requests", "idle requests a minute for watching, a stream", "/min", "steady", 1, digits=2),
    Figure("idle-others", "idle requests a minute beside those", "/min", "steady", digits=1),
    Figure("event-p50", "event to screen, p50", "ms", "steady"),
    Figure("event-p99", "event to screen, p99", "ms", "steady", 80, 50),
    Figure("cell-bytes", "bytes for one changed cell, median", "B", "steady", 150, 60),
    Figure("load-p50", "the same under load, p50", "ms", "load"),
    Figure("load-p99", "the same under load, p99", "ms", "load", 200, 150),
    Figure("load-rate", "events a second that the load came to", "/s", "load", digits=0),
    Figure("load-dropped", "final states that the screen does not show", "pods", "load", 0),
    Figure("doomed", "image that does not exist: time to DOOMED", "s", "doomed", 10, digits=1),
    Figure("big-start", "many pods: start to first live pod row", "ms", "big", 1000),
    Figure("big-memory", "many pods: resident memory", "MB", "big", 250),
)
SITTINGS: tuple[str, ...] = tuple(dict.fromkeys(figure.sitting for figure in FIGURES))


def sittings_for(wanted: str) -> tuple[str, ...]:
    """The sittings, in order, that give the figures or sittings of a list with commas; all for "". ValueError names an
    unknown one."""
    if not wanted:
        return SITTINGS
    words = [word.strip() for word in wanted.split(",") if word.strip()]
    known = {figure.key: figure.sitting for figure in FIGURES} | {sitting: sitting for sitting in SITTINGS}
    for word in words:
        if word not in known:
            raise ValueError(f"{word} is neither a figure nor a sitting; there are {', '.join(known)}")
    return tuple(s for s in SITTINGS if s in {known[word] for word in words})
