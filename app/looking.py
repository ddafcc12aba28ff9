"""Looks closer at what is selected: logs, descriptions, YAML, a shell, charts, differences."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from domain.errors import QuarterdeckError
from domain.fleet import Fleet
from domain.targets import Target

if TYPE_CHECKING:
    from app.log_following import LogFollowing
    from app.quarterdeck_app import QuarterdeckApp

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Looking:
    """`do_<action>` for the actions of the group "look closer". Screens and clients are imported when first needed."""

    def __init__(self, app: QuarterdeckApp, spawn: Spawn) -> None:
        self._app = app
        self._spawn = spawn
        self._following: LogFollowing | None = None

    def take(self, fleet: Fleet) -> None:
        """A new snapshot: a log that follows a workload follows its new pods too."""
        if self._following is not None:
            self._following.take(fleet)

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
        self.compare(target)

    def compare(self, target: Target | tuple[Target, Target]) -> None:
        from screens.compare import compare_screen

        try:
            self._app.open(compare_screen(self._app.session.fleet, target))
        except LookupError as error:
            self._app.say(str(error), "warn")


def object_of(fleet: Fleet, target: Target) -> tuple[str, str, str]:
    """(kind, namespace, name) of what is selected; QuarterdeckError where it has gone meanwhile."""
    if target.pod_uid and (pod := fleet.pods.get(target.pod_uid)):
        return "Pod", pod.namespace, pod.name
    if target.revision_uid and (revision := fleet.revisions.get(target.revision_uid)):
        return revision.kind, revision.namespace, revision.name
    if target.workload:
        return str(target.workload.kind), target.workload.namespace, target.workload.name
    raise QuarterdeckError("What was selected is gone.", "Select something else.")
