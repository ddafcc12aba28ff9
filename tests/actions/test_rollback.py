from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.prepare import CheckKind, Prepared, RefusedByChecksError
from actions.rollback import RollbackOptions, prepare
from domain.configuration import recorded_text
from domain.errors import RefusedError
from domain.fleet import RevisionRecord
from domain.marks import MARKS_NAME, Mark, Standing, format_marks
from domain.template_patch import CONFIGURATION, DIGEST, template_fingerprint
from domain.verdict import Degree
from domain.workloads import WorkloadKind
from tests import builders as make
from tests.actions.planning_stage import DAY, HASHES, KEY, REPLACED, STUCK, Registry, Scene, Was, digest_of, template_of
from tests.actions.stand_ins import patched


def _marks(*found: tuple[str, Standing]) -> dict[str, Any]:
    marks = [Mark(KEY, standing, HASHES[v], digest_of(v), make.NOW, "ops@jump1", "8KQ2ABCD") for v, standing in found]
    metadata = {"name": MARKS_NAME, "namespace": KEY.namespace}
    return {"kind": "ConfigMap", "metadata": metadata, "data": format_marks(marks)}


async def _prepared(scene: Scene, **options: Any) -> Prepared:
    return await prepare(scene.ports(), scene.fleet(), scene.key, RollbackOptions(**options))


def _words(prepared: Prepared, name: str) -> str:
    return next(c.words for c in prepared.checks if c.name == name)


async def test_a_stuck_rollout_goes_back_to_what_still_serves() -> None:
    scene = Scene()
    prepared = await _prepared(scene, reason="v1.9.0 crashes")
    assert prepared.summary == "roll back shop-backend from v1.9.0 to v1.8.2"
    assert [s.id for s in prepared.plan.steps] == [
        "lock", "record", "patch", "rollout", "soak", "health", "metrics",
        "mark", "mark-bad", "event", "record-end", "unlock",
    ]  # fmt: skip
    assert not [c for c in prepared.checks if c.kind is CheckKind.BAD]
    assert _words(prepared, "target") == "last known good is v1.8.2: serving, 6 ready"
    assert next((d.kind, d.old, d.new) for d in prepared.differences) == ("image", *_images("v1.9.0", "v1.8.2"))
    assert scene.cluster.effects == []


def _images(*versions: str) -> tuple[str, ...]:
    return tuple(template_of(v)["spec"]["containers"][0]["image"] for v in versions)


async def test_the_plan_patches_exactly_the_template_that_was() -> None:
    scene = Scene()
    prepared = await _prepared(scene, reason="crashes")
    patch = next(s for s in prepared.plan.steps if s.id == "patch")
    assert (patch.arguments["uid"], patch.arguments["generation"]) == ("d", 42)
    assert patched(scene.body(), patch.arguments["operations"])["spec"]["template"] == template_of("v1.8.2")
    annotations = patch.arguments["annotations"]
    assert annotations[DIGEST] == digest_of("v1.8.2")
    assert annotations["kubernetes.io/change-cause"] == "rollback to v1.8.2 by oncall@jump2: crashes"


async def test_the_bad_version_is_marked_whatever_becomes_of_the_rest() -> None:
    prepared = await _prepared(Scene(), reason="crashes")
    bad = next(s for s in prepared.plan.steps if s.id == "mark-bad")
    assert bad.is_always_run and bad.arguments["only_after"] == ["patch"]
    assert (bad.arguments["template_hash"], bad.arguments["digest"]) == (HASHES["v1.9.0"], digest_of("v1.9.0"))


async def test_the_same_image_in_another_template_is_not_blamed() -> None:
    env = template_of("v1.8.2")
    env["spec"]["containers"][0]["env"] = [{"name": "FEATURE_X", "value": "1"}]
    scene = Scene([Was("v1.8.2", 9, 60.0, 0, 2, template=env, hash="abcd00000e"), *STUCK[1:]])
    prepared = await _prepared(scene, reason="wrong flag")
    bad = next(s for s in prepared.plan.steps if s.id == "mark-bad")
    assert (bad.arguments["template_hash"], bad.arguments["digest"]) == ("abcd00000e", "")


@pytest.mark.parametrize(
    "scene, target, says",
    [
        (Scene(REPLACED), "v1.8.2", "stood for 5d23h, not verified"),
        (Scene(REPLACED, records={"v1.8.1": RevisionRecord(good_for_s=DAY)}), "v1.8.1", "good for 24h"),
        (Scene(others=[_marks(("v1.8.2", Standing.BAD))]), "v1.8.1", "stood for 24h, not verified"),
        (Scene(REPLACED, others=[_marks(("v1.8.1", Standing.GOOD))]), "v1.8.1", "verified by ops@jump1"),
    ],
    ids=["the newest that stood", "the one with a record", "not a marked one, though it serves", "the verified one"],
)
async def test_last_good_says_how_it_is_known(scene: Scene, target: str, says: str) -> None:
    prepared = await _prepared(scene, reason="crashes")
    assert _words(prepared, "target") == f"last known good is {target}: {says}"


async def test_undoing_twice_does_not_return_to_the_bad_one() -> None:
    after_first_undo = [Was("v1.8.2", 10, 6 * DAY, 6, 6), Was("v1.9.0", 9, 600.0), Was("v1.8.1", 7, 7 * DAY)]
    scene = Scene(after_first_undo, degree=Degree.HEALTHY, others=[_marks(("v1.9.0", Standing.BAD))])
    prepared = await _prepared(scene, reason="again")
    assert prepared.new is not None and prepared.new.version == "v1.8.1"
    assert "complete and healthy" in _words(prepared, "healthy")


@pytest.mark.parametrize("to", ["8", "77ab", "77ab00000c", "shop-backend-77ab00000c", "v1.8.2", digest_of("v1.8.2")])
async def test_a_version_can_be_named_by_number_hash_tag_and_digest(to: str) -> None:
    prepared = await _prepared(Scene(), to=to, reason="crashes")
    assert prepared.new is not None and prepared.new.hash == HASHES["v1.8.2"]


@pytest.mark.parametrize(
    "to, says",
    [
        ("99", "there is no revision 99 in its history"),
        ("v1.9.0", "it runs v1.9.0 (9f3100000d) already"),
        ("9", "already"),
        ("\x1b[31m", "there is no revision ␛[31m"),
    ],
)
async def test_what_cannot_be_gone_back_to_is_said(to: str, says: str) -> None:
    with pytest.raises(RefusedByChecksError) as refused:
        await _prepared(Scene(), to=to)
    assert says in refused.value.message


async def test_a_bad_version_is_gone_back_to_only_by_force_and_with_a_reason() -> None:
    scene = Scene(others=[_marks(("v1.8.1", Standing.BAD))])
    with pytest.raises(RefusedByChecksError, match="marked bad by ops@jump1") as refused:
        await _prepared(scene, to="v1.8.1")
    assert "--force" in refused.value.hint
    prepared = await _prepared(scene, to="v1.8.1", force=True)
    assert prepared.needs_reason
    with pytest.raises(RefusedError, match="reason is needed"):
        prepared.with_reason("  ")
    assert prepared.with_reason("the other is worse").plan.reason == "the other is worse"


async def test_a_reason_changes_the_plan_but_not_its_id() -> None:
    prepared = await _prepared(Scene())
    assert prepared.suggested_reason == "v1.9.0 likely: CrashLoopBackOff ×2: exit 3"
    again = prepared.with_reason("crashes at start")
    assert again.plan.id == prepared.plan.id and len(again.plan.id) == 8
    patch = next(s for s in again.plan.steps if s.id == "patch")
    assert patch.arguments["annotations"]["kubernetes.io/change-cause"].endswith(": crashes at start")


async def test_production_needs_a_reason() -> None:
    prepared = await _prepared(Scene(scope={"is_production": True, "environment": "production"}))
    assert prepared.needs_reason and prepared.plan.place.is_production


@pytest.mark.parametrize(
    "spec, is_broken_only",
    [({"updateStrategy": {"type": "RollingUpdate"}}, True), ({"updateStrategy": {"type": "OnDelete"}}, False)],
)
async def test_a_stateful_set_that_waits_for_its_broken_pod_is_helped(spec: dict[str, Any], is_broken_only: bool) -> None:
    prepared = await _prepared(Scene(kind=WorkloadKind.STATEFUL_SET, spec=spec), reason="crashes")
    (step,) = [s for s in prepared.plan.steps if s.kind == "delete_pods"]
    assert (step.arguments["bad_hash"], step.arguments["is_broken_only"]) == (HASHES["v1.9.0"], is_broken_only)
    assert [s.id for s in prepared.plan.steps].index("delete-pods") == 3
    patch = next(s for s in prepared.plan.steps if s.id == "patch")
    assert patch.arguments["operations"][0]["value"] == template_of("v1.8.2")


async def test_a_parallel_set_and_a_daemon_set_heal_by_the_patch_alone() -> None:
    for scene in (
        Scene(kind=WorkloadKind.STATEFUL_SET, spec={"podManagementPolicy": "Parallel"}),
        Scene(kind=WorkloadKind.DAEMON_SET),
    ):
        prepared = await _prepared(scene, reason="crashes")
        assert "delete-pods" not in [s.id for s in prepared.plan.steps]


async def test_what_changed_between_showing_and_asking_is_refused() -> None:
    scene = Scene()
    fleet = scene.fleet()
    body = scene.body()
    body["spec"]["template"] = template_of("v1.8.1")
    scene.cluster.put(body)
    with pytest.raises(RefusedByChecksError, match=r"has changed since it was shown \(generation 42, now 43\)"):
        await prepare(scene.ports(), fleet, KEY, RollbackOptions(reason="crashes"))


async def test_a_change_of_scale_alone_is_no_other_version() -> None:
    scene = Scene()
    fleet = scene.fleet()
    scene.cluster.put({**scene.body(), "spec": {**scene.body()["spec"], "replicas": 8}})
    prepared = await prepare(scene.ports(), fleet, KEY, RollbackOptions(reason="crashes"))
    assert prepared.plan.details["generation"] == 43


async def test_a_workload_that_is_not_there_is_refused() -> None:
    scene = Scene()
    with pytest.raises(RefusedError, match="There is no deployment/other"):
        await prepare(scene.ports(), scene.fleet(), KEY._replace(name="other"), RollbackOptions())


async def test_how_long_it_takes_is_known_by_how_long_pods_took() -> None:
    assert (await _prepared(Scene(), reason="x")).expected_s == 5 + 60
    gone = Scene([replace(STUCK[0], replicas=2), Was("v1.8.2", 8, 6 * DAY, 3, 3), STUCK[2]])
    assert (await _prepared(gone, reason="x")).expected_s == 8 + 60
    assert (await _prepared(Scene(REPLACED), reason="x")).expected_s is None


# Images and configuration


@pytest.mark.parametrize(
    "registry, was, kind, says",
    [
        (None, STUCK, CheckKind.GOOD, "image still in the registry"),
        (Registry(None), STUCK, CheckKind.GOOD, "6 pods run this image"),
        (Registry(None), REPLACED, CheckKind.UNKNOWN, "whether shop-backend:v1.8.2 can still be pulled"),
        (Registry({}), STUCK, CheckKind.WARN, "6 pods run it, but none could be pulled anew"),
        (Registry({_images("v1.8.2")[0]: "sha256:other"}), STUCK, CheckKind.WARN, "the tag was moved"),
    ],
)
async def test_the_image_is_looked_for(registry: Registry | None, was: tuple[Was, ...], kind: CheckKind, says: str) -> None:
    prepared = await _prepared(Scene(was, registry=registry), reason="x")
    check = next(c for c in prepared.checks if c.name == "image")
    assert check.kind is kind and says in check.words


async def test_an_image_that_nobody_has_any_more_is_refused() -> None:
    with pytest.raises(RefusedByChecksError, match="not in the registry any more"):
        await _prepared(Scene(REPLACED, registry=Registry({})))


async def test_a_node_that_has_the_image_is_evidence() -> None:
    node = {"kind": "Node", "metadata": {"name": "n"}, "status": {"images": [{"names": [_images("v1.8.2")[0]]}]}}
    prepared = await _prepared(Scene(REPLACED, registry=Registry(None), others=[node]), reason="x")
    assert _words(prepared, "image") == "1 of 1 nodes have this image"


def _configured(annotations: dict[str, str] | None = None, **content: Any) -> Scene:
    spec = {"volumes": [{"name": "c", "configMap": {"name": "shop"}}]}
    template = template_of("v1.8.2", **spec)
    metadata = {"name": "shop", "namespace": KEY.namespace, **content}
    config = {"kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    was = replace(STUCK[1], template=template, annotations=annotations or {})
    return Scene([STUCK[0], was, STUCK[2]], others=[config])


@pytest.mark.parametrize(
    "print_, kind, says",
    [
        ("same", CheckKind.GOOD, "same configuration since v1.8.2"),
        ("0" * 16, CheckKind.WARN, "ConfigMap shop has changed"),
    ],
)
async def test_configuration_is_compared_with_what_was_recorded(print_: str, kind: CheckKind, says: str) -> None:
    scene = _configured()
    first = next(s for s in (await _prepared(scene, reason="x")).plan.steps if s.id == "patch")
    recorded = first.arguments["annotations"][CONFIGURATION]
    if print_ != "same":
        assert scene.was[1].template is not None
        recorded = recorded_text(template_fingerprint(scene.was[1].template), {"ConfigMap/shop": print_})
    prepared = await _prepared(_configured({CONFIGURATION: recorded}), reason="x")
    check = next(c for c in prepared.checks if c.name == "configuration")
    assert check.kind is kind and says in check.words


@pytest.mark.parametrize(
    "changed, kind, says",
    [
        (None, CheckKind.UNKNOWN, "whether its configuration changed since v1.8.2 was not recorded"),
        ("2020-01-01T00:00:00Z", CheckKind.GOOD, "not changed since v1.8.2"),
        ("2025-10-09T08:00:00Z", CheckKind.WARN, "ConfigMap shop was changed"),
    ],
)
async def test_configuration_nobody_recorded_is_judged_by_the_servers_times(
    changed: str | None, kind: CheckKind, says: str
) -> None:
    content: dict[str, Any] = {"managedFields": [{"manager": "ci", "time": changed}]} if changed else {}
    prepared = await _prepared(_configured(**content), reason="x")
    check = next(c for c in prepared.checks if c.name == "configuration")
    assert check.kind is kind and says in check.words
