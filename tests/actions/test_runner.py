"""What the runner does when the outside does not do its part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from actions.ports import Executor, Ports, Run
from actions.runner import Identity, Runner
from actions.steps import STEPS
from domain.errors import (
    ForbiddenError,
    JournalError,
    NotSentError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
)
from domain.journal import StepBegan, StepEnded, StepTold
from domain.operations import Json, Operation, OperationState, Step, StepState
from domain.verdict import Degree
from tests.actions.stage import BAD, DESIRED, GOOD, LOCK, Stage, deploy, rollback
from tests.actions.stand_ins import T0
from tests.actions.trouble import EFFECTS, PATCH, at, between, lost, states
from tests.actions.virtual_time import in_no_time


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
