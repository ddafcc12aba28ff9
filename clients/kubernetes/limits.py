"""How long and how much: every limit of the cluster client in one value, so that tests need not wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes."""

    connect_s: float = 5.0
    answer_s: float = 15.0
    """Until the head of an answer, and between any two pieces of its body."""
    body_s: float = 120.0
    """A whole answer that is not a stream; a page of 500 pods on a thin line is a few megabytes."""
    write_s: float = 34.0
    """A whole write: an admission webhook may take 30 s (ValidatingWebhookConfiguration's most), and the answer tells more
    than reading back does."""
    silence_s: float = 70.0
    """A watch that says nothing for so long is dead: bookmarks come about every 60 s (kopf uses the same figure)."""
    watch_s: tuple[float, float] = (240.0, 360.0)
    """The server is asked to end a watch after a random time between these; kubectl asks for 5 to 10 minutes."""
    empty_watch_s: float = 2.0
    """A watch that ends sooner without a word is counted as empty."""
    empty_pauses_s: tuple[float, ...] = (1.0, 10.0, 20.0, 30.0)
    """How long to wait after the first, second, … empty watch in a row."""
    relist_pause_s: float = 10.0
    """At most one list in so long because a version had expired."""
    slow_down_s: float = 30.0
    """The longest Retry-After that is waited out in the middle of a list."""
    probe_s: float = 1.8
    """With one probe every 3 s, what is shown is known to be old within 5 s."""
    poll_s: float = 15.0
    """metrics.k8s.io has no watch; metrics-server measures every 15 s."""
    page_size: int = 500
    line_bytes: int = 64 * 2**20
    """etcd's own limit for an object is 1.5 MB; more than this in one line is not Kubernetes."""
    log_line_chars: int = 16384
    log_reconnect_s: float = 1.0
