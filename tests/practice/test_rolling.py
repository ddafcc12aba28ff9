"""Rollouts on a clock that the test pushes: exact, and over in a moment."""

from __future__ import annotations

import pytest

from practice.images import Image
from practice.kinds import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS
from practice.objects import Json, annotations_of, name_of
from practice.replica_sets import is_ready
from practice.scenarios import Scenario, Step, load
from practice.store import Change
from practice.world import World

NAMESPACE = "shop-practice"
BACKEND = "registry.practice.example/shop/backend"


def _world(*steps: Step, images: tuple[Image, ...] = (), seed: int = 1) -> World:
    world = World(Scenario("test", "test", steps=steps, images=images), seed=seed, origin=1_790_000_000.0)
    world.begin()
    return world


def _image(at_s: float, tag: str) -> Step:
    return Step(at_s, "set-image", "shop-backend", tag, cause=tag)


def _status(world: World, name: str = "shop-backend") -> Json:
    status: Json = world.store.get(DEPLOYMENTS, NAMESPACE, name)["status"]
    return status


def _condition(world: World, type_: str) -> tuple[str, str]:
    found = next(each for each in _status(world)["conditions"] if each["type"] == type_)
    return found["status"], found["reason"]


def _pods(world: World) -> list[Json]:
    return [pod for pod in world.store.listed(PODS, NAMESPACE) if name_of(pod).startswith("shop-backend-")]


def _revisions(world: World) -> dict[int, str]:
    sets = [each for each in world.store.listed(REPLICA_SETS, NAMESPACE) if name_of(each).startswith("shop-backend-")]
    found = {}
    for each in sets:
        image = each["spec"]["template"]["spec"]["containers"][0]["image"]
        found[int(annotations_of(each)["deployment.kubernetes.io/revision"])] = image.rpartition(":")[2]
    return dict(sorted(found.items()))


def test_the_shop_has_a_past() -> None:
    world = _world()
    assert _revisions(world) == {1: "v1.8.0", 2: "v1.8.1", 3: "v1.8.2"}
    assert {name_of(each): each["status"]["availableReplicas"] for each in world.store.listed(DEPLOYMENTS, NAMESPACE)} == {
        "shop-backend": 6,
        "shop-web": 2,
        "shop-worker": 3,
    }
    assert not world.store.listed(EVENTS)


def test_old_pods_serve_until_new_ones_do() -> None:
    world = _world(_image(1, "v1.9.0"))
    most = fewest = 6

    def look(kind: object, change: Change) -> None:
        nonlocal most, fewest
        if kind is PODS:
            alive = [pod for pod in _pods(world) if not pod["metadata"].get("deletionTimestamp")]
            most = max(most, len(alive))
            fewest = min(fewest, sum(map(is_ready, alive)))

    world.store.listen(look)
    world.clock.advance(90)
    assert (most, fewest) == (8, 6)
    assert _condition(world, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert {pod["spec"]["containers"][0]["image"] for pod in _pods(world)} == {f"{BACKEND}:v1.9.0"}


def test_the_healthy_rollout_takes_about_as_long_as_a_real_one() -> None:
    world = World(load("healthy"))
    world.begin()
    world.clock.advance(35)
    assert _status(world)["updatedReplicas"] in range(2, 6)
    world.clock.advance(35)
    assert _status(world)["availableReplicas"] == _status(world)["updatedReplicas"] == 6


@pytest.mark.parametrize(
    ("scenario", "waiting", "reason"),
    [("missing-image", "ImagePullBackOff", "Failed"), ("crash-loop", "CrashLoopBackOff", "BackOff")],
)
def test_a_bad_version_leaves_the_old_pods_alone(scenario: str, waiting: str, reason: str) -> None:
    world = World(load(scenario))
    world.begin()
    world.clock.advance(20)
    states = [pod["status"]["containerStatuses"][0]["state"] for pod in _pods(world) if not is_ready(pod)]
    assert [state["waiting"]["reason"] for state in states] == [waiting] * 2
    assert _status(world)["availableReplicas"] == 6
    warnings = {event["reason"] for event in world.store.listed(EVENTS, NAMESPACE) if event["type"] == "Warning"}
    assert reason in warnings
    assert _condition(world, "Progressing") == ("True", "ReplicaSetUpdated")
    world.do(_image(0, "v1.8.2"))
    world.clock.advance(30)
    assert len(_pods(world)) == 6 and all(map(is_ready, _pods(world)))
    assert _revisions(world) == {1: "v1.8.0", 2: "v1.8.1", 4: "v1.9.0", 5: "v1.8.2"}


def test_restarts_wait_longer_each_time() -> None:
    world = World(load("crash-loop"), origin=1_790_000_000.0)
    world.begin()
    counts = []
    for seconds in (17, 15, 20, 40, 80, 160):
        world.clock.advance(seconds)
        bad = next(pod for pod in _pods(world) if not is_ready(pod))
        counts.append(bad["status"]["containerStatuses"][0]["restartCount"])
    assert counts == [1, 2, 3, 4, 5, 6]
    last = bad["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")


def test_the_deadline_is_told_ten_minutes_after_the_last_progress() -> None:
    world = _world(_image(1, "v1.7.missing"))
    world.clock.advance(595)
    assert _condition(world, "Progressing") == ("True", "ReplicaSetUpdated")
    world.clock.advance(20)
    assert _condition(world, "Progressing") == ("False", "ProgressDeadlineExceeded")


@pytest.mark.parametrize(
    ("image", "state"),
    [
        (Image("*:v9", outcome="exits", exit_code=137, exit_reason="OOMKilled"), "CrashLoopBackOff"),
        (Image("*:v9", outcome="no-config"), "CreateContainerConfigError"),
        (Image("*:v9", outcome="not-found"), "ImagePullBackOff"),
        (Image("*:v9", outcome="never-ready"), "running"),
    ],
    ids=lambda value: value.outcome if isinstance(value, Image) else value,
)
def test_the_image_decides_what_happens(image: Image, state: str) -> None:
    world = _world(_image(1, "v9"), images=(image,))
    world.clock.advance(11)
    status = next(pod for pod in _pods(world) if not is_ready(pod))["status"]["containerStatuses"][0]
    assert status["state"].get("waiting", {}).get("reason", "running") == state
    if image.exit_reason:
        assert status["lastState"]["terminated"]["reason"] == image.exit_reason


def test_a_pod_that_no_node_will_have_waits_and_says_so() -> None:
    world = _world()
    deployment = world.store.get(DEPLOYMENTS, NAMESPACE, "shop-web")
    template = deployment["spec"]["template"]
    template = {**template, "spec": {**template["spec"], "nodeSelector": {"disk": "fast"}}}
    world.store.replace(DEPLOYMENTS, {**deployment, "spec": {**deployment["spec"], "template": template}})
    world.clock.advance(10)
    told = [each["message"] for each in world.store.listed(EVENTS, NAMESPACE) if each["reason"] == "FailedScheduling"]
    assert told[0].startswith("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")


def test_the_same_seed_gives_the_same_story() -> None:
    def story(seed: int) -> list[tuple[str, str]]:
        world = _world(_image(1, "v1.9.0"), seed=seed)
        world.clock.advance(60)
        return [(event["metadata"]["name"], event["message"]) for event in world.store.listed(EVENTS)]

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_an_event_that_comes_again_is_counted() -> None:
    world = World(load("missing-image"))
    world.begin()
    world.clock.advance(60)
    pulls = [event for event in world.store.listed(EVENTS, NAMESPACE) if event["reason"] == "Pulling"]
    assert len(pulls) == 2 and all(event["count"] >= 3 for event in pulls)
