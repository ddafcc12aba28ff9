"""Killed anywhere, and taken up: every effect comes about once, and the end is the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from actions.runner import Runner
from domain.journal import operation_of
from domain.marks import parse_marks
from domain.operations import Operation, OperationState, Plan
from domain.verdict import Degree
from tests.actions.stage import GOOD, LOCK, NAMESPACE, OTHER, Stage, deploy, rollback
from tests.actions.stand_ins import Killed

PLANS: tuple[tuple[Callable[[], Plan], str], ...] = ((rollback, "v1.9.0"), (deploy, OTHER))
IDS = ("rollback", "deploy")


def _undisturbed(make_plan: Callable[[], Plan], begins_with: str) -> tuple[Stage, int]:
    stage = Stage(begins_with=begins_with)
    stage.run(make_plan())
    return stage, len(stage.points.seen)


def _is_as_wanted(stage: Stage, operation: Operation, wanted: Stage) -> None:
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert operation.outcome.startswith("VERIFIED: 6/6 on v1.8.2, health ✔ database"), operation.outcome
    assert sorted(stage.effects()) == sorted(wanted.effects())
    assert stage.shelf.effects == wanted.shelf.effects
    assert stage.version() == GOOD
    assert stage.data(LOCK)["state"] == "succeeded"
    marks = parse_marks(stage.data("quarterdeck-marks"), NAMESPACE)
    assert {m.standing for m in marks} == {m.standing for m in parse_marks(wanted.data("quarterdeck-marks"), NAMESPACE)}
    assert not any(lease.is_held for lease in stage.shelf.leases.values())


@pytest.mark.parametrize(("make_plan", "begins_with"), PLANS, ids=IDS)
@pytest.mark.parametrize("pause_s", [0.0, 40.0], ids=["at once", "after the lock has expired"])
def test_killed_at_any_point_each_effect_comes_about_once(
    make_plan: Callable[[], Plan], begins_with: str, pause_s: float
) -> None:
    wanted, points = _undisturbed(make_plan, begins_with)
    assert points > 100
    for cut in range(points):
        stage = Stage(begins_with=begins_with)
        operation = stage.run_to_the_end(make_plan(), cut, pause_s=pause_s)
        try:
            _is_as_wanted(stage, operation, wanted)
        except AssertionError as error:
            raise AssertionError(f"killed at point {cut}, {wanted.points.seen[cut]}: {error}") from error


@pytest.mark.parametrize(("make_plan", "begins_with"), PLANS, ids=IDS)
def test_killed_several_times_each_effect_comes_about_once(make_plan: Callable[[], Plan], begins_with: str) -> None:
    wanted, points = _undisturbed(make_plan, begins_with)
    for seed in range(150):
        dice = random.Random(seed)
        cuts = [dice.randrange(points) for _ in range(dice.randint(2, 5))]
        stage = Stage(begins_with=begins_with)
        operation = stage.run_to_the_end(make_plan(), *cuts, pause_s=dice.choice([0.0, 3.0, 60.0]))
        try:
            _is_as_wanted(stage, operation, wanted)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, killed at {cuts}: {error}") from error


def test_a_journal_cut_at_any_byte_is_taken_up() -> None:
    """What was cut off had been written after its effect, or before it: both are found out by looking."""
    wanted, _ = _undisturbed(rollback, "v1.9.0")
    for cut in [number for number, point in enumerate(wanted.points.seen) if point.startswith("half line")]:
        for share in (0.0, 0.3, 0.9):
            stage = Stage()
            with pytest.raises(Killed):
                stage.points.cut_at = cut
                stage.run(rollback())
            whole, _, torn = stage.journal.text.rpartition(b"\n")
            stage.journal.text = whole + b"\n" * bool(whole) + torn[: int(len(torn) * share)]
            _is_as_wanted(stage, stage.run_to_the_end(rollback()), wanted)


def test_every_byte_of_a_journal_gives_the_lines_before_it() -> None:
    stage, _ = _undisturbed(rollback, "v1.9.0")
    text, facts = stage.journal.text, stage.journal.facts
    whole = 0
    for at in range(len(text)):
        stage.journal.text = text[:at]
        whole = text[:at].count(b"\n")
        assert stage.journal.facts[:whole] == facts[:whole]
        assert len(stage.journal.facts) in (whole, whole + 1)


@pytest.mark.parametrize("is_aborted", [False, True], ids=["doomed", "aborted"])
def test_one_that_does_not_succeed_is_no_better_or_worse_for_having_been_killed(is_aborted: bool) -> None:
    def stage_with(cut: int | None) -> Stage:
        stage = Stage(begins_with=GOOD, degrees={} if is_aborted else {"v1.9.0": Degree.DOOMED})
        stage.points.cut_at = cut

        def ask(runner: Runner) -> None:
            if is_aborted:
                asyncio.get_running_loop().call_at(7, runner.ask_abort, "ops@jump3")

        try:
            stage.run(deploy("v1.9.0", soak_s=20), before=ask)
        except Killed:
            stage.points.cut_at, stage.points.is_dead = None, False
            stage.run(deploy("v1.9.0", soak_s=20), before=ask)
        return stage

    wanted = stage_with(None)
    state = OperationState.ABORTED if is_aborted else OperationState.FAILED
    for cut, point in enumerate(list(wanted.points.seen)):
        stage = stage_with(cut)
        operation = operation_of(stage.journal.facts)
        assert operation is not None
        assert operation.state is state, f"killed at {point}: {operation.outcome}"
        assert sorted(stage.effects()) == sorted(wanted.effects()), f"killed at {point}"
        assert stage.shelf.effects == wanted.shelf.effects, f"killed at {point}"
