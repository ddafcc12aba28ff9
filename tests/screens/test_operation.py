from __future__ import annotations

from dataclasses import replace

import pytest

from domain.attending import in_order_of_need, needs_person
from domain.operation_record import OperationRecord, read_record, record_data
from domain.operations import Operation, OperationState, StepState
from domain.recorded_operation import recorded_operation
from screens.asking import AskScreen
from screens.operation import OperationScreen
from screens.operations import OperationsScreen
from tests import builders as make
from tests import fleets
from tests.screens.operations import ALPHA, PRODUCTION, at, failed, left, succeeded, under_way
from tests.screens.stage import StageApp, rows, seen
from widgets.confirm_form import ConfirmForm


def _app(operation: Operation | None, *, is_elsewhere: bool = False) -> StageApp:
    return StageApp(OperationScreen(operation, fleet=fleets.rolling(ALPHA), is_elsewhere=is_elsewhere))


def _screen(app: StageApp) -> OperationScreen:
    assert isinstance(app.first, OperationScreen)
    return app.first


async def test_who_what_why_and_how_far_it_is() -> None:
    app = _app(under_way(ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = seen(app)
        for said in ("rollback shop-backend", "step 4 of 13", "0:20 of about 1:40", "by oncall@jump2", "7KQ2MXPA",
                     "reason v1.9.0 likely failing", "4/6 ready", "no sign of failure", "▕███████░░░▏",
                     "quarterdeck ops attach 7KQ2MXPA", "Ctrl-c leaves it running"):  # fmt: skip
            assert said in text, said


async def test_steps_are_repainted_as_the_journal_grows() -> None:
    app = _app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Waiting for the first line" in seen(app)
        _screen(app).operation = under_way(ALPHA)
        await pilot.pause()
        assert "◐  4" in seen(app) and "✔  3" in seen(app)
        _screen(app).operation = succeeded(ALPHA)
        await pilot.pause()
        assert "✔ VERIFIED: 6/6 on v1.8.2" in seen(app) and "took 0:18" in seen(app) and "X Abort" not in seen(app)


async def test_the_step_that_runs_stays_in_sight() -> None:
    begun = under_way(ALPHA)
    steps = list(begun.steps)
    steps[3] = replace(steps[3], state=StepState.DONE, ended_at=make.NOW)
    steps[12] = replace(steps[12], state=StepState.RUNNING, began_at=make.NOW, message="letting go")
    app = _app(begun)
    async with app.run_test(size=(80, 14)) as pilot:
        await pilot.pause()
        _screen(app).operation = replace(begun, steps=tuple(steps))
        await pilot.pause()
        await pilot.pause()
        assert "letting go" in seen(app)


async def test_a_failure_says_why_and_what_next() -> None:
    app = _app(failed(ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = seen(app)
        for said in ("✖ failed", "doomed: ImagePullBackOff", "→ v1.8.2 can no longer be pulled", "left out: after a",
                     "next: quarterdeck rollback shop-backend --to v1.8.1"):  # fmt: skip
            assert said in text, said


async def test_what_a_gone_runner_was_at_is_not_known() -> None:
    app = _app(left(ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = seen(app)
        for said in ("LEFT half done", "?  4", "not known whether", "gone, silent for 3m10s", "U Take up",
                     "quarterdeck ops resume 7KQ2MXPA"):  # fmt: skip
            assert said in text, said


async def test_the_frame_is_that_of_the_operation_not_of_what_is_watched() -> None:
    app = _app(under_way(PRODUCTION))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.has_class("-production") and "PRODUCTION" in rows(app)[1]


@pytest.mark.parametrize(
    "scope, key, keys, asked",
    [
        (ALPHA, "X", ["enter"], "abort"),
        (ALPHA, "X", ["escape"], ""),
        (PRODUCTION, "X", ["enter"], ""),
        (PRODUCTION, "X", [*"shop-backend", "enter"], "abort"),
        (PRODUCTION, "U", [*"shop-backend", "enter"], "take_up"),
    ],
    ids=["alpha", "alpha, left", "production, not named", "production, named", "taken up"],
)
async def test_it_is_asked_before_an_operation_is_stopped(scope: object, key: str, keys: list[str], asked: str) -> None:
    make_one = left if key == "U" else under_way
    app = _app(make_one(PRODUCTION if scope is PRODUCTION else ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        assert isinstance(app.screen, AskScreen) and app.asked == []
        form: ConfirmForm = app.screen.form
        while not form.is_armed:
            await pilot.pause(0.02)
        await pilot.press(*keys)
        await pilot.pause()
        assert [name for name, _ in app.asked] == ([asked] if asked else [])
        assert isinstance(app.screen, OperationScreen)


async def test_a_lower_case_letter_stops_nothing() -> None:
    app = _app(under_way(ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("a", "x", "u")
        assert app.asked == [] and app.screen is app.first


@pytest.mark.parametrize(
    "operation, key, said, is_elsewhere",
    [
        (succeeded(ALPHA), "X", "is over", False),
        (replace(under_way(ALPHA), is_abort_asked=True), "X", "asked already", False),
        (under_way(ALPHA), "U", "not left by its runner", False),
        (under_way(ALPHA), "X", "it runs from jump2", True),
    ],
    ids=["over", "asked already", "not left", "elsewhere"],
)
async def test_what_cannot_be_asked_for_says_why(operation: Operation, key: str, said: str, is_elsewhere: bool) -> None:
    app = _app(operation, is_elsewhere=is_elsewhere)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        assert said in seen(app) and app.asked == []


async def test_the_logs_are_those_of_its_workload() -> None:
    app = _app(under_way(ALPHA))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("l")
        assert [name for name, _ in app.asked] == ["logs"]
        assert getattr(app.asked[0][1], "workload", None) == under_way(ALPHA).plan.workload


def _record(**changes: str) -> OperationRecord:
    record = read_record(record_data(under_way(), "ops@jump1", OperationState.RUNNING) | changes)
    assert record is not None
    return record


async def test_an_operation_of_another_host_is_shown_from_its_record() -> None:
    operation = recorded_operation(_record(), under_way().plan.place)
    assert [s.state for s in operation.steps[2:5]] == [StepState.DONE, StepState.RUNNING, StepState.WAITING]
    app = _app(operation, is_elsewhere=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = seen(app)
        assert "It runs from jump1" in text and "step 4 of 13" in text and "X Abort" not in text


@pytest.mark.parametrize("plan", ["", "{", "[]", '{"id": 1}'])
def test_a_record_whose_plan_cannot_be_read_still_tells_how_far_it_is(plan: str) -> None:
    operation = recorded_operation(_record(plan=plan), under_way().plan.place)
    assert operation.position == (4, 13) and operation.plan.summary.startswith("roll back shop-backend")


# The list


@pytest.mark.parametrize(
    "operations, order",
    [
        ((succeeded(ALPHA, id="GOOD"), left(ALPHA, id="LEFT"), under_way(ALPHA, id="RUNS")), ["LEFT", "RUNS", "GOOD"]),
        ((under_way(PRODUCTION, id="RUNS"), at(failed(ALPHA, id="BAD"), 900)), ["BAD", "RUNS"]),
        ((at(succeeded(ALPHA, id="OLD"), 900), at(succeeded(ALPHA, id="NEW"), 90)), ["NEW", "OLD"]),
        ((at(failed(ALPHA, id="BAD"), 900), at(succeeded(ALPHA, id="GOOD"), 90)), ["GOOD", "BAD"]),
    ],
    ids=["left", "failed", "newest", "mended"],
)
def test_what_needs_a_person_comes_first_then_the_newest(operations: tuple[Operation, ...], order: list[str]) -> None:
    assert [o.plan.id for o in in_order_of_need(operations)] == order


def test_a_failure_that_something_was_done_about_needs_nobody() -> None:
    bad, mended = at(failed(ALPHA, id="BAD"), 900), at(succeeded(ALPHA, id="GOOD"), 100)
    assert needs_person(bad, (bad,)) and not needs_person(bad, (bad, mended))
    assert needs_person(left(ALPHA), (left(ALPHA), mended))


async def test_enter_opens_one_and_the_list_is_live() -> None:
    screen = OperationsScreen(None, fleet=fleets.likely(ALPHA))
    app = StageApp(screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Reading the journals" in seen(app)
        screen.operations = (at(succeeded(ALPHA, id="B3XW9KMD"), 60), at(left(ALPHA, id="M2HC6VPE"), 600))
        await pilot.pause()
        assert "✖ 1 needs you" in seen(app) and "U Take up" in seen(app)
        await pilot.press("j")
        await pilot.pause()
        assert "U Take up" not in seen(app)
        await pilot.press("O", "enter")
        await pilot.pause()
        assert app.commands == [("ops", "B3XW9KMD")] and app.asked == [] and app.screen is screen


async def test_nothing_yet_says_what_to_do() -> None:
    app = StageApp(OperationsScreen((), fleet=fleets.likely(ALPHA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "No operation has been begun from this host yet." in seen(app) and "Z rolls it back" in seen(app)


async def test_the_list_can_be_narrowed() -> None:
    app = StageApp(OperationsScreen((at(succeeded(ALPHA, id="AAAA"), 9), at(failed(PRODUCTION, id="BBBB"), 8))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"production", "enter")
        await pilot.pause()
        assert "BBBB" in seen(app) and "AAAA" not in seen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "AAAA" in seen(app)


async def test_one_can_be_stopped_from_the_list() -> None:
    app = StageApp(OperationsScreen((at(under_way(ALPHA), 9),), fleet=fleets.likely(ALPHA)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("X")
        assert isinstance(app.screen, AskScreen)
        while not app.screen.form.is_armed:
            await pilot.pause(0.02)
        await pilot.press("enter")
        await pilot.pause()
        assert [name for name, _ in app.asked] == ["abort"]
