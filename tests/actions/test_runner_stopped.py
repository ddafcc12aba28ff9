"""What the runner does when it is told to stop, when its lock is gone, and when others are at work."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.runner import Identity, Runner
from domain.errors import (
    UnreachableError,
)
from domain.journal import AbortAsked
from domain.operation_ports import LeaseState
from domain.operations import Operation, OperationState, Plan, StepState
from tests.actions.stage import GOOD, LOCK, NAMESPACE, OTHER, Stage, deploy, only, rollback
from tests.actions.stand_ins import Journal, Killed
from tests.actions.trouble import EFFECTS, PATCH, at, between, lost, now, states
from tests.actions.virtual_time import in_no_time


@pytest.mark.parametrize("moment", [0.05, 4.0, 9.0])
def test_a_lock_that_was_taken_away_stops_it_before_its_next_write(moment: float) -> None:
    stage = Stage()
    other = LeaseState(LOCK, "ops@jump3/9XYZ9XYZ", 15, "", 1, "", "", {})

    def steal() -> None:
        stage.shelf.put(NAMESPACE, other)

    def before(_: Runner) -> None:
        asyncio.get_running_loop().call_at(moment, steal)

    operation = stage.run(rollback(soak_s=30), before=before)
    assert operation.state is OperationState.FAILED
    assert "ops@jump3 has taken the lock over" in operation.outcome
    assert not {e for e in stage.effects() if "marks" in e or "Event" in e}
    assert stage.shelf.leases[NAMESPACE, LOCK].holder == other.holder
    assert states(operation)["unlock"] is StepState.SKIPPED


def test_nothing_is_written_while_nobody_can_say_whether_the_lock_is_held() -> None:
    """Renewals do not get through for longer than the lease lasts; everything else does."""
    stage = Stage()
    writes: list[float] = []

    def trouble(name: str) -> None:
        if "renew" in name and 1 <= now() < 60:
            raise UnreachableError("no answer", "")
        if name.startswith("before") and "ConfigMap" in name:
            writes.append(now())

    stage.points.trouble = trouble
    operation = stage.run(rollback(soak_s=30))
    assert operation.state is OperationState.SUCCEEDED
    assert not [at for at in writes if 16 < at < 60]


def test_somebody_elses_operation_is_respected_in_a_sentence() -> None:
    stage = Stage()
    other = replace(rollback(), id="9XYZ9XYZ", who="ops@jump3", reason="errors")
    in_no_time(_until(stage, other, 6.0))
    operation = stage.run(deploy())
    assert operation.state is OperationState.FAILED
    assert operation.steps[0].message == "ops@jump3 rolls back, step 5 of 14, since 08:00 UTC (9XYZ9XYZ): errors"
    assert operation.steps[0].result["is_refused"] is True
    assert stage.effects().count(PATCH) == 1
    assert stage.data(LOCK)["operation"] == "9XYZ9XYZ"
    assert stage.shelf.leases[NAMESPACE, LOCK].holder == "ops@jump3/9XYZ9XYZ"


async def _until(stage: Stage, plan: Plan, moment: float) -> None:
    """A runner that is gone after so long; its journal is on another host."""
    runner = Runner(plan, Journal(stage.points), stage.ports(), Identity(1, "jump3", "b"))
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(moment)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stage.moment = now()


def test_a_dead_holders_lock_is_taken_over_with_a_reason_once_it_has_expired() -> None:
    stage = Stage()
    in_no_time(_until(stage, replace(rollback(), id="9XYZ9XYZ", who="ops@jump3"), 6.0))
    plan = rollback(generation=43)
    first, *rest = plan.steps
    taking = replace(
        plan, steps=(replace(first, arguments={**first.arguments, "take_over_reason": "jump3 is down"}), *rest)
    )
    operation = stage.run(taking)
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    lock = operation.steps[0]
    assert lock.began_at is not None and lock.ended_at is not None and lock.ended_at - lock.began_at >= 14


def test_another_person_on_another_host_takes_the_operation_itself_up() -> None:
    stage = Stage()
    stage.points.cut_at = 80
    with pytest.raises(Killed):
        stage.run(rollback())
    stage.points.cut_at, stage.points.is_dead = None, False
    operation = stage.run(rollback(), who="ops@jump3")
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert stage.effects().count(PATCH) == 1
    assert stage.data(LOCK)["who"] == "ops@jump3"


@pytest.mark.parametrize("apart_s", [0.0, 0.05, 0.3, 0.6, 2.0])
@pytest.mark.parametrize("has_lock", [True, False], ids=["with the lock", "without"])
def test_of_two_operators_one_patches_and_the_other_is_told(apart_s: float, has_lock: bool) -> None:
    stage = Stage()

    async def one(who: str, plan_id: str, wait_s: float) -> Operation:
        plan = replace(rollback(), id=plan_id, who=who)
        if not has_lock:
            plan = only(plan, "patch", "rollout", "soak")
        await asyncio.sleep(wait_s)
        return await Runner(plan, Journal(stage.points), stage.ports(), Identity(1, "h", "b")).run()

    async def both() -> list[Operation]:
        return list(await asyncio.gather(one("oncall@a", "AAAA", 0.0), one("ops@b", "BBBB", apart_s)))

    first, second = in_no_time(both())
    assert first.state is OperationState.SUCCEEDED, first.outcome
    assert second.state is OperationState.FAILED
    assert "oncall@a" in second.outcome
    assert "AAAA" in second.outcome
    assert stage.version() == GOOD
    assert stage.effects().count(PATCH) == 1


def test_a_spec_changed_since_it_was_confirmed_is_not_overwritten() -> None:
    stage = Stage()
    stage.set_image("v1.9.1", **{"quarterdeck.dev/by": "ci@runner", "quarterdeck.dev/operation": "5CIX"})
    operation = stage.run(rollback())
    assert operation.state is OperationState.FAILED
    assert "was changed since this was planned by ci@runner (operation 5CIX): generation 43, not 42" in operation.outcome
    assert stage.version() == "v1.9.1"


def test_a_spec_changed_under_the_rollout_ends_the_wait() -> None:
    stage = Stage()

    def before(_: Runner) -> None:
        asyncio.get_running_loop().call_at(1.5, stage.set_image, OTHER)

    operation = stage.run(rollback(), before=before)
    assert operation.state is OperationState.FAILED
    assert "was changed again" in operation.outcome
    assert stage.version() == OTHER


@pytest.mark.parametrize(("moment", "patched"), [(0.0, False), (1.5, True), (8.0, True), (14.0, True)])
def test_an_abort_is_honoured_in_waits_and_what_is_always_done_is_done(moment: float, patched: bool) -> None:
    stage = Stage()

    def before(runner: Runner) -> None:
        if moment:
            asyncio.get_running_loop().call_at(moment, runner.ask_abort, "ops@jump3")
        else:
            stage.aborts.append("ops@jump3")

    operation = stage.run(rollback(soak_s=10), before=before)
    assert operation.state is OperationState.ABORTED, operation.outcome
    assert stage.moment <= moment + 1
    assert (PATCH in stage.effects()) is patched
    assert states(operation)["unlock"] is (StepState.DONE if moment else StepState.SKIPPED)
    assert operation.outcome.startswith("ABORTED before step")
    assert [f.who for f in stage.journal.facts if isinstance(f, AbortAsked)] == (["ops@jump3"] if moment else [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_abort_does_not_leave_a_write_unsettled(when: str) -> None:
    stage = Stage()
    trouble = at(f"{when} {PATCH}", lost)

    def aborting(name: str) -> None:
        if name == f"before {PATCH}":
            stage.aborts.append("ops@jump3")
        trouble(name)

    stage.points.trouble = aborting
    operation = stage.run(rollback())
    assert operation.state is OperationState.ABORTED
    assert states(operation)["patch"] is (StepState.DONE if when == "after" else StepState.SKIPPED)
    assert (PATCH in stage.effects()) is (when == "after")


def test_an_operation_that_was_left_can_be_aborted() -> None:
    stage = Stage()
    stage.points.cut_at = 40
    with pytest.raises(Killed):
        stage.run(rollback())
    stage.points.cut_at, stage.points.is_dead = None, False
    stage.aborts.append("ops@jump3")
    operation = stage.run(rollback())
    assert operation.state is OperationState.ABORTED
    assert StepState.UNKNOWN not in states(operation).values()
    assert not stage.shelf.leases[NAMESPACE, LOCK].is_held


def _killed_in_the_soak() -> Stage:
    stage = Stage()
    stage.points.cut_at = 80
    with pytest.raises(Killed):
        stage.run(rollback(soak_s=60))
    stage.points.cut_at, stage.points.is_dead = None, False
    stage.moment += 60
    return stage


def test_one_whose_lock_others_have_by_now_is_not_taken_up() -> None:
    stage = _killed_in_the_soak()
    effects = list(stage.effects())
    annotations = {"quarterdeck.dev/operation": "9XYZ9XYZ"}
    stage.shelf.put(NAMESPACE, LeaseState(LOCK, "ops@jump3/9XYZ9XYZ", 15, "", 1, "", "", annotations))
    operation = stage.run(rollback(soak_s=60))
    assert operation.state is OperationState.FAILED
    assert "ops@jump3 has taken the lock over" in operation.outcome
    assert stage.effects() == effects


def test_one_that_cannot_be_taken_up_for_want_of_an_answer_stays_as_it_was() -> None:
    stage = _killed_in_the_soak()
    stage.points.trouble = between(0, 1e9)
    left = stage.run(rollback(soak_s=60))
    assert (left.state, left.proposal) == (OperationState.LEFT, "quarterdeck ops resume 7KQ2ABCD")
    stage.points.trouble = lambda _: None
    assert stage.run(rollback(soak_s=60)).state is OperationState.SUCCEEDED
    assert sorted(stage.effects()) == sorted(EFFECTS)
