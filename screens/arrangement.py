"""Which panes have room on a screen of a given size, and where each of them stands. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from textual.geometry import Region, Size

from widgets.pane import Joint

LEAST = Size(48, 12)
"""Below this nothing sensible can be shown."""


class Layout(StrEnum):
    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Arrangement(NamedTuple):
    """Regions by the name of the pane; those in `edged` begin with a vertical line."""

    layout: Layout
    header_lines: int
    regions: Mapping[str, Region]
    edged: frozenset[str] = frozenset()
    joints: Mapping[str, tuple[Joint, ...]] = MappingProxyType({})


def layout_for(size: Size) -> Layout:
    if size.width < LEAST.width or size.height < LEAST.height:
        return Layout.TINY
    if size.width >= 170 and size.height >= 44:
        return Layout.LARGE
    return Layout.MEDIUM if size.width >= 100 and size.height >= 30 else Layout.SMALL


def arrange(screen: Size, room: Size, *, rollout_lines: int, series_lines: int, shown: str, zoomed: str) -> Arrangement:
    """`screen` decides the layout, `room` is what is left inside the frame and above the footer.

    `shown` is the pane that has the second place on a small screen, `zoomed` the one that has everything ("" for none).
    """
    layout = layout_for(screen)
    width, height = room
    if layout is Layout.TINY:
        return Arrangement(layout, height, {})
    header = 2 if layout is Layout.SMALL or zoomed else 1
    below = height - header
    if zoomed:
        return Arrangement(layout, header, {zoomed: Region(0, header, width, below)})
    rollouts = max(3, min(rollout_lines + 1, below * (3 if layout is Layout.SMALL else 2) // 6 + 2))
    regions = {"rollouts": Region(0, header, width, rollouts)}
    y, rest = header + rollouts, below - rollouts
    if layout is Layout.SMALL:
        if shown == "rollouts":
            shown = "pods"
        regions[shown] = Region(0, y, width, rest)
        return Arrangement(layout, header, regions)
    left = width * (62 if layout is Layout.LARGE else 58) // 100
    right = width - left
    metrics = max(4, min(series_lines + 2, rest // 3))
    if layout is Layout.MEDIUM:
        events = max(5, rest // 4)
        pods = rest - metrics - events
        regions["pods"] = Region(0, y, left, pods)
        regions["history"] = Region(left, y, right, pods)
        regions["metrics"] = Region(0, y + pods, left, metrics)
        regions["health"] = Region(left, y + pods, right, metrics)
        regions["events"] = Region(0, y + pods + metrics, width, events)
        edged = frozenset(("history", "health"))
    else:
        pods = rest * 3 // 5
        history = rest * 2 // 5
        regions["pods"] = Region(0, y, left, pods)
        regions["events"] = Region(0, y + pods, left, rest - pods)
        regions["history"] = Region(left, y, right, history)
        regions["metrics"] = Region(left, y + history, right, metrics)
        regions["health"] = Region(left, y + history + metrics, right, rest - history - metrics)
        edged = frozenset(("history", "metrics", "health"))
    return Arrangement(layout, header, regions, edged, _joints(regions, edged))


def _joints(regions: Mapping[str, Region], edged: frozenset[str]) -> dict[str, tuple[Joint, ...]]:
    """Where the first columns of edged panes, which are vertical lines, meet the first lines of panes, which are titles."""
    edges = [regions[name] for name in edged]
    joints: dict[str, tuple[Joint, ...]] = {}
    for name, region in regions.items():
        found = []
        for x in {edge.x for edge in edges}:
            if region.x <= x < region.right:
                is_above = any(edge.x == x and edge.y < region.y <= edge.bottom for edge in edges)
                is_below = any(edge.x == x and edge.y <= region.y < edge.bottom - 1 for edge in edges)
                is_left = x > region.x or any(r.right == x and r.y == region.y for r in regions.values())
                if is_above and is_below:
                    found.append(Joint(x - region.x, 0, "cross" if is_left else "right"))
                elif is_above or is_below:
                    found.append(Joint(x - region.x, 0, "up" if is_above else "down"))
        if name in edged:
            found += [
                Joint(0, r.y - region.y, "left")
                for r in regions.values()
                if r.right == region.x and region.y < r.y < region.bottom
            ]
        if found:
            joints[name] = tuple(found)
    return joints
