"""Writes to a real API server that is restarted, freezes, and is written to by somebody else at the same moment."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.limits import Limits
from domain.errors import AnswerLostError, ConflictError, NotSentError
from domain.operation_ports import ClusterObject
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Manifest, deployment_manifest

pytestmark = pytest.mark.cluster

RIGHTS: tuple[Manifest, ...] = (
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch", "create", "delete"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
    {"apiGroups": [""], "resources": ["configmaps", "events"], "verbs": ["get", "create", "update", "delete"]},
)
_numbers = itertools.count(1)


class Operator:
    """Somebody with an account of their own, so that the audit log tells what reached the server."""

    def __init__(self, control_plane: ControlPlane, namespace: str, *, write_s: float = 30.0) -> None:
        self._control_plane = control_plane
        self.account = f"writer-{next(_numbers)}"
        kubeconfig = control_plane.kubeconfig_with_rights(self.account, RIGHTS, namespace=namespace)
        access = load_access(environ={"KUBECONFIG": str(kubeconfig)})
        self.namespace = namespace
        self.cluster = Cluster(access, limits=Limits(write_s=write_s, connect_s=2.0))

    async def deployment(self, name: str = "shop") -> ClusterObject:
        return await self.cluster.writer.read("Deployment", self.namespace, name)

    async def patch(self, planned: ClusterObject, **annotations: str) -> ClusterObject:
        """To another template, under the guard of the generation it was planned with."""
        return await self.cluster.writer.patch("Deployment", self.namespace, "shop", guarded(planned, annotations))

    def sent(self, verb: str) -> list[Manifest]:
        """The writes that the server had a part in, each once, with its final state where there is one."""
        user = f"system:serviceaccount:default:{self.account}"
        asked = [entry for entry in self._control_plane.requests_of(user) if entry["verb"] == verb]
        return list({entry["auditID"]: entry for entry in asked}.values())


def guarded(planned: ClusterObject, annotations: dict[str, str]) -> Sequence[Manifest]:
    noted = {f"quarterdeck.dev/{key}": text for key, text in annotations.items()}
    return [
        {"op": "test", "path": "/metadata/uid", "value": planned.uid},
        {"op": "test", "path": "/metadata/generation", "value": planned.generation},
        {"op": "add", "path": "/spec/template/metadata/annotations", "value": noted},
        *({"op": "add", "path": f"/metadata/annotations/{k.replace('/', '~1')}", "value": v} for k, v in noted.items()),
    ]


@pytest.fixture
async def operators(control_plane: ControlPlane, namespace: str) -> AsyncIterator[Any]:
    manifest = deployment_manifest("shop", "shop:v1", 1, namespace, annotations={"note": "x"})
    manifest["spec"]["paused"] = True
    control_plane.create_deployment(manifest)
    opened: list[Operator] = []

    def make(**options: float) -> Operator:
        opened.append(Operator(control_plane, namespace, **options))
        return opened[-1]

    yield make
    for operator in opened:
        await operator.cluster.close()


async def settled(operator: Operator) -> ClusterObject:
    """As planned from: its controller has seen it, and nothing of it changes by itself any more."""
    async with asyncio.timeout(30):
        while True:
            found = await operator.deployment()
            if found.body.get("status", {}).get("observedGeneration") == found.generation:
                return found
            await asyncio.sleep(0.05)


async def test_of_two_who_write_at_once_one_wins_and_the_other_is_told_who(
    operators: Any, control_plane: ControlPlane
) -> None:
    ops, oncall = operators(), operators()
    for number in range(40):
        planned = await settled(ops)
        pause_s = number * 0.0005
        ended: Any = await asyncio.gather(
            ops.patch(planned, by="ops@jump1", operation=f"A{number:07}"),
            after(pause_s, oncall.patch(planned, by="oncall@jump2", operation=f"B{number:07}")),
            return_exceptions=True,
        )
        won, lost = ended if isinstance(ended[0], ClusterObject) else reversed(ended)
        assert isinstance(won, ClusterObject) and isinstance(lost, ConflictError), ended
        now = await ops.deployment()
        assert now.annotations["quarterdeck.dev/operation"] == won.annotations["quarterdeck.dev/operation"]
        assert now.annotations["quarterdeck.dev/by"] in lost.message
        assert f"generation was {planned.generation}, is " in lost.message


async def after(seconds: float, what: Any) -> Any:
    await asyncio.sleep(seconds)
    return await what


async def test_churn_of_the_status_refuses_no_good_plan(operators: Any, control_plane: ControlPlane) -> None:
    ops = operators()
    planned = await settled(ops)
    path = f"/apis/apps/v1/namespaces/{ops.namespace}/deployments/shop/status"
    control_plane.api.patch(path, {"status": {"collisionCount": 3}})
    done = await ops.patch(planned, operation="7KQ2MXPA")
    assert done.resource_version != planned.resource_version and done.generation == planned.generation + 1


async def test_a_server_that_freezes_with_a_write_in_hand_has_been_asked_once(
    operators: Any, control_plane: ControlPlane
) -> None:
    ops = operators(write_s=1.5)
    planned = await settled(ops)
    control_plane.freeze_api_server()
    thaw = threading.Timer(4, control_plane.thaw_api_server)
    thaw.start()
    try:
        # A frozen server's kernel still takes connections, but it greets nobody: nothing of the write has left.
        with pytest.raises((AnswerLostError, NotSentError)) as caught:
            await ops.patch(planned, operation="7KQ2MXPA")
    finally:
        await asyncio.to_thread(thaw.join)
        control_plane.thaw_api_server()
    await asyncio.sleep(1)
    sent = ops.sent("patch")
    now = await ops.deployment()
    is_done = now.annotations.get("quarterdeck.dev/operation") == "7KQ2MXPA"
    assert len(sent) <= 1 and not (isinstance(caught.value, NotSentError) and is_done)


async def test_a_killed_server_is_never_asked_twice_whatever_became_of_the_write(
    operators: Any, control_plane: ControlPlane
) -> None:
    ops = operators()
    lost = applied = 0
    for number, wait_s in enumerate((0.0, 0.004, 0.008, 0.02)):
        planned = await ops.deployment()
        writing = asyncio.create_task(ops.patch(planned, operation=f"K{number:07}"))
        await asyncio.sleep(wait_s)
        control_plane.kill_api_server()
        try:
            await writing
            was_told = True
        except (AnswerLostError, NotSentError) as error:
            was_told = False
            is_sent = isinstance(error, AnswerLostError)
            lost += is_sent
        control_plane.start_api_server()
        now = await ops.deployment()
        is_done = now.annotations.get("quarterdeck.dev/operation") == f"K{number:07}"
        applied += is_done
        assert is_done or not was_told
        assert not is_done or was_told or is_sent
        assert now.generation <= planned.generation + 1
    print(f"killed with a write in hand: {lost} answers lost, {applied} of 4 applied")


async def test_a_quick_write_costs_a_new_connection_and_no_more(operators: Any) -> None:
    ops = operators()
    loop = asyncio.get_running_loop()
    took = []
    for number in range(20):
        planned = await settled(ops)
        began = loop.time()
        await ops.patch(planned, operation=f"Q{number:07}")
        took.append(loop.time() - began)
    took.sort()
    print(f"patch, new connection each: median {took[10] * 1000:.1f} ms, worst {took[-1] * 1000:.1f} ms")
    assert took[10] < 0.15
    assert len(ops.sent("patch")) == 20
