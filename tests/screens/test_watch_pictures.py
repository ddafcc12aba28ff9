"""The main screen as it looks, in three sizes: look at the pictures before `--snapshot-update` takes them anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.fleet import Fleet
from tests import fleets
from tests.widgets.stage import WatchStage

SITUATIONS: dict[str, Callable[[], Fleet]] = {
    "healthy": fleets.healthy,
    "rolling": fleets.rolling,
    "doomed": fleets.doomed,
    "stale": fleets.stale,
    "forbidden": fleets.forbidden,
    "production": fleets.in_production,
}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_watch(snap_compare: Any, situation: str, size: tuple[int, int]) -> None:
    assert snap_compare(WatchStage(SITUATIONS[situation]()), terminal_size=size)
