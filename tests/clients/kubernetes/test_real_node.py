"""Logs, shells and the proxy against a real kubelet, whose streams kwok only imitates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.shell import Channel
from domain.errors import NotFoundError
from tests.cluster.processes import wait_until
from tests.cluster.real_node import RealNode, demo_deployment

pytestmark = pytest.mark.node


@pytest.fixture
async def cluster(real_node: RealNode) -> AsyncIterator[Cluster]:
    one = Cluster(load_access(environ={"KUBECONFIG": str(real_node.control_plane.admin_kubeconfig)}))
    yield one
    await one.close()


@pytest.fixture
def pod(real_node: RealNode, node_namespace: str) -> str:
    real_node.control_plane.create_deployment(demo_deployment("shop-backend", 1, node_namespace))
    real_node.control_plane.wait_rolled_out("shop-backend", node_namespace)
    name: str = real_node.control_plane.pods(node_namespace)[0]["metadata"]["name"]
    return name


@pytest.mark.parametrize("is_tty", [True, False])
async def test_the_exit_code_is_the_commands_own(cluster: Cluster, node_namespace: str, pod: str, is_tty: bool) -> None:
    command = ("sh", "-c", "echo out; echo err >&2; exit 7")
    async with cluster.execute(node_namespace, pod, "backend", command, is_tty=is_tty, has_input=False) as shell:
        said = [output async for output in shell]
    assert shell.exit_code == 7
    assert b"".join(output.text for output in said).split() in ([b"out", b"err"], [b"err", b"out"])
    assert {output.channel for output in said} == ({Channel.OUTPUT} if is_tty else {Channel.OUTPUT, Channel.ERROR_OUTPUT})


async def test_the_end_of_the_input_arrives(cluster: Cluster, node_namespace: str, pod: str) -> None:
    async with cluster.execute(node_namespace, pod, "backend", ("cat",), is_tty=False) as shell:
        await shell.send(b"one\n")
        await shell.end_input()
        async with asyncio.timeout(20):
            said = b"".join([output.text async for output in shell])
    assert (said, shell.exit_code) == (b"one\n", 0)


async def test_a_shell_has_the_size_of_our_window(cluster: Cluster, node_namespace: str, pod: str) -> None:
    async with cluster.execute(node_namespace, pod, "backend", ("sh",)) as shell:
        await shell.resize(97, 31)
        await asyncio.sleep(0.5)
        await shell.send(b"stty size; exit 0\n")
        async with asyncio.timeout(20):
            said = b"".join([output.text async for output in shell])
    assert b"31 97" in said
    assert shell.exit_code == 0


async def test_a_log_is_followed_line_by_line(cluster: Cluster, node_namespace: str, pod: str) -> None:
    lines = cluster.follow_log(node_namespace, pod, "backend")
    seen = []
    async with asyncio.timeout(30):
        async for line in lines:
            seen.append(line)
            if "tick 2" in line.text:
                break
    await lines.aclose()
    assert any("demo v1 listening on 8080" in line.text for line in seen)
    assert [line.at for line in seen] == sorted(line.at for line in seen)
    again = await cluster.read_log(node_namespace, pod, "backend", tail=2)
    assert len(again) == 2


async def test_what_stands_behind_the_proxy_is_asked(cluster: Cluster, node_namespace: str, pod: str) -> None:
    path = f"/api/v1/namespaces/{node_namespace}/pods/{pod}:8080/proxy"
    answer = await cluster.proxy_get(f"{path}/health?full=1")
    assert (answer.status, b"database" in answer.body) == (200, True)
    assert 0 < answer.latency_ms < 5000
    assert len((await cluster.proxy_get(f"{path}/health", limit_bytes=5)).body) == 5
    assert (await cluster.proxy_get(f"/api/v1/namespaces/{node_namespace}/pods/none:8080/proxy/")).status == 404


async def test_the_run_before_is_read(real_node: RealNode, cluster: Cluster, node_namespace: str) -> None:
    plane = real_node.control_plane
    plane.create_deployment(demo_deployment("shop-worker", 1, node_namespace, environment={"CRASH": "3"}))

    def is_looping() -> bool:
        statuses = [s for p in plane.pods(node_namespace) for s in p["status"].get("containerStatuses", ())]
        return any(status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" for status in statuses)

    wait_until("CrashLoopBackOff", is_looping, timeout_s=60)
    (crashed,) = plane.pods(node_namespace)
    name = crashed["metadata"]["name"]
    container = crashed["spec"]["containers"][0]["name"]
    lines = [line.text async for line in cluster.follow_log(node_namespace, name, container, previous=True)]
    assert [line for line in lines if "FATAL: database refused the connection" in line], lines
    with pytest.raises(NotFoundError):
        await cluster.read_log(node_namespace, name, "no-such-container")
