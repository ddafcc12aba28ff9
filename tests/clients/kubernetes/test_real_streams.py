"""Lists and watches against a real API server: what is shown is what exists, also when the server is killed or frozen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.credentials import Anonymous, StaticToken
from clients.kubernetes.first_page import read_first_page
from clients.kubernetes.gate import Kind
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.limits import Limits
from domain.errors import ForbiddenError, UnauthorizedError, UnreachableError
from domain.facts import Listed
from domain.streams import Source
from domain.workloads import Workload, WorkloadKind
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Manifest, deployment_manifest
from tests.faults.following import QUICK, Following, first_error, until

pytestmark = pytest.mark.cluster
LIMITS = replace(QUICK, connect_s=5, answer_s=15, body_s=30, silence_s=70, probe_s=5, relist_pause_s=0.5)


def access_of(kubeconfig: Path) -> Any:
    return load_access(environ={"KUBECONFIG": str(kubeconfig)})


@contextlib.asynccontextmanager
async def shown(
    plane: ControlPlane, namespace: str, *sources: Source, limits: Limits = LIMITS
) -> AsyncIterator[dict[Source, Following]]:
    followers: dict[Source, Following] = {}
    tasks = []
    for source in sources:
        cluster = Cluster(access_of(plane.operator_kubeconfig), is_read_only=True, limits=limits)
        follower = Following(cluster, source, namespace)
        followers[source] = follower
        tasks.append(asyncio.create_task(follower.run()))
    try:
        yield followers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for follower in followers.values():
            await follower.cluster.close()


def exists(plane: ControlPlane, namespace: str) -> dict[str, str]:
    return {pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in plane.pods(namespace)}


async def until_there(condition: Callable[[], bool], within_s: float = 30) -> None:
    """For what has to be asked of the server: not as often as `until` looks."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.1)


def is_rolled_out(plane: ControlPlane, namespace: str) -> bool:
    found = plane.deployment("web", namespace)
    status, wanted = found["status"], found["spec"]["replicas"]
    counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= found["metadata"]["generation"] and counts == [wanted] * 3


def set_manifest(kind: str, name: str, namespace: str) -> Manifest:
    whole = deployment_manifest(name, "db:v1", 2, namespace)
    spec = {key: whole["spec"][key] for key in ("selector", "template")}
    more: Manifest = {"replicas": 2, "serviceName": name} if kind == "StatefulSet" else {}
    return {**whole, "kind": kind, "spec": {**spec, **more}}


def joined(following: dict[Source, Following]) -> dict[str, Workload]:
    """By kind, the workloads whose pods have one revision of theirs each, with the same image; {} where a pod has none."""
    revisions = [*following[Source.REPLICA_SETS].things.values(), *following[Source.CONTROLLER_REVISIONS].things.values()]
    workloads: dict[str, Workload] = {}
    for source in (Source.DEPLOYMENTS, Source.STATEFUL_SETS, Source.DAEMON_SETS):
        workloads |= following[source].things
    found = {}
    for pod in following[Source.PODS].things.values():
        mine = [r for r in revisions if r.template_hash == pod.template_hash and pod.owner_uid in (r.uid, r.owner_uid)]
        if len(mine) != 1 or mine[0].owner_uid not in workloads:
            return {}
        workload = workloads[mine[0].owner_uid]
        is_current = workload.kind is not WorkloadKind.STATEFUL_SET or workload.update_hash == pod.template_hash
        if is_current and mine[0].template.main_images == workload.template.main_images:
            found[str(workload.kind)] = workload
    return found


async def test_every_pod_is_joined_to_its_revision_and_that_to_its_workload(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 2, namespace))
    for kind, plural in (("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets")):
        manifest = set_manifest(kind, f"db-{kind.lower()}", namespace)
        control_plane.api.create(f"/apis/apps/v1/namespaces/{namespace}/{plural}", manifest)
    sources = (
        Source.PODS,
        Source.DEPLOYMENTS,
        Source.STATEFUL_SETS,
        Source.DAEMON_SETS,
        Source.REPLICA_SETS,
        Source.CONTROLLER_REVISIONS,
        Source.OCCURRENCES,
    )
    async with shown(control_plane, namespace, *sources) as following:

        def is_settled() -> bool:
            pods = following[Source.PODS].things
            kinds = {pod.owner_kind for pod in pods.values() if pod.status == "Running"}
            return kinds == {"ReplicaSet", "StatefulSet", "DaemonSet"} and all(pod.node for pod in pods.values())

        await until(is_settled, within_s=30)
        await until(lambda: following[Source.OCCURRENCES].things, within_s=5)
        await until(lambda: set(joined(following)) == {"Deployment", "StatefulSet", "DaemonSet"}, within_s=5)
        workloads = joined(following).values()
        assert {workload.template.readiness_window_s for workload in workloads} == {6}
        assert [error for follower in following.values() for error in follower.errors] == []


async def test_a_rollout_is_seen_to_its_end(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 3, namespace))
    async with shown(control_plane, namespace, Source.PODS, Source.DEPLOYMENTS) as following:
        (pods, deployments) = following.values()
        await until(lambda: sum(pod.ready for pod in pods.things.values()) == 3, within_s=30)
        before = set(pods.things)
        control_plane.set_image("web", "web:v2", namespace, cause="second")
        await until_there(lambda: is_rolled_out(control_plane, namespace))
        await until(lambda: len(pods.things) == 3 and not before & set(pods.things), within_s=30)

        def has_ended() -> bool:
            (web,) = deployments.things.values()
            return (web.updated, web.available, web.revision, web.change_cause) == (3, 3, 2, "second")

        await until(has_ended)
        assert all(web.changed_at is not None for web in deployments.things.values())


async def test_small_pages_make_the_same_list(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 7, namespace))
    await until_there(lambda: len(control_plane.pods(namespace)) == 7)
    cluster = Cluster(access_of(control_plane.admin_kubeconfig), limits=replace(LIMITS, page_size=3))
    pages = []
    facts = cluster.watch(Source.PODS, namespace)
    async for fact in facts:
        if not isinstance(fact, Listed):
            break
        pages.append(fact)
    await facts.aclose()
    await cluster.close()
    assert [(len(p.values), p.is_first, p.is_last, p.expected) for p in pages] == [
        (3, True, False, 7),
        (3, False, False, None),
        (1, False, True, None),
    ]
    page = await asyncio.to_thread(
        read_first_page, access_of(control_plane.admin_kubeconfig), Source.PODS, namespace, limit=2
    )
    assert page and (len(page.values), page.expected, page.is_first, page.is_last) == (2, 7, False, False)


async def test_after_a_kill_of_the_server_what_is_shown_is_what_exists(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 3, namespace))
    async with shown(control_plane, namespace, Source.PODS) as following:
        pods = following[Source.PODS]
        await until(lambda: sum(pod.ready for pod in pods.things.values()) == 3, within_s=30)
        try:
            control_plane.kill_api_server()
            await until(lambda: pods.errors)
            assert len(pods.things) == 3
        finally:
            control_plane.start_api_server()
        control_plane.set_image("web", "web:v2", namespace)
        await until_there(lambda: is_rolled_out(control_plane, namespace))
        await until_there(lambda: exists(control_plane, namespace) == pods.versions)
        assert pods.cluster.counters.sent[Kind.LIST] <= 2
    assert {type(error) for error in pods.errors} == {UnreachableError}


async def answers_no_more(cluster: Cluster) -> bool:
    """A process that is told to stop may finish what it is at."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await cluster.probe()
        except UnreachableError:
            return True
    return False


async def test_a_frozen_server_is_noticed_and_gone_on_with(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 2, namespace))
    async with shown(
        control_plane, namespace, Source.PODS, limits=replace(LIMITS, silence_s=5, answer_s=2, probe_s=1)
    ) as following:
        pods = following[Source.PODS]
        await until(lambda: sum(pod.ready for pod in pods.things.values()) == 2, within_s=30)
        assert await pods.cluster.probe() > 1.7e9
        control_plane.freeze_api_server()
        try:
            assert await answers_no_more(pods.cluster)
            await until(lambda: pods.errors, within_s=12)
        finally:
            control_plane.thaw_api_server()
        control_plane.set_image("web", "web:v2", namespace)
        await until_there(lambda: is_rolled_out(control_plane, namespace))
        await until_there(lambda: exists(control_plane, namespace) == pods.versions)
        assert pods.cluster.counters.sent[Kind.LIST] == 1


async def test_rights_that_are_missing_are_named(control_plane: ControlPlane) -> None:
    cluster = Cluster(access_of(control_plane.pods_only_kubeconfig), is_read_only=True, limits=LIMITS)
    error = await first_error(cluster, Source.DEPLOYMENTS)
    await cluster.close()
    assert isinstance(error, ForbiddenError)
    assert (error.verb, error.resource) == ("list", "deployments")


async def test_acting_as_somebody_else_is_acting_with_their_rights(control_plane: ControlPlane) -> None:
    acting = replace(access_of(control_plane.admin_kubeconfig), impersonation=(("Impersonate-User", "pods-only"),))
    cluster = Cluster(acting, limits=LIMITS)
    assert await cluster.who_am_i() == "pods-only"
    assert isinstance(await first_error(cluster, Source.DEPLOYMENTS), ForbiddenError)
    await cluster.close()
    assert await asyncio.to_thread(read_first_page, acting, Source.DEPLOYMENTS, "default") is None
    assert await asyncio.to_thread(read_first_page, acting, Source.PODS, "default") is not None


@pytest.mark.parametrize(
    ("credential", "words"), [(StaticToken("wrong"), "did not accept who we are"), (None, "No credential was sent")]
)
async def test_who_is_not_known_is_told(control_plane: ControlPlane, credential: StaticToken | None, words: str) -> None:
    access = access_of(control_plane.admin_kubeconfig)
    cluster = Cluster(replace(access, credential=credential or Anonymous()), limits=LIMITS)
    error = await first_error(cluster)
    await cluster.close()
    assert isinstance(error, UnauthorizedError) and words in error.message
    assert "wrong" not in error.message + error.hint
