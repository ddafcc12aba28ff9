"""Changes the cluster: the flight check and the question on the screen, then a runner that no longer needs the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from app.looking import Spawn
from domain.errors import ConfigError, QuarterdeckError, RefusedError
from domain.operations import Operation, OperationState
from domain.targets import Target
from domain.workloads import WorkloadKey
from screens.arrangement import LEAST

if TYPE_CHECKING:
    from actions.prepare import Prepared
    from app.quarterdeck_app import QuarterdeckApp
    from app.runner_process import WaitingRunner
    from screens.confirm import ConfirmScreen

LISTED_EVERY_S = 1.0


class Acting:
    """`do_<action>` for the actions of the group "act"."""

    def __init__(self, app: QuarterdeckApp, spawn: Spawn) -> None:
        self._app = app
        self._spawn = spawn

    async def do_rollback(self, target: Target, argument: str) -> None:
        await self._change("rollback", target, "ROLL BACK", to=argument or "last-good")

    async def do_deploy(self, target: Target, argument: str) -> None:
        if argument:
            await self._change("deploy", target, "DEPLOY", image=argument)
        else:
            self._ask_for("deploy ")

    async def do_restart(self, target: Target, _argument: str) -> None:
        await self._change("restart", target, "RESTART")

    async def do_pause(self, target: Target, _argument: str) -> None:
        await self._change("pause", target, "PAUSE")

    async def do_resume(self, target: Target, _argument: str) -> None:
        await self._change("resume", target, "RESUME")

    async def do_scale(self, target: Target, argument: str) -> None:
        if argument.isdecimal():
            await self._change("scale", target, "SCALE", replicas=int(argument))
        else:
            self._ask_for("scale ")

    def _ask_for(self, text: str) -> None:
        """What it needs is typed where all commands are."""
        line = getattr(self._app.screen, "command_line", None)
        if line is None:
            self._app.say(f"`:{text}…` takes what it shall be.", "warn")
            return
        self._app.screen.footer.display = False  # type: ignore[attr-defined]
        line.open_command(text)

    async def _change(self, name: str, target: Target, title: str, **choices: Any) -> None:
        from app.commands.ops import who_am_i
        from app.outside import place_of
        from app.runner_process import WaitingRunner
        from screens.confirm import ConfirmScreen

        app, key = self._app, target.workload
        if key is None:
            raise RefusedError("No workload is selected.", "Choose one in Rollouts.")
        if app.size.width < LEAST.width or app.size.height < LEAST.height:
            hint = f"Make it {LEAST.width}x{LEAST.height} or more: what would be changed could not be read."
            raise RefusedError(f"{app.size.width}x{app.size.height} is too small to change anything.", hint)
        session = app.session
        screen = ConfirmScreen(f"{title} {key.name}", key.name, session.fleet.scope)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        app.push_screen(screen, lambda reason: None if answer.done() else answer.set_result(reason))
        # The runner connects while the plan is made and read.
        runner = await asyncio.to_thread(WaitingRunner, place_of(session))
        try:
            prepared = await self._prepared(screen, answer, name, key, who=who_am_i(), **choices)
            reason = await answer
            if prepared is None or reason is None:
                return
            operation_id = await self._hand_over(runner, prepared, reason)
        finally:
            await asyncio.to_thread(runner.cancel)
            app.show_newest()
        await self.follow(operation_id)

    async def _prepared(
        self, screen: ConfirmScreen, answer: asyncio.Future[str | None], name: str, key: WorkloadKey, **choices: Any
    ) -> Prepared | None:
        """None where it was refused, or left meanwhile; the screen says which."""
        from actions.prepare import RefusedByChecksError
        from app.changing import prepare

        session = self._app.session
        work: Coroutine[Any, Any, Prepared] = prepare(name, session, session.fleet, key, **choices)
        preparing = asyncio.ensure_future(work)
        both: set[asyncio.Future[Any]] = {preparing, answer}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not preparing.done():
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            return None
        try:
            prepared = preparing.result()
        except RefusedByChecksError as error:
            screen.show_refusal(error.message, error.hint, error.checks)
        except QuarterdeckError as error:
            screen.show_refusal(error.message, error.hint)
        else:
            screen.show(prepared)
            return prepared
        return None

    async def _hand_over(self, runner: WaitingRunner, prepared: Prepared, reason: str) -> str:
        ready = prepared.with_reason(reason)
        handed = await asyncio.to_thread(runner.go, ready.plan)
        return handed.operation_id

    # Operations

    async def follow(self, operation_id: str) -> None:
        """Show it until it is left; it goes on by itself."""
        from app.places import operations_folder
        from clients.journal_file import follow_operation, journal_path
        from screens.operation import OperationScreen

        screen = OperationScreen(None, fleet=self._app.session.fleet)
        self._app.open(screen)
        operations: AsyncIterator[Operation] = follow_operation(journal_path(operations_folder(), operation_id))
        async for operation in operations:
            if not screen.is_attached:
                return
            screen.operation = operation
            screen.target = Target(workload=operation.plan.workload)
            if operation.state.is_over:
                self._app.bell_for_news()
                return

    async def do_ops(self, _target: Target, argument: str) -> None:
        from app.places import operations_folder
        from clients.journal_file import list_operations
        from screens.operations import OperationsScreen

        folder = operations_folder()
        if argument:
            found = await asyncio.to_thread(list_operations, folder)
            ids = [o.plan.id for o in found if o.plan.id.startswith(argument.upper())]
            if not ids:
                raise ConfigError(f"There is no operation {argument!r} on this host.", "`:ops` lists those there are.")
            await self.follow(ids[0])
            return
        screen = OperationsScreen(await asyncio.to_thread(list_operations, folder), fleet=self._app.session.fleet)
        self._app.open(screen)
        while screen.is_attached:
            await asyncio.sleep(LISTED_EVERY_S)
            screen.operations = await asyncio.to_thread(list_operations, folder)

    async def do_take_up(self, _target: Target, _argument: str) -> None:
        from app.commands.ops import who_am_i
        from app.runner_process import WaitingRunner

        operation = getattr(self._app.screen, "operation", None)
        if not isinstance(operation, Operation) or operation.state.is_over:
            raise RefusedError("There is nothing to take up here.", "`O` lists the operations.")
        if operation.state is not OperationState.LEFT:
            raise RefusedError("It is being carried out.", "It is taken up only when its runner is gone.")
        runner = await asyncio.to_thread(WaitingRunner, operation.plan.place)
        await asyncio.to_thread(lambda: runner.resume(operation.plan.id, who=who_am_i()))
        self._app.say("Taken up: what is done already is not done again.")

    async def do_abort(self, _target: Target, _argument: str) -> None:
        """The screen has asked whether it is meant."""
        from app.commands.ops import who_am_i
        from app.places import operations_folder
        from app.runner_process import WaitingRunner
        from clients.journal_file import ask_abort, journal_path
        from domain.journal import AbortAsked

        operation = getattr(self._app.screen, "operation", None)
        if not isinstance(operation, Operation) or operation.state.is_over:
            raise RefusedError("There is nothing to abort here.", "`O` lists the operations.")
        path = journal_path(operations_folder(), operation.plan.id)
        await asyncio.to_thread(ask_abort, path, AbortAsked(time.time(), who_am_i()))
        if operation.state is OperationState.LEFT:
            # Nobody is there to hear it: whoever takes it up only tidies away what was begun.
            runner = await asyncio.to_thread(WaitingRunner, operation.plan.place)
            await asyncio.to_thread(lambda: runner.resume(operation.plan.id, who=who_am_i()))
        self._app.say("Asked: it stops before its next step. What is done stays done.", "warn")
