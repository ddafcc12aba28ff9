"""Two environments in one view: a second session beside the one that is watched, for as long as the view is open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from actions import Argument
from app.changing_scope import session_for
from domain.fleet import Fleet
from screens.side_by_side import SideBySideScreen

if TYPE_CHECKING:
    from app.quarterdeck_app import QuarterdeckApp


async def open_side_by_side(app: QuarterdeckApp, name: str) -> None:
    """Until the view is left. `name` is an environment, or where none is configured a namespace of the same cluster."""
    watched = app.session
    what = Argument.ENVIRONMENT if name in watched.config.environments else Argument.NAMESPACE
    screen = SideBySideScreen(watched.fleet, None)

    def publish(fleet: Fleet) -> None:
        screen.other = fleet

    other = await asyncio.to_thread(session_for, what, name, watched, app.beginning.options, publish)
    left = asyncio.Event()
    app.push_screen(screen, lambda _: left.set())
    other.start()
    try:
        await left.wait()
    finally:
        await other.stop()
        app.show_newest()
