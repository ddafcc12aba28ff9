"""Asks before something is done to an operation that is there already; in production its workload's name is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from domain.operations import Operation, OperationState
from domain.targets import Target
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.confirm_form import ConfirmForm
from widgets.messages import ActionRequested
from widgets.notice import Notice
from widgets.text_lines import TextLine


class AskScreen(ModalScreen[bool]):
    """Ends with whether to do it. The same rules as before any change: painted first, then typed, then Enter."""

    CSS = """
    AskScreen { align: center middle; background: transparent; }
    AskScreen Vertical { width: 74; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; }
    AskScreen Vertical { border: round ansi_cyan; }
    AskScreen.-production Vertical { border: heavy ansi_red; }
    AskScreen.-ascii Vertical { border: ascii ansi_cyan; }
    AskScreen.-ascii.-production Vertical { border: ascii ansi_red; }
    AskScreen ConfirmForm { dock: none; }
    """
    AUTO_FOCUS = "ConfirmForm"

    def __init__(self, title: str, sentences: Sequence[str], name: str, *, is_production: bool, go: str) -> None:
        super().__init__()
        self._is_production = is_production
        self._said = Notice()
        self._lines = [TextLine(title, "title"), *(TextLine(sentence) for sentence in sentences)]
        self.form = ConfirmForm(name, is_production=is_production, go=go, asks_reason=False)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._said
            yield self.form

    def on_mount(self) -> None:
        self.set_class(palette.is_ascii(), "-ascii")
        self.set_class(self._is_production, "-production")
        self._said.show(self._lines)
        self.form.offer("", needs_reason=False)

    @on(ConfirmForm.Answered)
    def _answered(self, message: ConfirmForm.Answered) -> None:
        message.stop()
        self.dismiss(message.reason is not None)


def ask_to_abort(screen: ViewScreen, operation: Operation | None, *, is_elsewhere: bool = False) -> None:
    """Then asks the app for `abort`. Where there is nothing to abort, says so."""
    if operation is None:
        screen.footer.refuse("abort", "there is no operation here.")
    elif operation.state.is_over:
        screen.footer.refuse("abort", f"{operation.plan.id} is over; nothing is left to stop.")
    elif is_elsewhere:
        host = operation.runner_host or "another host"
        screen.footer.refuse("abort", f"it runs from {host}: `quarterdeck ops abort {operation.plan.id}` there.")
    elif operation.is_abort_asked and operation.state is OperationState.RUNNING:
        screen.footer.refuse("abort", "asked already; it stops before its next step.")
    else:
        at, most = operation.position
        sentences = (f"It stands at step {at} of {most}. It stops before its next step, and unlocks.", _kept(operation))
        _ask(screen, operation, "abort", f"Abort {operation.plan.id}: {operation.plan.summary}?", sentences, "Abort")


def ask_to_take_up(screen: ViewScreen, operation: Operation | None, *, is_elsewhere: bool = False) -> None:
    """Then asks the app for `take_up`. Only what its runner has left can be taken up."""
    if operation is None or operation.state is not OperationState.LEFT:
        word = (
            "there is no operation here" if operation is None else f"it is not left by its runner, it is {operation.state}"
        )
        screen.footer.refuse("take_up", f"{word}.")
    elif is_elsewhere:
        name = operation.plan.workload.name if operation.plan.workload is not None else "it"
        screen.footer.refuse("take_up", f"its journal is on another host: act on {name} with `--take-over`.")
    else:
        at, most = operation.position
        sentences = (
            f"It goes on at step {at} of {most}, under the same plan.",
            "A step that was begun is looked at first: what is done already is not done again.",
        )
        _ask(screen, operation, "take_up", f"Take up {operation.plan.id}: {operation.plan.summary}?", sentences, "Take up")


def _kept(operation: Operation) -> str:
    undo = next(
        (s.step.undo for s in reversed(operation.steps) if s.ended_at and s.step.undo.startswith("quarterdeck")), ""
    )
    return f"What is done stays done; to undo it: {undo}" if undo else "What is done stays done."


def _ask(screen: ViewScreen, operation: Operation, name: str, title: str, sentences: Sequence[str], go: str) -> None:
    workload = operation.plan.workload
    wanted = workload.name if workload is not None else operation.plan.id
    asking = AskScreen(title, sentences, wanted, is_production=operation.plan.place.is_production, go=go)

    def answered(is_wanted: bool | None) -> None:
        if is_wanted:
            # To the app itself: the screen would ask again.
            app: Any = screen.app
            app.post_message(ActionRequested(name, Target(workload=workload)))

    screen.app.push_screen(asking, answered)
