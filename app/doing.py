"""Carries out what a key or a `:` word asks for, where it takes more than the screen itself: `do_<action>`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from actions import Argument, action, action_for_word
from domain.errors import QuarterdeckError
from domain.fleet import Fleet
from domain.targets import Target

if TYPE_CHECKING:
    from app.log_following import LogFollowing
    from app.quarterdeck_app import QuarterdeckApp

_NOWHERE = Target()


class Doing:
    """One per app. Everything that waits runs as a task of its own; an error becomes a sentence on the screen."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: LogFollowing | None = None

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, fleet: Fleet) -> None:
        """A new snapshot: a log that follows a workload follows its new pods too."""
        if self._following is not None:
            self._following.take(fleet)

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
            self._compare(asked)
            return
        reason = action(name).refusal(self._app.session.fleet, target)
        if reason:
            self._app.say(reason, "warn")
            return
        carry_out: Callable[[Target, str], Coroutine[Any, Any, None] | None] | None = getattr(self, f"do_{name}", None)
        if carry_out is None:
            self._app.say(f"“{action(name).title}” does nothing here.", "warn")
            return
        waiting = carry_out(target, argument)
        if waiting is not None:
            self._spawn(waiting)

    def _selected(self) -> Target:
        target = getattr(self._app.screen, "target", None)
        return target if isinstance(target, Target) else _NOWHERE

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except QuarterdeckError as error:
            self._app.say(f"{error.message} {error.hint}".strip(), "bad")

    # Looking closer

    def do_logs(self, target: Target, _argument: str) -> None:
        self._open_logs(target, is_previous=False)

    def do_previous_logs(self, target: Target, _argument: str) -> None:
        """On a log that is open: the other run of the same container."""
        following = self._following
        if following is not None and following.screen is self._app.screen:
            self._open_logs(following.target, is_previous=not following.is_previous)
        else:
            self._open_logs(target, is_previous=True)

    def _open_logs(self, target: Target, *, is_previous: bool) -> None:
        from app.log_following import LogFollowing

        session = self._app.session
        if not session.is_up.is_set():
            self._app.say("Not connected yet: try again in a moment.", "warn")
            return
        before = self._following
        screen = before.screen if before is not None and before.screen is self._app.screen else None
        self._following = LogFollowing(session.cluster, session.fleet, target, is_previous=is_previous, screen=screen)
        self._spawn(self._follow(self._following, before))
        if screen is None:
            self._app.open(self._following.screen)

    async def _follow(self, following: LogFollowing, before: LogFollowing | None) -> None:
        if before is not None:
            await before.stop()
        try:
            await following.run()
        finally:
            await following.stop()
            if self._following is following:
                self._following = None

    def do_describe(self, target: Target, _argument: str) -> None:
        from screens.describe import describe_screen

        self._app.open(describe_screen(self._app.session.fleet, target))

    async def do_yaml(self, target: Target, _argument: str) -> None:
        from screens.text import TextScreen

        session = self._app.session
        kind, namespace, name = object_of(session.fleet, target)
        title = f"YAML {kind.lower()}/{name}"
        on_top = self._app.screen
        if isinstance(on_top, TextScreen) and on_top.heading() == title:
            screen = on_top  # Ctrl-r on it
        else:
            screen = TextScreen(title, fleet=session.fleet, target=target, is_yaml=True)
            self._app.open(screen)
        try:
            screen.show_text(await session.cluster.read_yaml(kind, namespace, name))
        except QuarterdeckError as error:
            screen.show_error(error.message, error.hint)

    async def do_shell(self, target: Target, _argument: str) -> None:
        from app.shell import open_shell

        await open_shell(self._app, target)

    def do_copy(self, target: Target, _argument: str) -> None:
        try:
            name = object_of(self._app.session.fleet, target)[2]
        except QuarterdeckError as error:
            self._app.say(error.message, "warn")
            return
        self._app.copy_to_clipboard(name)
        self._app.say(f"Copied {name}. Nothing arrived? In tmux: set-clipboard on.", "good")

    def do_chart(self, target: Target, argument: str) -> None:
        from screens.chart import ChartScreen

        fleet = self._app.session.fleet
        self._app.open(ChartScreen(argument, fleet=fleet, target=target))

    def do_compare(self, target: Target, _argument: str) -> None:
        self._compare(target)

    def _compare(self, target: Target | tuple[Target, Target]) -> None:
        from screens.compare import compare_screen

        try:
            self._app.open(compare_screen(self._app.session.fleet, target))
        except LookupError as error:
            self._app.say(str(error), "warn")

    # Going elsewhere

    def do_back(self, _target: Target, _argument: str) -> None:
        self._app.say("This is the first view. Ctrl-c leaves; nothing in the cluster is stopped by it.")

    def do_last_view(self, _target: Target, _argument: str) -> None:
        self._app.last_view()

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

    # The program

    def do_refresh(self, target: Target, _argument: str) -> None:
        if hasattr(self._app.screen, "show_text"):
            self._spawn(self.do_yaml(target, ""))
            return
        self._app.session.refresh()
        self._app.paint_everything()
        self._app.say("Asked again for everything.")

    def do_quit(self, _target: Target, _argument: str) -> None:
        self._app.exit(return_code=0)

    def do_palette(self, _target: Target, _argument: str) -> None:
        self._app.action_command_palette()


def object_of(fleet: Fleet, target: Target) -> tuple[str, str, str]:
    """(kind, namespace, name) of what is selected; QuarterdeckError where it has gone meanwhile."""
    if target.pod_uid and (pod := fleet.pods.get(target.pod_uid)):
        return "Pod", pod.namespace, pod.name
    if target.revision_uid and (revision := fleet.revisions.get(target.revision_uid)):
        return revision.kind, revision.namespace, revision.name
    if target.workload:
        return str(target.workload.kind), target.workload.namespace, target.workload.name
    raise QuarterdeckError("What was selected is gone.", "Select something else.")
