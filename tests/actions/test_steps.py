"""What each step does by itself, beside what the runner's tests show of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from actions.ports import Ports
from actions.steps import STEPS, making
from domain.errors import ForbiddenError, UnreachableError
from domain.marks import MARKS_NAME, Mark, Standing, format_marks, parse_marks
from domain.operation_ports import CommandResult
from domain.operation_record import read_record
from domain.operations import Operation, OperationState, Plan, Step, StepState
from domain.plan_json import plan_from_json, plan_to_json
from domain.report import report_of
from domain.workloads import WorkloadKey, WorkloadKind
from tests.actions.stage import GOOD, KEY, LOCK, NAMESPACE, Stage, deploy, only, rollback, series
from tests.actions.stand_ins import T0

SET = WorkloadKey(NAMESPACE, WorkloadKind.STATEFUL_SET, "shop-db")


def step_of(operation: Operation, step_id: str) -> Any:
    return next(s for s in operation.steps if s.step.id == step_id)


def with_steps(*steps: Step) -> Plan:
    return replace(rollback(), steps=steps)


HELM = {kind for kind in STEPS if kind.startswith("helm")}
"""Of releases, not of workloads; made and tested beside their own action (tests/helm)."""


def test_every_step_that_can_be_made_can_be_carried_out() -> None:
    made = (*rollback().steps, making.delete_pods_step(SET, selector={}, bad_hash="x"))
    assert {s.kind for s in made} | HELM == STEPS.keys()
    assert {s.kind for s in made if s.is_write} == {"lock", "record", "patch", "delete_pods", "mark", "event", "unlock"}


def test_a_plan_survives_being_written_down() -> None:
    plan = replace(rollback(), details={"digest": "sha256:1"}, warnings=("slow",), expected_s=40.0)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_a_plan_from_a_newer_version_is_read_without_what_is_new() -> None:
    told = json.loads(json.dumps(plan_to_json(rollback())))
    told["colour"] = "red"
    told["steps"][0]["colour"] = "red"
    assert plan_from_json(told) == rollback()


# Patching


def annotations_after(stage: Stage) -> dict[str, str]:
    return dict(stage.body()["metadata"]["annotations"])


def test_a_patch_says_who_why_and_which_operation() -> None:
    stage = Stage()
    stage.run(rollback())
    found = annotations_after(stage)
    assert found["quarterdeck.dev/operation"] == "7KQ2ABCD"
    assert found["quarterdeck.dev/by"] == "oncall@jump2"
    assert found["quarterdeck.dev/reason"] == "v1.9.0 crashes"
    assert found["kubernetes.io/change-cause"] == "roll back shop-backend to v1.8.2"
    assert found["deployment.kubernetes.io/revision"] == "7"


def test_a_workload_without_annotations_gets_some() -> None:
    stage = Stage()
    del stage.body()["metadata"]["annotations"]
    assert stage.run(rollback()).state is OperationState.SUCCEEDED
    assert annotations_after(stage)["quarterdeck.dev/operation"] == "7KQ2ABCD"


def test_what_the_plan_tests_and_annotates_is_not_said_twice() -> None:
    stage = Stage()
    patch = next(s for s in rollback().steps if s.id == "patch")
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": "d"},
        {"op": "test", "path": "/metadata/generation", "value": 42},
        *patch.arguments["operations"],
        {"op": "add", "path": "/metadata/annotations/quarterdeck.dev~1operation", "value": "7KQ2ABCD"},
        {"op": "add", "path": "/metadata/annotations/quarterdeck.dev~1by", "value": "ci@runner"},
    ]
    sent: list[list[dict[str, Any]]] = []
    real = stage.cluster.patch

    async def spying(kind: str, namespace: str, name: str, given: Any, **more: Any) -> Any:
        sent.append(given)
        return await real(kind, namespace, name, given, **more)

    stage.cluster.patch = spying  # type: ignore[method-assign, assignment]
    stage.run(with_steps(making.patch_step(KEY, uid="d", generation=42, operations=operations)))
    paths = [o["path"] for o in sent[0]]
    assert len(paths) == len(set(paths))
    assert annotations_after(stage)["quarterdeck.dev/by"] == "ci@runner"


def test_a_workload_that_was_made_anew_is_another_one() -> None:
    stage = Stage()
    stage.body()["metadata"]["uid"] = "e"
    operation = stage.run(rollback())
    assert "was deleted and made anew" in operation.outcome


# Deleting pods


class SetStage(Stage):
    """A stateful set whose controller puts a pod in place of a deleted one a second later, from the newest template."""

    def pods(self) -> dict[str, str]:
        """Name -> hash."""
        found = [b for (kind, _, _), b in self.cluster.objects.items() if kind == "Pod"]
        return {b["metadata"]["name"]: b["metadata"]["labels"]["controller-revision-hash"] for b in found}

    def add_pod(self, number: int, hash_: str, *, is_ready: bool) -> None:
        self.cluster.put(
            {
                "kind": "Pod",
                "metadata": {
                    "name": f"shop-db-{number}",
                    "namespace": NAMESPACE,
                    "labels": {"app": "shop-db", "controller-revision-hash": f"shop-db-{hash_}"},
                    "ownerReferences": [{"kind": "StatefulSet", "name": "shop-db", "uid": "s"}],
                },
                "status": {"conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}]},
            }
        )

    def ports(self) -> Ports:
        """The controller lives on while no runner does."""
        replicas = self.cluster.objects["StatefulSet", NAMESPACE, "shop-db"]["spec"]["replicas"]
        ready = [b for b in self.cluster.objects.values() if b["kind"] == "Pod" and _is_ready(b)]
        broken = [name for name, hash_ in self.pods().items() if hash_ == "shop-db-bad"]
        there = {int(name.rpartition("-")[2]) for name in [*broken, *(b["metadata"]["name"] for b in ready)]}
        for number in set(range(replicas)) - there:
            self._make_anew(number)
        return super().ports()

    def _on_change(self, verb: str, body: dict[str, Any]) -> None:
        if body["kind"] == "Pod" and verb == "delete":
            self._make_anew(int(body["metadata"]["name"].rpartition("-")[2]))

    def _make_anew(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, lambda: self.add_pod(number, "good", is_ready=False))
        loop.call_later(3.0, lambda: self.add_pod(number, "good", is_ready=True))


def _is_ready(pod: dict[str, Any]) -> bool:
    return bool(pod["status"]["conditions"][0]["status"] == "True")


def set_stage(*pods: tuple[str, bool]) -> SetStage:
    stage = SetStage()
    stage.cluster.put(
        {
            "kind": "StatefulSet",
            "metadata": {"name": "shop-db", "namespace": NAMESPACE, "uid": "s", "generation": 3},
            "spec": {"replicas": len(pods)},
            "status": {"observedGeneration": 3},
        }
    )
    for number, (hash_, is_ready) in enumerate(pods):
        stage.add_pod(number, hash_, is_ready=is_ready)
    return stage


def test_only_the_broken_pod_that_an_ordered_set_waits_for_is_deleted() -> None:
    stage = set_stage(("good", True), ("bad", True), ("bad", False))
    step = making.delete_pods_step(SET, selector={"app": "shop-db"}, bad_hash="shop-db-bad")
    operation = stage.run(with_steps(step))
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert stage.effects() == ["delete Pod/shop-db-2"]


def test_on_delete_every_pod_goes_the_broken_first_then_one_after_the_other() -> None:
    stage = set_stage(("bad", True), ("good", True), ("bad", False), ("bad", True))
    step = making.delete_pods_step(SET, selector={"app": "shop-db"}, bad_hash="bad", is_broken_only=False)
    operation = stage.run(with_steps(step))
    assert operation.state is OperationState.SUCCEEDED, operation.outcome
    assert stage.effects() == [f"delete Pod/shop-db-{n}" for n in (2, 3, 0)]
    assert stage.moment >= 6


def test_pods_are_deleted_once_wherever_it_is_killed() -> None:
    step = making.delete_pods_step(SET, selector={"app": "shop-db"}, bad_hash="bad", is_broken_only=False)
    wanted = set_stage(("bad", True), ("bad", False))
    wanted.run(with_steps(step))
    for cut in range(len(wanted.points.seen)):
        stage = set_stage(("bad", True), ("bad", False))
        operation = stage.run_to_the_end(with_steps(step), cut)
        assert operation.state is OperationState.SUCCEEDED, f"killed at {wanted.points.seen[cut]}: {operation.outcome}"
        assert stage.effects() == wanted.effects(), f"killed at {wanted.points.seen[cut]}"


def test_a_pod_that_does_not_come_up_again_is_named() -> None:
    stage = set_stage(("bad", True), ("bad", False))
    stage.cluster.on_change = lambda verb, body: None
    step = making.delete_pods_step(SET, selector={"app": "shop-db"}, bad_hash="bad", is_broken_only=False)
    operation = stage.run(with_steps(step))
    assert "1 more of shop-db is not ready in time" in operation.outcome
    assert step_of(operation, "delete-pods").result["deleted"] == ["shop-db-1"]


# Verifying


def test_a_check_that_fails_is_named_in_the_report() -> None:
    stage = Stage(unhealthy=("redis",))
    operation = stage.run(rollback())
    assert operation.outcome.endswith(
        "NOT VERIFIED: 6/6 on v1.8.2, health ✔ database ✖ redis ✔ storage, smoke not run, metrics not run"
    )
    report = report_of(operation)
    assert report is not None
    assert report.failed == ("health", "smoke", "metrics")


def test_an_address_that_does_not_answer_well_fails_the_smoke_test_after_some_tries() -> None:
    stage = Stage(unhealthy=("/api/status",))
    operation = stage.run(rollback())
    assert "smoke test failed: /api/status: 503" in operation.outcome
    assert "smoke ✖ 1/3" in operation.outcome


def test_a_path_is_asked_at_a_new_pod() -> None:
    plan = only(rollback(), "patch", "rollout")
    smoke = making.smoke_http_step(KEY, urls=["/api/status"])
    operation = Stage().run(replace(plan, steps=(*plan.steps, smoke)))
    assert step_of(operation, "smoke-http").message == "1/1 passed"


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(1, "npm ended with 1: 3 of 20 failed"), (None, "npm was not done within 300 s: 3 of 20 failed")],
)
def test_a_command_that_does_not_end_well_is_quoted_and_its_output_kept(exit_code: int | None, words: str) -> None:
    stage = Stage()
    stage.commands.result = CommandResult(exit_code, ("ran 20", "3 of 20 failed", ""), 3.0)
    operation = stage.run(rollback())
    assert step_of(operation, "smoke-command").message == words
    assert step_of(operation, "smoke-command").result["output"] == ["ran 20", "3 of 20 failed", ""]
    assert "smoke ✖ 2/3" in operation.outcome


@pytest.mark.parametrize(
    ("read", "state", "words"),
    [
        (series(0.184, 0.190, T0 + 0.1), StepState.DONE, "p95 190 ms, before 184 ms"),
        (series(0.184, 0.9, T0 + 0.1), StepState.FAILED, "p95 900 ms, before 184 ms"),
        (series(0.184, 0.9, T0 + 0.1, rate=0.1), StepState.DONE, "not compared: too few requests or values to tell"),
        ((), StepState.DONE, "p95 200 ms, before 200 ms"),
    ],
    ids=["much the same", "worse", "nobody there", "unchanged"],
)
def test_metrics_are_compared_with_those_before(read: Any, state: StepState, words: str) -> None:
    stage = Stage(series=read)
    metrics = step_of(stage.run(rollback()), "metrics")
    assert (metrics.state, metrics.message) == (state, words)


def test_without_a_prometheus_it_is_said_and_the_rest_is_verified() -> None:
    stage = Stage()
    ports = stage.ports
    stage.ports = lambda: replace(ports(), metrics=None, health=None)  # type: ignore[method-assign]
    plan = rollback()
    operation = stage.run(replace(plan, steps=tuple(s for s in plan.steps if s.id != "smoke-http")))
    assert operation.outcome == "VERIFIED: 6/6 on v1.8.2, no health endpoint, smoke ✔ 1/1, metrics not compared"


# What others see


def test_the_record_says_which_step_it_is_while_it_runs_and_how_it_ended() -> None:
    stage = Stage()
    seen: list[str] = []

    def look(name: str) -> None:
        if name == "before renew" and ("ConfigMap", NAMESPACE, LOCK) in stage.cluster.objects:
            record = read_record(stage.data(LOCK))
            assert record is not None
            seen.append(record.sentence)

    stage.points.trouble = look
    stage.run(rollback(soak_s=20))
    assert "oncall@jump2 rolls back, step 5 of 14, since 08:00 UTC (7KQ2ABCD): v1.9.0 crashes" in seen
    record = read_record(stage.data(LOCK))
    assert record is not None
    assert record.is_over
    assert record.outcome.startswith("VERIFIED: 6/6")
    assert record.plan() == rollback(soak_s=20)


def test_the_event_says_what_it_came_to() -> None:
    stage = Stage()
    stage.run(rollback())
    event = stage.cluster.objects["Event", NAMESPACE, "shop-backend.quarterdeck-7kq2abcd"]
    assert event["type"] == "Normal"
    assert event["involvedObject"]["uid"] == "d"
    assert event["message"].startswith("oncall@jump2: roll back shop-backend to v1.8.2. VERIFIED: 6/6")
    assert event["eventTime"].endswith("Z")


def test_marks_of_others_stay() -> None:
    stage = Stage()
    web = WorkloadKey(NAMESPACE, WorkloadKind.DEPLOYMENT, "shop-web")
    theirs = Mark(web, Standing.GOOD, "abc", "", T0, "ci@runner", "5CIX")
    body = {"kind": "ConfigMap", "metadata": {"name": MARKS_NAME, "namespace": NAMESPACE}, "data": format_marks([theirs])}
    stage.cluster.put(body)
    stage.run(rollback())
    marks = parse_marks(stage.data(MARKS_NAME), NAMESPACE)
    assert theirs in marks
    assert {(m.standing, m.image, m.digest[:10]) for m in marks if m.workload == KEY} == {
        (Standing.GOOD, f"shop-backend:{GOOD}", "sha256:a97"),
        (Standing.BAD, "shop-backend:v1.9.0", ""),
    }


def test_what_was_not_verified_is_not_marked_good_and_a_mark_can_wait_for_its_patch() -> None:
    stage = Stage(unhealthy=("redis",))
    bad = making.mark_step(KEY, Standing.BAD, template_hash="b", id="mark-bad", is_always_run=True, only_after=["patch"])
    plan = rollback()
    always = replace(plan, steps=tuple(bad if s.id == "mark-bad" else s for s in plan.steps))
    stage.run(always)
    assert [m.standing for m in parse_marks(stage.data(MARKS_NAME), NAMESPACE)] == [Standing.BAD]
    refused = Stage()
    refused.set_image("v1.9.1")
    operation = refused.run(always)
    assert step_of(operation, "mark-bad").message == "only after patch"
    assert ("ConfigMap", NAMESPACE, MARKS_NAME) not in refused.cluster.objects


def test_without_a_lock_a_record_of_somebody_else_is_left_alone() -> None:
    stage = Stage()
    plan = only(deploy(), "patch", "rollout", "record-end")
    theirs = {"operation": "9XYZ", "state": "running"}
    stage.cluster.put({"kind": "ConfigMap", "metadata": {"name": LOCK, "namespace": NAMESPACE}, "data": theirs})
    assert stage.run(plan).state is OperationState.SUCCEEDED
    assert stage.data(LOCK) == theirs


def test_a_lock_that_may_not_be_made_is_refused_with_the_right_that_is_missing() -> None:
    stage = Stage()

    def deny(name: str) -> None:
        if name == "before acquire":
            raise ForbiddenError("may not create leases", "Ask for it, or --no-lock.")

    stage.points.trouble = deny
    operation = stage.run(rollback())
    assert operation.state is OperationState.FAILED
    assert "may not create leases; nothing was changed" in operation.outcome
    assert stage.effects() == []


def test_streams_that_break_are_followed_again() -> None:
    stage = Stage()
    real = stage.fleet
    broken = iter([True, True, False])

    def fleet() -> Any:
        if next(broken, False):
            raise UnreachableError("the stream broke", "")
        return real()

    stage.fleet = fleet  # type: ignore[method-assign]
    assert stage.run(rollback()).state is OperationState.SUCCEEDED
