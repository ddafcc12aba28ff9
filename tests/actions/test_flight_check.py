from __future__ import annotations

from typing import Any

import pytest

from actions.pause import PauseOptions, ResumeOptions
from actions.pause import prepare as prepare_pause
from actions.prepare import CheckKind, RefusedByChecksError
from actions.restart import RestartOptions
from actions.restart import prepare as prepare_restart
from actions.rollback import RollbackOptions, prepare
from actions.scale import ScaleOptions
from actions.scale import prepare as prepare_scale
from actions.steps.making import lock_name
from domain.errors import ConflictError, ForbiddenError, OutsideError, UnreachableError
from domain.operation_ports import LeaseState
from domain.operations import Json, Operation, OperationState
from domain.verdict import Degree
from domain.workloads import WorkloadKind
from tests.actions.planning_stage import DAY, KEY, STUCK, Scene, Was
from tests.actions.stage import rollback
from tests.actions.stand_ins import Cluster

LOCK = lock_name(KEY)
SETTLED = (Was("v1.8.2", 8, 6 * DAY, 6, 6), Was("v1.8.1", 7, 7 * DAY))


def _lease(renewed: str = "2025-10-09T08:53:15.000000Z", holder: str = "ops@jump1/8KQ2ABCD") -> LeaseState:
    note = {"quarterdeck.dev/operation": "8KQ2ABCD"}
    return LeaseState(LOCK, holder, 15, renewed, 0, "l", "1", note)


def _locked(scene: Scene, lease: LeaseState) -> Scene:
    scene.shelf.leases[KEY.namespace, LOCK] = lease
    return scene


def _record(**changes: str) -> dict[str, Any]:
    data = {"operation": "8KQ2ABCD", "who": "ops@jump1", "action": "deploy", "since": "2025-10-09T08:50:00Z"}
    data |= {"step": "3", "steps": "9", "state": OperationState.RUNNING, "reason": "release", **changes}
    return {"kind": "ConfigMap", "metadata": {"name": LOCK, "namespace": KEY.namespace}, "data": data}


async def _checks(scene: Scene, **options: Any) -> dict[str, tuple[CheckKind, str]]:
    options = {"reason": "crashes", **options}
    try:
        found = (await prepare(scene.ports(), scene.fleet(), scene.key, RollbackOptions(**options))).checks
    except RefusedByChecksError as error:
        found = error.checks
    return {c.name: (c.kind, c.words) for c in found}


async def test_all_is_well() -> None:
    checks = await _checks(Scene())
    assert checks["rights"] == (CheckKind.GOOD, "you may patch deployments in shop-practice")
    assert checks["lock"] == (CheckKind.GOOD, "no other operation on it")
    assert checks["dry-run"] == (CheckKind.GOOD, "the API server accepts it (dry run)")
    assert checks["serving"] == (CheckKind.GOOD, "old pods serve 6/6")


async def test_another_operation_is_named_with_who_what_and_when() -> None:
    kind, words = (await _checks(_locked(Scene(others=[_record()]), _lease())))["lock"]
    assert (kind, words) == (CheckKind.BAD, "ops@jump1 deploys, step 3 of 9, since 08:50 UTC (8KQ2ABCD): release")


async def test_a_holder_that_has_been_silent_can_be_taken_over_with_a_reason() -> None:
    scene = _locked(Scene(others=[_record()]), _lease("2025-10-09T08:00:00.000000Z"))
    kind, words = (await _checks(scene))["lock"]
    assert kind is CheckKind.BAD and "silent for 53m" in words
    prepared = await prepare(
        scene.ports(), scene.fleet(), KEY, RollbackOptions(reason="their host is gone", take_over=True)
    )
    lock = prepared.plan.steps[0]
    assert lock.arguments["take_over_reason"] == "their host is gone" and prepared.needs_reason


@pytest.mark.parametrize(
    "lease, record",
    [(_lease(holder=""), _record()), (_lease(), _record(state=OperationState.SUCCEEDED))],
    ids=["nobody holds it", "what held it is over"],
)
async def test_what_is_over_is_in_nobodys_way(lease: LeaseState, record: dict[str, Any]) -> None:
    assert (await _checks(_locked(Scene(others=[record]), lease)))["lock"][0] is CheckKind.GOOD


async def test_missing_rights_are_listed_together() -> None:
    scene = Scene(kind=WorkloadKind.STATEFUL_SET)
    scene.cluster.deny = {"patch statefulsets", "delete pods", "update configmaps", "create events"}
    checks = await _checks(scene)
    assert checks["rights"] == (CheckKind.BAD, "you may not patch statefulsets and delete pods in shop-practice")
    assert checks["record-rights"][0] is CheckKind.WARN and checks["event-rights"][0] is CheckKind.WARN


async def test_without_the_right_to_lock_it_goes_on_only_where_that_is_wanted() -> None:
    scene = Scene()
    scene.cluster.deny = {"create leases", "patch configmaps", "create events"}
    with pytest.raises(RefusedByChecksError, match="may not create leases"):
        await prepare(scene.ports(), scene.fleet(), KEY, RollbackOptions(reason="x"))
    prepared = await prepare(scene.ports(), scene.fleet(), KEY, RollbackOptions(reason="x", no_lock=True))
    ids = {s.id for s in prepared.plan.steps}
    assert not ids & {"lock", "unlock", "record", "record-end", "mark", "mark-bad", "event"} and prepared.needs_reason


@pytest.mark.parametrize(
    "metadata, says",
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment"}}, "Argo CD application shop"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux kustomization apps"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux Helm release shop"),
        (
            {
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            "Helm release shop",
        ),
    ],
)
async def test_who_would_put_it_back_is_told(metadata: dict[str, Any], says: str) -> None:
    kind, words = (await _checks(Scene(metadata=metadata)))["gitops"]
    assert kind is CheckKind.WARN and says in words


AUTOSCALER = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "shop", "namespace": KEY.namespace},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": KEY.name}, "minReplicas": 3, "maxReplicas": 12},
}
QUOTA = {
    "kind": "ResourceQuota",
    "metadata": {"name": "small", "namespace": KEY.namespace},
    "status": {"hard": {"pods": "8", "requests.cpu": "4"}, "used": {"pods": "7", "requests.cpu": "3900m"}},
}
BUDGET = {
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "shop", "namespace": KEY.namespace},
    "spec": {"selector": {"matchLabels": {"app": KEY.name}}},
    "status": {"disruptionsAllowed": 0},
}


@pytest.mark.parametrize(
    "other, name, kind, says",
    [
        (AUTOSCALER, "autoscaler", CheckKind.GOOD, "HPA shop keeps 3 to 12 replicas"),
        (QUOTA, "quota", CheckKind.WARN, "quota small: pods 7 of 8 is used"),
        (BUDGET, "budget", CheckKind.WARN, "PodDisruptionBudget shop lets no pod go now"),
    ],
)
async def test_room_is_told(other: dict[str, Any], name: str, kind: CheckKind, says: str) -> None:
    found = (await _checks(Scene(others=[other])))[name]
    assert found[0] is kind and says in found[1]


@pytest.mark.parametrize(
    "error, kind",
    [
        (ConflictError("generation was 42, is 43", ""), CheckKind.BAD),
        (ForbiddenError("you may not", ""), CheckKind.BAD),
        (OutsideError("admission webhook says no", ""), CheckKind.BAD),
        (UnreachableError("no answer", ""), CheckKind.UNKNOWN),
    ],
)
async def test_the_dry_run_is_reported(error: OutsideError, kind: CheckKind, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, is_dry_run: bool = False) -> Json:
        raise error

    monkeypatch.setattr(Cluster, "patch", refused)
    found = (await _checks(Scene()))["dry-run"]
    assert found[0] is kind and error.message in found[1]


async def test_a_paused_rollout_says_what_to_do() -> None:
    scene = Scene(spec={"paused": True})
    with pytest.raises(RefusedByChecksError, match="paused") as refused:
        await prepare(scene.ports(), scene.fleet(), KEY, RollbackOptions(reason="x"))
    assert "quarterdeck resume shop-backend" in refused.value.hint


async def test_everything_that_can_be_said_is_in_the_record_of_a_plan() -> None:
    """A plan of ours and one of the runner's own tests have the same steps in the same order, as far as both have them."""
    ours = (await prepare(Scene().ports(), Scene().fleet(), KEY, RollbackOptions(reason="x"))).plan
    theirs = [s.id for s in rollback().steps]
    shared = [s.id for s in ours.steps if s.id in theirs and not s.id.startswith("mark")]
    assert shared == [i for i in theirs if i in shared]
    assert Operation(ours, OperationState.PLANNED, ()).plan.workload == KEY


# The small ones


async def test_a_restart_asks_for_new_pods_of_the_same_version() -> None:
    scene = Scene(SETTLED, degree=Degree.HEALTHY)
    prepared = await prepare_restart(scene.ports(), scene.fleet(), KEY, RestartOptions(reason="leak"))
    (operation,) = next(s for s in prepared.plan.steps if s.id == "patch").arguments["operations"]
    assert operation["value"] == {"kubectl.kubernetes.io/restartedAt": "2025-10-09T08:53:20Z"}
    assert [s.id for s in prepared.plan.steps][2:5] == ["patch", "rollout", "soak"]


async def test_a_pause_only_patches_and_a_resume_is_followed() -> None:
    scene = Scene(STUCK)
    prepared = await prepare_pause(scene.ports(), scene.fleet(), KEY, PauseOptions(reason="look first"))
    assert [s.id for s in prepared.plan.steps] == ["lock", "record", "patch", "event", "record-end", "unlock"]
    scene = Scene(STUCK, spec={"paused": True})
    prepared = await prepare_pause(scene.ports(), scene.fleet(), KEY, ResumeOptions(reason="looked"))
    assert "soak" in [s.id for s in prepared.plan.steps]


@pytest.mark.parametrize(
    "scene, options, says",
    [
        (Scene(STUCK), ResumeOptions(), "it is not paused"),
        (Scene(STUCK, spec={"paused": True}), PauseOptions(), "it is paused already"),
        (Scene(STUCK, kind=WorkloadKind.DAEMON_SET), PauseOptions(), "a DaemonSet cannot be paused"),
    ],
)
async def test_what_cannot_be_paused_says_why(scene: Scene, options: PauseOptions | ResumeOptions, says: str) -> None:
    with pytest.raises(RefusedByChecksError, match=says):
        await prepare_pause(scene.ports(), scene.fleet(), scene.key, options)


async def test_a_scale_is_waited_for_and_no_version_is_marked_by_it() -> None:
    scene = Scene(SETTLED, degree=Degree.HEALTHY, others=[AUTOSCALER])
    prepared = await prepare_scale(scene.ports(), scene.fleet(), KEY, ScaleOptions(replicas=8, reason="rush"))
    assert prepared.summary == "scale shop-backend from 6 to 8"
    ids = ["lock", "record", "patch", "rollout", "event", "record-end", "unlock"]
    assert [s.id for s in prepared.plan.steps] == ids
    assert "it will scale it again" in next(c.words for c in prepared.checks if c.name == "autoscaler")


@pytest.mark.parametrize(
    "replicas, changes, says",
    [
        (6, {}, "it has 6 already"),
        (-1, {}, "no number of pods"),
        (99_999, {}, "no number of pods"),
        (2, {"kind": WorkloadKind.DAEMON_SET}, "one pod on each node"),
        (0, {"scope": {"is_production": True}}, "no pod would be left"),
    ],
)
async def test_what_cannot_be_scaled_says_why(replicas: int, changes: dict[str, Any], says: str) -> None:
    if "kind" in changes:
        changes = {**changes, "spec": {"replicas": 6}}
    scene = Scene(SETTLED, degree=Degree.HEALTHY, **changes)
    with pytest.raises(RefusedByChecksError, match=says):
        await prepare_scale(scene.ports(), scene.fleet(), scene.key, ScaleOptions(replicas=replicas, reason="x"))
