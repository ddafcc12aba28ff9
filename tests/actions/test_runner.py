"""What the runner does when the outside does not do its part, when it is told to stop, and when others are at work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from actions.ports import Executor, Ports, Run
from actions.runner import Identity, Runner
from actions.steps import STEPS
from domain.errors import (
    AnswerLostError,
    ForbiddenError,
    JournalError,
    NotSentError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.journal import AbortAsked, StepBegan, StepEnded, StepTold
from domain.operation_ports import LeaseState
from domain.operations import Json, Operation, OperationState, Plan, Step, StepState
from domain.verdict import Degree
from tests.actions.stage import BAD, DESIRED, GOOD, LOCK, NAMESPACE, OTHER, Stage, deploy, only, rollback
from tests.actions.stand_ins import T0, Journal, Killed
from tests.actions.virtual_time import in_no_time

PATCH = "patch Deployment/shop-backend"
EFFECTS = (
    f"create ConfigMap/{LOCK}",
    PATCH,
    "create ConfigMap/quarterdeck-marks",
    "replace ConfigMap/quarterdeck-marks",
    "create Event/shop-backend.quarterdeck-7kq2abcd",
    f"replace ConfigMap/{LOCK}",
)


def now() -> float:
    return asyncio.get_running_loop().time()


def lost() -> AnswerLostError:
    return AnswerLostError("the connection broke", "Look at the network.")


def states(operation: Operation) -> dict[str, StepState]:
    return {s.step.id: s.state for s in operation.steps}


def at(point: str, error: Callable[[], Exception], times: int = 1) -> Callable[[str], None]:
    """Raises at that point, so many times."""
    left = [times]

    def trouble(name: str) -> None:
        if name == point and left[0]:
            left[0] -= 1
            raise error()

    return trouble


def between(begin_s: float, end_s: float) -> Callable[[str], None]:
    """The API server is away: what is sent does not arrive, and what has arrived is not answered."""

    def trouble(name: str) -> None:
        if begin_s <= now() < end_s and not name.partition(" ")[2].startswith(("line", "command")):
            raise lost() if name.startswith("after") else UnreachableError("no answer", "Look at the network.")

    return trouble


@pytest.mark.parametrize("effect", [*EFFECTS, "acquire", "release"])
@pytest.mark.parametrize("when", ["before", "after"], ids=["it had not arrived", "it had been carried out"])
def test_an_answer_that_is_lost_is_settled_by_looking(effect: str, when: str) -> None:
    stage = Stage()
    stage.points.trouble = at(f"{when} {effect}", lost)
    operation = stage.run(rollback())
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert sorted(stage.effects()) == sorted(EFFECTS)
    assert [e.partition(" ")[0] for e in stage.shelf.effects] == ["acquire", "release"]


def test_what_was_never_sent_is_sent_again() -> None:
    stage = Stage()
    stage.points.trouble = at(f"before {PATCH}", lambda: NotSentError("no route", ""), times=3)
    assert stage.run(rollback()).state is OperationState.SUCCEEDED
    assert stage.effects().count(PATCH) == 1


def test_a_server_that_asks_for_patience_gets_it() -> None:
    stage = Stage()
    stage.points.trouble = at(f"before {PATCH}", lambda: RateLimitedError("slow down", "", retry_after_s=17), times=2)
    operation = stage.run(rollback())
    patch = operation.steps[2]
    assert patch.began_at is not None and patch.ended_at is not None
    assert 34 <= patch.ended_at - patch.began_at < 40
    assert stage.effects().count(PATCH) == 1
    assert any(isinstance(f, StepTold) and "slow down" in f.message for f in stage.journal.facts)


@pytest.mark.parametrize("begin_s", [0.0, 0.3, 2.5, 6.0, 13.0, 14.9])
def test_an_api_server_that_is_away_for_half_a_minute_is_waited_for(begin_s: float) -> None:
    stage = Stage()
    stage.points.trouble = between(begin_s, begin_s + 30)
    operation = stage.run(rollback())
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert sorted(stage.effects()) == sorted(EFFECTS)


@pytest.mark.parametrize("when", ["before", "after"], ids=["it had not arrived", "it had been carried out"])
def test_what_cannot_be_found_out_is_left_and_can_be_resumed(when: str) -> None:
    stage = Stage()
    gone = [False]

    def trouble(name: str) -> None:
        gone[0] = gone[0] or name == f"{when} {PATCH}"
        if gone[0] and "line" not in name:
            raise lost()

    stage.points.trouble = trouble
    left = stage.run(rollback())
    assert left.state is OperationState.LEFT
    assert left.steps[2].state is StepState.UNKNOWN
    assert "it may or may not have happened" in left.steps[2].message
    assert left.proposal == "quarterdeck ops resume 7KQ2ABCD"
    stage.points.trouble = lambda _: None
    stage.moment += 600
    resumed = stage.run(rollback())
    assert resumed.state is OperationState.SUCCEEDED
    assert resumed.steps[2].state is (StepState.ALREADY if when == "after" else StepState.DONE)
    assert sorted(stage.effects()) == sorted(EFFECTS)


def test_a_login_that_has_expired_leaves_the_operation_to_be_resumed() -> None:
    stage = Stage()
    stage.points.trouble = at(f"before {PATCH}", lambda: UnauthorizedError("not accepted", "Log in again."), times=99)
    left = stage.run(rollback())
    assert (left.state, left.steps[2].hint) == (OperationState.LEFT, "Log in again.")
    stage.points.trouble = lambda _: None
    assert stage.run(rollback()).state is OperationState.SUCCEEDED


def test_rights_taken_away_midway_end_it_and_what_is_always_done_is_done() -> None:
    stage = Stage()
    stage.points.trouble = at(f"before {PATCH}", lambda: ForbiddenError("may not patch deployments", "Ask for it."), 99)
    operation = stage.run(rollback())
    assert operation.state is OperationState.FAILED
    assert "may not patch deployments; nothing was changed" in operation.outcome
    assert states(operation)["rollout"] is StepState.SKIPPED
    assert states(operation)["unlock"] is StepState.DONE
    assert stage.data(LOCK)["state"] == "failed"
    assert stage.version() == BAD


def test_what_only_tells_others_does_not_fail_a_rollback() -> None:
    stage = Stage()
    event = "before create Event/shop-backend.quarterdeck-7kq2abcd"
    stage.points.trouble = at(event, lambda: ForbiddenError("may not create events", ""), 99)
    operation = stage.run(rollback())
    assert operation.state is OperationState.SUCCEEDED
    assert operation.outcome.endswith("; could not write a Kubernetes event: may not create events")


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


@pytest.mark.parametrize("degree", [Degree.DOOMED, Degree.LIKELY, Degree.BUSINESS])
def test_a_failing_verdict_ends_a_deploy_at_once_and_proposes_the_way_back(degree: Degree) -> None:
    stage = Stage(begins_with=GOOD, degrees={BAD: degree})
    operation = stage.run(deploy(BAD))
    assert operation.state is OperationState.FAILED
    assert operation.proposal == "quarterdeck rollback shop-backend --to last-good"
    assert "Last good is v1.8.2" in operation.steps[3].hint
    assert stage.moment < 8
    assert operation.outcome.endswith(
        "NOT VERIFIED: 0/6 on v1.9.0 ✖, soak not run, health not run, smoke not run, metrics not run"
    )


def test_a_rollout_that_gets_nowhere_ends_at_its_time_limit_with_what_was_seen() -> None:
    stage = Stage(begins_with=GOOD, degrees={BAD: Degree.SUSPECT})
    plan = deploy(BAD)
    slow = replace(plan, steps=tuple(replace(s, timeout_s=2) if s.id == "rollout" else s for s in plan.steps))
    operation = stage.run(slow)
    assert operation.steps[3].state is StepState.FAILED
    assert operation.steps[3].message.startswith("after 2s ")
    assert operation.steps[3].result["desired"] == DESIRED


def test_what_cannot_be_seen_does_not_count_as_well() -> None:
    stage = Stage()
    stage.is_api_silent = True

    def before(_: Runner) -> None:
        asyncio.get_running_loop().call_at(40, setattr, stage, "is_api_silent", False)

    operation = stage.run(rollback(), before=before)
    assert operation.state is OperationState.SUCCEEDED
    assert stage.moment > 50
    assert any(isinstance(f, StepTold) and "does not answer" in f.message for f in stage.journal.facts)


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


def test_a_journal_that_cannot_be_written_is_found_out_before_anything_is_touched() -> None:
    stage = Stage()
    stage.points.trouble = at("before line Planned", lambda: JournalError("the disk is full", "Make room."))
    with pytest.raises(JournalError):
        stage.run(rollback())
    assert stage.points.seen == ["before line Planned"]


def test_a_journal_that_breaks_midway_stops_it_before_the_next_effect() -> None:
    stage = Stage()
    trouble = at("before line StepBegan", lambda: JournalError("the disk is full", "Make room."), 99)
    stage.points.trouble = lambda name: trouble(name) if PATCH in stage.effects() else None
    with pytest.raises(JournalError):
        stage.run(rollback())
    assert stage.effects() == list(EFFECTS[:2])
    stage.points.trouble = lambda _: None
    assert stage.run(rollback()).state is OperationState.SUCCEEDED
    assert sorted(stage.effects()) == sorted(EFFECTS)


def test_progress_that_cannot_be_written_is_nothing_to_stop_for() -> None:
    stage = Stage()
    stage.points.trouble = at("before line StepTold", lambda: JournalError("the disk is full", "Make room."), 99)
    assert stage.run(rollback()).state is OperationState.SUCCEEDED


def test_one_that_is_over_is_not_done_again() -> None:
    stage = Stage()
    first = stage.run(rollback())
    effects, lines = list(stage.effects()), stage.journal.text
    assert stage.run(rollback()) == first
    assert (stage.effects(), stage.journal.text) == (effects, lines)


def test_every_effect_is_in_the_journal_before_it_comes_about() -> None:
    stage = Stage()
    stage.run(rollback())
    seen = stage.points.seen
    patched = seen.index(f"before {PATCH}")
    begun = [f.step for f in stage.journal.facts if isinstance(f, StepBegan)]
    assert seen[:patched].count("after line StepBegan") == begun.index("patch") + 1
    ended = [f.step for f in stage.journal.facts if isinstance(f, StepEnded)]
    assert begun == ended == [s.id for s in rollback().steps]


class _Defective(Executor):
    kind = "patch"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        raise ZeroDivisionError("token=abc")


def test_a_defect_of_ours_is_told_and_does_not_stop_the_unlocking() -> None:
    stage = Stage()

    async def go() -> Operation:
        steps: dict[str, Any] = {**STEPS, "patch": _Defective()}
        me = Identity(1, "jump2", "b")
        return await Runner(rollback(), stage.journal, stage.ports(), me, steps=steps).run()

    operation = in_no_time(go())
    assert operation.state is OperationState.FAILED
    assert "a defect of Quarterdeck: ZeroDivisionError" in operation.outcome
    assert b"token=abc" not in stage.journal.text
    assert states(operation)["unlock"] is StepState.DONE


def test_a_plan_of_a_newer_version_is_not_guessed_at() -> None:
    stage = Stage()
    plan = rollback()
    strange = replace(plan, steps=(plan.steps[0], Step("dance", "dance", "dance", is_write=True), *plan.steps[1:]))
    operation = stage.run(strange)
    assert "does not know how to do dance" in operation.outcome
    assert stage.version() == BAD
    assert states(operation)["unlock"] is StepState.DONE


def test_a_fault_of_the_server_is_looked_into_before_it_is_asked_again() -> None:
    stage = Stage()
    stage.points.trouble = at(f"after {PATCH}", lambda: OutsideError("the API server failed (500)", ""))
    assert stage.run(rollback()).state is OperationState.SUCCEEDED
    assert stage.effects().count(PATCH) == 1


def test_the_times_are_the_servers() -> None:
    stage = Stage()
    operation = stage.run(rollback())
    assert operation.began_at == T0
    assert operation.ended_at is not None and operation.ended_at - T0 == pytest.approx(stage.moment)


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
