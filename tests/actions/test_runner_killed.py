"""Killed anywhere, and taken up: every effect comes about once, and the end is the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from domain.marks import parse_marks
from domain.operations import Operation, OperationState, Plan
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
    assert points > 140
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
