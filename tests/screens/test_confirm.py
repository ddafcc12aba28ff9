from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from actions.prepare import CheckKind
from domain.compare import Difference
from domain.scope import Scope
from screens.confirm import ConfirmScreen
from tests.screens.operations import ALPHA, CHECKS, PRODUCTION, REASON, check, prepared
from tests.screens.stage import StageApp, seen
from widgets import confirm_form

NAME = "shop-backend"


class _Confirming:
    def __init__(self, app: StageApp, screen: ConfirmScreen, pilot: Pilot[Any]) -> None:
        self.app, self.screen, self.pilot = app, screen, pilot

    async def armed(self) -> None:
        for _ in range(500):
            await self.pilot.pause(0.01)
            if self.screen.form.is_armed:
                return
        raise AssertionError("never armed")

    async def offered(self, **changes: Any) -> None:
        self.screen.show(replace(prepared(self.screen._scope), **changes))
        await self.armed()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def can_go(self) -> bool:
        return self.screen.form.can_go

    @property
    def answers(self) -> list[object]:
        return self.app.answers


@asynccontextmanager
async def confirming(scope: Scope, size: tuple[int, int] = (80, 24)) -> AsyncIterator[_Confirming]:
    screen = ConfirmScreen(f"ROLL BACK {NAME}", NAME, scope)
    app = StageApp(screen)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield _Confirming(app, screen, pilot)


async def test_elsewhere_enter_goes_with_the_reason_from_the_verdict() -> None:
    async with confirming(ALPHA) as at:
        await at.offered()
        await at.press("enter")
        assert at.answers == [REASON]


@pytest.mark.parametrize("scope", [ALPHA, PRODUCTION], ids=["alpha", "production"])
async def test_what_was_typed_ahead_confirms_nothing(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm_form, "READABLE_AFTER_S", 600)
    async with confirming(scope) as at:
        await at.press(*NAME, "enter")
        at.screen.show(prepared(scope))
        await at.press(*NAME, "enter")
        at.screen.form.arm()
        await at.pilot.pause()
        assert at.answers == [] and at.can_go() is (scope is ALPHA)


async def test_a_key_that_was_pressed_before_the_paint_and_arrives_after_it_is_dropped() -> None:
    async with confirming(ALPHA) as at:
        early = events.Key("enter", "\r")
        await at.offered()
        at.screen.form.post_message(early)
        await at.pilot.pause()
        assert at.answers == []
        await at.press("enter")
        assert at.answers == [REASON]


async def test_a_terminal_that_has_not_taken_the_question_yet_arms_nothing() -> None:
    class _Slow(StageApp):
        has_terminal_taken_all = False

    screen = ConfirmScreen(f"ROLL BACK {NAME}", NAME, ALPHA)
    app = _Slow(screen)
    async with app.run_test() as pilot:
        await pilot.pause()
        screen.show(prepared(ALPHA))
        await pilot.pause(confirm_form.READABLE_AFTER_S + 0.1)
        assert not screen.form.is_armed
        app.has_terminal_taken_all = True
        await _Confirming(app, screen, pilot).armed()


async def test_in_production_enter_leaves_until_the_name_is_typed() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        await at.press("enter")
        assert at.answers == [None]


async def test_in_production_the_whole_name_and_nothing_else_goes() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        await at.press(*"shop-backen", "enter")
        assert at.answers == [] and f"That is not {NAME}" in seen(at.app)
        await at.press("d")
        assert at.can_go() and "Enter: roll back" in seen(at.app)
        await at.press("x")
        assert not at.can_go()
        await at.press("backspace", "enter")
        assert at.answers == [REASON]


async def test_a_name_cannot_be_pasted() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        at.screen.form.post_message(events.Paste(NAME))
        await at.press("enter")
        assert at.answers == [None]


@pytest.mark.parametrize("keys", [(), (*NAME,), ("tab", "a", "b")], ids=["at once", "named", "in the reason"])
@pytest.mark.parametrize("leaves", ["escape", "ctrl+c"])
async def test_escape_always_leaves(keys: tuple[str, ...], leaves: str) -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        await at.press(*keys, leaves)
        assert at.answers == [None]


async def test_escape_leaves_while_it_is_being_checked() -> None:
    async with confirming(PRODUCTION) as at:
        at.screen.show_progress("checking the registry")
        await at.pilot.pause()
        assert "checking the registry …" in seen(at.app) and "Nothing has been touched" in seen(at.app)
        await at.press("escape")
        assert at.answers == [None]


async def test_letters_change_nothing_elsewhere() -> None:
    async with confirming(ALPHA) as at:
        await at.offered()
        await at.press("q", "x", "d", "space")
        assert at.answers == [] and at.can_go()


async def test_the_reason_is_edited_and_enter_there_does_not_go() -> None:
    async with confirming(ALPHA) as at:
        await at.offered()
        await at.press("tab", "ctrl+u", *"hotfix", "enter")
        assert at.answers == []
        await at.press("enter")
        assert at.answers == ["hotfix"]


async def test_where_a_reason_is_needed_it_is_said_and_nothing_goes_without() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered(suggested_reason="")
        await at.press(*NAME)
        assert "a reason is needed" in seen(at.app)
        await at.press("enter")
        assert at.answers == []
        await at.press("tab", *"outage", "enter", "enter")
        assert at.answers == ["outage"]


async def test_go_can_be_turned_down_with_an_arrow() -> None:
    async with confirming(ALPHA) as at:
        await at.offered()
        await at.press("left", "enter")
        assert at.answers == [None]


async def test_a_bad_check_disables_go_and_says_why() -> None:
    async with confirming(ALPHA) as at:
        bad = check(CheckKind.BAD, "shop-backend:v1.8.2 is not in the registry", hint="Choose another revision.")
        await at.offered(checks=(bad, *CHECKS))
        text = seen(at.app)
        assert "✖ shop-backend:v1.8.2 is not in the registry" in text and "→ Choose another revision." in text
        assert "Refused" in text and not at.can_go()
        await at.press("enter")
        assert at.answers == [None]


async def test_a_refusal_shows_every_reason_at_once() -> None:
    async with confirming(PRODUCTION) as at:
        at.screen.show_refusal(
            "It is refused: a, b.", "Ask somebody.", (check(CheckKind.BAD, "a"), check(CheckKind.BAD, "b"))
        )
        await at.armed()
        text = seen(at.app)
        assert all(word in text for word in ("It is refused: a, b.", "→ Ask somebody.", "✖ a", "✖ b", "nothing was done"))
        await at.press(*NAME, "enter")
        assert at.answers == [None]


async def test_another_plan_is_to_be_confirmed_anew() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        await at.press(*NAME)
        assert at.can_go()
        at.screen.show(prepared(PRODUCTION))
        await at.press("enter")
        assert at.answers == []
        await at.armed()
        assert not at.can_go()


async def test_what_cannot_be_read_cannot_be_confirmed() -> None:
    async with confirming(ALPHA, (38, 8)) as at:
        await at.offered()
        await at.press("enter")
        assert at.answers == []
        await at.pilot.resize_terminal(80, 24)
        await at.press("enter")
        assert at.answers == [REASON]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}")
async def test_everything_can_be_reached_by_paging(size: tuple[int, int]) -> None:
    async with confirming(PRODUCTION, size) as at:
        many = tuple(Difference("env", f"shop-backend V{n}", "a", "b") for n in range(60))
        await at.offered(differences=many)
        text = seen(at.app)
        for _ in range(12):
            await at.press("pagedown")
            text += seen(at.app)
        for said in ("6 pull requests", "(dry run)", "generation 42)", "13", "undo: quarterdeck rollback", "V59"):
            assert said in text
        await at.press("pageup", "up", "down")
        assert at.answers == []


async def test_a_mouse_goes_only_where_a_key_would() -> None:
    async with confirming(PRODUCTION) as at:
        await at.offered()
        form = at.screen.form
        y = next(n for n, row in enumerate(form._rows) if row == "answer")
        await at.pilot.click(form, offset=(form.size.width - 4, y))
        assert at.answers == [] and f"Type {NAME} first" in seen(at.app)
        await at.press(*NAME)
        await at.pilot.click(form, offset=(form.size.width - 4, y))
        await at.pilot.pause()
        assert at.answers == [REASON]
