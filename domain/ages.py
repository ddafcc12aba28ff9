"""Durations and ages in kubectl's short form, so that the same number reads the same everywhere."""

from __future__ import annotations

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400
YEAR_S = 365 * DAY_S


def short_duration(seconds: float) -> str:
    """As `k8s.io/apimachinery/pkg/util/duration.HumanDuration`: 5s, 2m5s, 12m, 3h4m, 9h, 2d3h, 12d, 2y30d, 9y."""
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    if s < 0:
        return "0s"
    if s < 2 * MINUTE_S:
        return f"{s}s"
    minutes = s // MINUTE_S
    if minutes < 10:
        return _pair(minutes, "m", s % MINUTE_S, "s")
    if minutes < 3 * 60:
        return f"{minutes}m"
    hours = s // HOUR_S
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = s // DAY_S
    if hours < 8 * 24:
        return _pair(days, "d", hours % 24, "h")
    if days < 2 * 365:
        return f"{days}d"
    years = days // 365
    if years < 8:
        return _pair(years, "y", days % 365, "d")
    return f"{years}y"


def _pair(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def clock(seconds: float) -> str:
    """A running clock: 0:18, 10:00, 1:02:03."""
    s = max(0, int(seconds))
    if s < HOUR_S:
        return f"{s // 60}:{s % 60:02d}"
    return f"{s // HOUR_S}:{s // 60 % 60:02d}:{s % 60:02d}"
