from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.operation_scenes import SCENES


async def _still(pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await pilot.pause()


@pytest.mark.parametrize("name", SCENES)
def test_a_screen_of_operations_looks_as_it_did_on_a_large_terminal(name: str, snap_compare: Any) -> None:
    assert snap_compare(SCENES[name](""), terminal_size=(200, 50), run_before=_still)
