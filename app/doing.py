"""Carries out what a key or a `:` word asks for, where it takes more than the screen itself: `do_<action>`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from actions import action, action_for_word
from app.acting import Acting
from app.going import Going
from app.looking import Looking
from domain.errors import QuarterdeckError
from domain.fleet import Fleet
from domain.targets import Target

if TYPE_CHECKING:
    from app.quarterdeck_app import QuarterdeckApp

CarryOut = Callable[[Target, str], Coroutine[Any, Any, None] | None]
_NOWHERE = Target()
_VIEWS = frozenset({"logs", "previous_logs", "describe", "yaml", "chart", "compare", "side_by_side"})


class Doing:
    """One per app. Everything that waits runs as a task of its own; an error becomes a sentence on the screen."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking = Looking(app, self.spawn)
        self._going = Going(app, self.spawn)
        self._acting = Acting(app, self.spawn)
        self._last_view: tuple[str, Target, str] | None = None

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, fleet: Fleet) -> None:
        """A new snapshot."""
        self._looking.take(fleet)

    def learn_candidates(self) -> None:
        self._going.learn_candidates()

    def command(self, word: str, argument: str) -> None:
        found = action_for_word(word)
        if found is not None:
            self.do(found.name, self._selected(), argument)

    def do(self, name: str, asked: object, argument: str = "") -> None:
        """`asked` is a target, a pair of them to be compared, or the name of the metric under the cursor."""
        target = asked if isinstance(asked, Target) else self._selected()
        if isinstance(asked, str):
            argument = asked
        if name == "compare" and isinstance(asked, tuple):
            self._looking.compare(asked)
            return
        reason = action(name).refusal(self._app.session.fleet, target)
        if reason:
            self._app.say(reason, "warn")
            return
        carry_out = self._carrying_out(name)
        if carry_out is None:
            self._app.say(f"“{action(name).title}” does nothing here.", "warn")
            return
        if name in _VIEWS:
            self._last_view = (name, target, argument)
        waiting = carry_out(target, argument)
        if waiting is not None:
            self.spawn(waiting)

    def _carrying_out(self, name: str) -> CarryOut | None:
        for part in (self, self._looking, self._going, self._acting):
            found: CarryOut | None = getattr(part, f"do_{name}", None)
            if found is not None:
                return found
        return None

    def _selected(self) -> Target:
        target = getattr(self._app.screen, "target", None)
        return target if isinstance(target, Target) else _NOWHERE

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except QuarterdeckError as error:
            self._app.say(f"{error.message} {error.hint}".strip(), "bad")

    def do_back(self, _target: Target, _argument: str) -> None:
        self._app.say("This is the first view. Ctrl-c leaves; nothing in the cluster is stopped by it.")

    def do_last_view(self, _target: Target, _argument: str) -> None:
        """From a view, the one below it; from the first view, the one that was left last, on the same thing."""
        if self._app.screen is not self._app.watch_screen:
            self._app.screen.dismiss()
        elif self._last_view is None:
            self._app.say("There was no view before this one yet.")
        else:
            self.do(*self._last_view)

    def do_refresh(self, target: Target, _argument: str) -> None:
        if hasattr(self._app.screen, "show_text"):
            self.spawn(self._looking.do_yaml(target, ""))
            return
        self._app.session.refresh()
        self._app.paint_everything()
        self._app.say("Asked again for everything.")

    def do_quit(self, _target: Target, _argument: str) -> None:
        self._app.exit(return_code=0)

    def do_palette(self, _target: Target, _argument: str) -> None:
        self._app.action_command_palette()
