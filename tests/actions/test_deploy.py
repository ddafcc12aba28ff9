from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.deploy import DeployOptions, prepare, wanted_image
from actions.prepare import CheckKind, Prepared, RefusedByChecksError
from domain.configuration import read_recorded
from domain.errors import RefusedError
from domain.marks import MARKS_NAME, Mark, Standing, format_marks
from domain.template_patch import CONFIGURATION, template_fingerprint
from domain.verdict import Degree
from tests import builders as make
from tests.actions.planning_stage import DAY, KEY, REPOSITORY, STUCK, Registry, Scene, Was, digest_of, template_of
from tests.actions.stand_ins import patched

SETTLED = (Was("v1.8.2", 8, 6 * DAY, 6, 6), Was("v1.8.1", 7, 7 * DAY))
PINNED = f"{REPOSITORY}:v1.9.1@{digest_of('v1.9.1')}"


def _scene(**changes: Any) -> Scene:
    return Scene(**{"was": SETTLED, "degree": Degree.HEALTHY, **changes})


async def _prepared(scene: Scene, image: str = "v1.9.1", **options: Any) -> Prepared:
    return await prepare(scene.ports(), scene.fleet(), scene.key, DeployOptions(image=image, **options))


def _patch(prepared: Prepared) -> Any:
    return next(s for s in prepared.plan.steps if s.id == "patch").arguments


async def test_a_tag_is_resolved_and_pinned_in_every_container_of_that_repository() -> None:
    scene = _scene()
    prepared = await _prepared(scene, reason="release")
    template = patched(scene.body(), _patch(prepared)["operations"])["spec"]["template"]
    containers = [*template["spec"]["initContainers"], *template["spec"]["containers"]]
    images = {c["name"]: c["image"] for c in containers}
    assert images == {"migrate": PINNED, "shop-backend": PINNED, "proxy": "envoy:1.30"}
    assert prepared.summary == "deploy shop-backend:v1.9.1 to shop-backend, now v1.8.2"
    ids = [s.id for s in prepared.plan.steps]
    assert ids[:5] == ["lock", "record", "patch", "rollout", "soak"] and "mark" in ids and "mark-bad" not in ids
    assert prepared.plan.details["digest"] == digest_of("v1.9.1")
    assert scene.cluster.effects == []


async def test_what_the_configuration_was_like_is_recorded_for_that_template() -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "shop", "namespace": KEY.namespace}, "data": {"a": "b"}}
    secret = {"kind": "Secret", "metadata": {"name": "db", "namespace": KEY.namespace}, "data": {"password": ""}}
    spec = {"volumes": [{"configMap": {"name": "shop"}}, {"secret": {"secretName": "db"}}]}
    was = replace(SETTLED[0], template=template_of("v1.8.2", **spec))
    scene = _scene(was=(was, SETTLED[1]), others=[config, secret])
    given = _patch(await _prepared(scene, reason="release"))
    template = patched(scene.body(), given["operations"])["spec"]["template"]
    recorded = read_recorded(given["annotations"][CONFIGURATION], template_fingerprint(template))
    assert recorded is not None and recorded.keys() == {"ConfigMap/shop", "Secret/db"}
    secret_now = scene.cluster.objects["Secret", KEY.namespace, "db"]["metadata"]
    assert recorded["Secret/db"] == f"{secret_now['uid']}:{secret_now['resourceVersion']}"


@pytest.mark.parametrize(
    "given, reference",
    [
        ("v1.9.1", f"{REPOSITORY}:v1.9.1"),
        (":v1.9.1", f"{REPOSITORY}:v1.9.1"),
        ("shop-backend:v1.9.1", f"{REPOSITORY}:v1.9.1"),
        (f"{REPOSITORY}:v1.9.1", f"{REPOSITORY}:v1.9.1"),
        (REPOSITORY, f"{REPOSITORY}:latest"),
        ("sha256:ab", f"{REPOSITORY}@sha256:ab"),
        ("envoy:1.31", "envoy:1.31"),
    ],
)
def test_an_image_can_be_named_in_short(given: str, reference: str) -> None:
    wanted = wanted_image(template_of("v1.8.2"), given, ())
    assert wanted.reference == reference
    assert wanted.containers == (("proxy",) if "envoy" in given else ("shop-backend", "migrate"))


def test_containers_can_be_named() -> None:
    assert wanted_image(template_of("v1.8.2"), "v1.9.1", ("migrate",)).containers == ("migrate",)
    with pytest.raises(RefusedError, match="There is no container other"):
        wanted_image(template_of("v1.8.2"), "v1.9.1", ("other",))


@pytest.mark.parametrize("given", ["", "  ", "a b", "a\x1bb"])
def test_what_is_no_image_is_refused(given: str) -> None:
    with pytest.raises(RefusedError, match="No image is named"):
        wanted_image(template_of("v1.8.2"), given, ())


async def test_another_repository_has_to_be_said_for_which_container() -> None:
    with pytest.raises(RefusedByChecksError, match="no container of it runs other/app") as refused:
        await _prepared(_scene(), "other/app:v1")
    assert "--container" in refused.value.hint


def _mark(version: str, standing: Standing) -> dict[str, Any]:
    mark = Mark(KEY, standing, "h", digest_of(version), make.NOW, "ops@jump1", "8KQ2ABCD", "leaks memory")
    metadata = {"name": MARKS_NAME, "namespace": KEY.namespace}
    return {"kind": "ConfigMap", "metadata": metadata, "data": format_marks([mark])}


@pytest.mark.parametrize(
    "scene, image, says, override",
    [
        (_scene(), "v9.9.9", "shop-backend:v9.9.9 is not in its registry", ""),
        (_scene(registry=Registry(None)), "v1.9.1", "the registry could not be asked", "unverified"),
        (_scene(others=[_mark("v1.9.1", Standing.BAD)]), "v1.9.1", "marked bad by ops@jump1: leaks memory", "force"),
        (_scene(), "v1.8.2", "it runs this very image already", ""),
        (_scene(spec={"paused": True}), "v1.9.1", "paused", ""),
        (_scene(scope={"is_read_only": True}), "v1.9.1", "nothing may be changed here", ""),
    ],
    ids=["missing", "registry silent", "marked bad", "same", "paused", "read-only"],
)
async def test_a_deploy_is_refused(scene: Scene, image: str, says: str, override: str) -> None:
    with pytest.raises(RefusedByChecksError) as refused:
        await _prepared(scene, image)
    assert says in refused.value.message
    if override:
        prepared = await _prepared(scene, image, **{override: True})
        assert prepared.needs_reason and any(c.is_overridden and says in c.words for c in prepared.checks)
    else:
        with pytest.raises(RefusedByChecksError):
            await _prepared(scene, image, force=True, unverified=True, no_lock=True, take_over=True)


async def test_all_reasons_are_said_at_once() -> None:
    scene = _scene(spec={"paused": True})
    scene.cluster.deny = {"patch deployments", "create leases"}
    with pytest.raises(RefusedByChecksError) as refused:
        await _prepared(scene, "v9.9.9")
    for words in ("paused", "not in its registry", "may not patch deployments", "may not create leases"):
        assert words in refused.value.message


async def test_a_good_mark_in_another_template_clears_the_image() -> None:
    prepared = await _prepared(_scene(others=[_mark("v1.9.1", Standing.GOOD)]))
    assert any("verified by ops@jump1" in c.words for c in prepared.checks if c.name == "marks")


async def test_an_unverified_image_is_not_pinned() -> None:
    prepared = await _prepared(_scene(registry=Registry(None)), unverified=True, reason="registry is down")
    assert _patch(prepared)["operations"][-1]["value"] == f"{REPOSITORY}:v1.9.1"


async def test_a_tag_can_be_written_as_it_is() -> None:
    assert _patch(await _prepared(_scene(), no_pin=True))["operations"][-1]["value"] == f"{REPOSITORY}:v1.9.1"


async def test_a_moved_tag_of_what_runs_is_a_deploy() -> None:
    registry = Registry({f"{REPOSITORY}:v1.8.2": digest_of("v1.9.1")})
    prepared = await _prepared(_scene(registry=registry), "v1.8.2")
    assert _patch(prepared)["operations"][-1]["value"] == f"{REPOSITORY}:v1.8.2@{digest_of('v1.9.1')}"


@pytest.mark.parametrize(
    "spec, says",
    [
        ({"envFrom": [{"configMapRef": {"name": "gone"}}]}, "ConfigMap gone does not exist"),
        (
            {"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pass"}}}]},
            "Secret db has no key pass",
        ),
    ],
)
async def test_what_it_refers_to_must_be_there(spec: dict[str, Any], says: str) -> None:
    secret = {"kind": "Secret", "metadata": {"name": "db", "namespace": KEY.namespace}, "data": {"user": ""}}
    template = template_of("v1.8.2")
    template["spec"]["containers"][0].update(spec)
    scene = _scene(was=(replace(SETTLED[0], template=template), SETTLED[1]), others=[secret])
    with pytest.raises(RefusedByChecksError, match=says):
        await _prepared(scene)
    assert (await _prepared(scene, force=True)).needs_reason


async def test_a_closed_window_refuses_and_can_be_overruled() -> None:
    def closed(_fleet: object, _key: object) -> str:
        return "the window opens at 09:00"

    with pytest.raises(RefusedByChecksError, match="opens at 09:00"):
        await _prepared(_scene(), is_change_refused=closed)
    assert (await _prepared(_scene(), is_change_refused=closed, force=True)).needs_reason


async def test_a_stuck_rollout_can_be_deployed_over() -> None:
    prepared = await _prepared(Scene(STUCK), reason="fixed")
    assert prepared.plan.details["old_digest"] == digest_of("v1.9.0")
    assert not [c for c in prepared.checks if c.kind is CheckKind.BAD]
