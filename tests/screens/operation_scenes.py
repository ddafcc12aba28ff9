"""The screens of operations with something in them, by name."""

from __future__ import annotations

from collections.abc import Callable

from actions.prepare import CheckKind, Prepared
from domain.operation_record import read_record, record_data
from domain.operations import Operation, OperationState
from domain.recorded_operation import recorded_operation
from domain.sanitise import sanitise
from domain.scope import Scope
from screens.asking import AskScreen
from screens.confirm import ConfirmScreen
from screens.operation import OperationScreen
from screens.operations import OperationsScreen
from tests import builders as make
from tests import fleets
from tests.screens.operations import (
    ALPHA,
    CHECKS,
    PRODUCTION,
    at,
    check,
    failed,
    left,
    prepared,
    succeeded,
    under_way,
)
from tests.screens.stage import StageApp, poisoned


def _confirm(scope: Scope, evil: str) -> StageApp:
    made: Prepared = prepared(scope)
    if evil:
        made = poisoned(made, evil)
    screen = ConfirmScreen(sanitise(f"ROLL BACK shop-backend{evil}"), sanitise(f"shop-backend{evil}"), scope)
    app = StageApp(screen)

    def show() -> None:
        screen.show(made)
        screen.form.arm()

    app.call_later(show)
    return app


def _preparing(evil: str) -> StageApp:
    screen = ConfirmScreen("ROLL BACK shop-backend", "shop-backend", PRODUCTION)
    app = StageApp(screen)
    app.call_later(lambda: screen.show_progress(sanitise(f"checking the registry{evil}")))
    return app


def _refused(evil: str) -> StageApp:
    screen = ConfirmScreen("ROLL BACK shop-backend", "shop-backend", PRODUCTION)
    app = StageApp(screen)
    text = sanitise(evil)
    bad = check(CheckKind.BAD, f"shop-backend:v1.8.2 is no longer in the registry{text}", hint="Choose another revision.")

    def refuse() -> None:
        screen.show_refusal(
            f"shop-backend: rollback is refused: image is gone.{text}", "Nothing was changed.", (bad, *CHECKS)
        )

    app.call_later(refuse)
    return app


def _operation(operation: Operation, evil: str, *, is_elsewhere: bool = False) -> StageApp:
    fleet = fleets.rolling(PRODUCTION if operation.plan.place.is_production else ALPHA)
    if evil:
        operation, fleet = poisoned(operation, evil), poisoned(fleet, evil)
    return StageApp(OperationScreen(operation, fleet=fleet, is_elsewhere=is_elsewhere))


def _elsewhere(evil: str) -> StageApp:
    operation = under_way()
    record = read_record(record_data(operation, "ops@jump1", OperationState.RUNNING))
    assert record is not None
    return _operation(recorded_operation(record, operation.plan.place), evil, is_elsewhere=True)


def _operations(evil: str) -> StageApp:
    found = (
        at(under_way(PRODUCTION, id="7KQ2MXPA"), 20),
        at(succeeded(ALPHA, id="B3XW9KMD"), 3 * 3600),
        at(failed(ALPHA, id="QF4T8RZN"), 2 * make.DAY),
        at(left(PRODUCTION, id="M2HC6VPE"), 240),
        at(succeeded(PRODUCTION, id="W8JD3NYS"), 6 * make.DAY),
    )
    if evil:
        found = poisoned(found, evil)
    return StageApp(OperationsScreen(found, fleet=fleets.likely(PRODUCTION)))


def _asking(evil: str) -> StageApp:
    app = _operation(under_way(), evil)
    screen = app.first
    assert isinstance(screen, OperationScreen)

    def ask() -> None:
        screen.do_abort()
        asking = app.screen
        assert isinstance(asking, AskScreen)
        asking.call_after_refresh(asking.form.arm)

    app.call_later(ask)
    return app


SCENES: dict[str, Callable[[str], StageApp]] = {
    "confirm_in_production": lambda evil: _confirm(PRODUCTION, evil),
    "confirm": lambda evil: _confirm(ALPHA, evil),
    "confirm_preparing": _preparing,
    "confirm_refused": _refused,
    "operation": lambda evil: _operation(under_way(), evil),
    "operation_succeeded": lambda evil: _operation(succeeded(ALPHA), evil),
    "operation_failed": lambda evil: _operation(failed(), evil),
    "operation_left": lambda evil: _operation(left(), evil),
    "operation_elsewhere": _elsewhere,
    "operation_abort_asked": _asking,
    "operations": _operations,
    "operations_none": lambda _evil: StageApp(OperationsScreen((), fleet=fleets.likely(ALPHA))),
}
"""Each takes a text to put wherever text from outside may stand, "" for none."""
