"""Goes elsewhere: another namespace, context or environment, or two of them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from actions import Argument
from app.looking import Spawn
from domain.targets import Target

if TYPE_CHECKING:
    from app.quarterdeck_app import QuarterdeckApp

_PLACES = (Argument.NAMESPACE, Argument.CONTEXT, Argument.ENVIRONMENT)


class Going:
    """`do_<action>` for the actions that change what is watched."""

    def __init__(self, app: QuarterdeckApp, spawn: Spawn) -> None:
        self._app = app
        self._spawn = spawn

    def learn_candidates(self) -> None:
        """What can be completed after `:ns`, `:ctx`, `:env` and `:chart`."""
        self._spawn(self._learn_candidates())

    async def _learn_candidates(self) -> None:
        from app.changing_scope import choices

        session = self._app.session
        await session.is_up.wait()
        names = {what.value: await choices(what, session) for what in _PLACES}
        names[Argument.METRIC.value] = tuple(q.name for q in session.config.metric_queries(session.scope.environment))
        self._app.watch_screen.command_line.candidates = names

    async def do_namespace(self, _target: Target, argument: str) -> None:
        await self._go_to(Argument.NAMESPACE, argument)

    async def do_context(self, _target: Target, argument: str) -> None:
        await self._go_to(Argument.CONTEXT, argument)

    async def do_environment(self, _target: Target, argument: str) -> None:
        await self._go_to(Argument.ENVIRONMENT, argument)

    async def _go_to(self, what: Argument, name: str) -> None:
        from app.changing_scope import session_for

        app = self._app
        if not name:
            await self._choose(what, "Watch", lambda chosen: self._go_to(what, chosen))
            return
        session = await asyncio.to_thread(session_for, what, name, app.session, app.beginning.options, app.publish)
        await app.change_session(session)

    async def _choose(self, what: Argument, verb: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        from app.changing_scope import choices
        from screens.choose import ChooseScreen

        def go(chosen: str | None) -> None:
            if chosen:
                self._spawn(then(chosen))

        names = await choices(what, self._app.session)
        if not names:
            self._app.say(f"There is no {what.value} to choose from.", "warn")
            return
        self._app.push_screen(ChooseScreen(f"{verb} which {what.value}?", names), go)

    async def do_side_by_side(self, _target: Target, argument: str) -> None:
        from app.side_by_side import open_side_by_side

        if argument:
            await open_side_by_side(self._app, argument)
            return
        what = Argument.ENVIRONMENT if self._app.config.environments else Argument.NAMESPACE
        await self._choose(what, "Compare with", lambda name: open_side_by_side(self._app, name))
