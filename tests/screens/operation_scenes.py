"""The screens of operations with something in them, by name."""

from __future__ import annotations

from collections.abc import Callable

from actions.prepare import CheckKind, Prepared
from domain.sanitise import sanitise
from domain.scope import Scope
from screens.confirm import ConfirmScreen
from tests.screens.operations import ALPHA, CHECKS, PRODUCTION, check, prepared
from tests.screens.stage import StageApp, poisoned


def _confirm(scope: Scope, evil: str) -> StageApp:
    made: Prepared = prepared(scope)
    if evil:
        made = poisoned(made, evil)
    screen = ConfirmScreen(sanitise(f"ROLL BACK shop-backend{evil}"), sanitise(f"shop-backend{evil}"), scope)
    app = StageApp(screen)
    app.call_later(lambda: screen.show(made))
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


SCENES: dict[str, Callable[[str], StageApp]] = {
    "confirm_in_production": lambda evil: _confirm(PRODUCTION, evil),
    "confirm": lambda evil: _confirm(ALPHA, evil),
    "confirm_preparing": _preparing,
    "confirm_refused": _refused,
}
"""Each takes a text to put wherever text from outside may stand, "" for none."""
