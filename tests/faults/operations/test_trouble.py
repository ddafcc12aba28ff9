"""What happens around an operation while it runs: terminals close, servers freeze, rights and locks go, disks are full."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.operations import Operation, OperationState, StepState
from practice.access import Wish
from practice.kinds import DEPLOYMENTS, LEASES
from tests.cluster.manifests import REGISTRY
from tests.faults.operations.conftest import Interfering
from tests.faults.operations.operators import Operator
from tests.faults.operations.places import BAD, GOOD, WORKLOAD, Cluster, Place, Practice, effects
from tests.terminals import TestTerminal

NAMESPACE = "trouble"
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=64k tmpfs "$XDG_STATE_HOME" && exec "$@"'


async def staged(place: Place, tmp_path: Path, *, soak_s: float = 1, namespace: str = NAMESPACE) -> Operator:
    await place.stage(namespace)
    operator = Operator(place, "oncall", namespace, tmp_path)
    config = operator.home / "quarterdeck.toml"
    config.write_text(config.read_text().replace("soak_s = 1", f"soak_s = {soak_s}"))
    return operator


async def until(operator: Operator, what: Callable[[Operation], bool], *, within_s: float = 60) -> Operation:
    async with asyncio.timeout(within_s):
        while True:
            for operation in operator.operations():
                if what(operation):
                    return operation
            await asyncio.sleep(0.05)


def is_over(operation: Operation) -> bool:
    return operation.state.is_over


async def test_a_closed_terminal_does_not_end_what_was_begun(practice: Practice, tmp_path: Path) -> None:
    operator = await staged(practice, tmp_path, soak_s=3)

    def watch_then_hang_up() -> None:
        # The whole session is hung up on, as where the SSH line drops.
        with TestTerminal(operator.rollback_argv(), env=operator.environment) as terminal:
            terminal.wait_for("patched, generation 3", 60)

    await asyncio.to_thread(watch_then_hang_up)
    operation = await until(operator, is_over)
    assert operation.state is OperationState.SUCCEEDED and "VERIFIED" in operation.outcome
    assert await practice.image(NAMESPACE) == GOOD


async def test_rights_taken_away_before_the_change_are_told_and_nothing_is_left_locked(
    practice: Practice, interfering: Interfering, tmp_path: Path
) -> None:
    operator = await staged(practice, tmp_path)

    def take(wish: Wish) -> None:
        if (wish.verb, wish.resource) == ("create", "leases"):
            practice.cluster.world.rights.take("patch", "deployments", user="oncall")

    interfering.at = take
    said = await operator.run(operator.rollback_argv())
    assert said.code == 4 and "Not permitted to patch deployments" in said.text, said.text
    assert await practice.image(NAMESPACE) == BAD
    lease = await practice.lease(NAMESPACE)
    assert lease is not None and not lease["spec"]["holderIdentity"]


async def test_what_was_changed_after_the_question_is_left_as_it_is(
    practice: Practice, interfering: Interfering, tmp_path: Path
) -> None:
    operator = await staged(practice, tmp_path)
    store = practice.cluster.world.store

    def deploy(wish: Wish) -> None:
        if (wish.verb, wish.resource) != ("create", "leases"):
            return
        found = store.find(DEPLOYMENTS, NAMESPACE, WORKLOAD)
        assert found is not None
        template = found["spec"]["template"]
        container = {**template["spec"]["containers"][0], "image": f"{REGISTRY}/backend:v3"}
        template = {**template, "spec": {**template["spec"], "containers": [container]}}
        store.replace(DEPLOYMENTS, {**found, "spec": {**found["spec"], "template": template}}, manager="ci")

    interfering.at = deploy
    said = await operator.run(operator.rollback_argv())
    assert said.code == 4 and "was changed since this was planned" in said.text, said.text
    assert await practice.image(NAMESPACE) == "backend:v3"
    assert not [w for w in effects(await practice.writes(NAMESPACE)) if w.resource == "deployments"]


async def test_whoever_lost_the_lock_writes_nothing_more(practice: Practice, tmp_path: Path) -> None:
    operator = await staged(practice, tmp_path, soak_s=12)
    process = await operator.start(operator.rollback_argv())
    said = asyncio.create_task(operator.said(process))
    await practice.wait_for(NAMESPACE, lambda d: d["metadata"]["generation"] == 3)
    store = practice.cluster.world.store
    found = store.find(LEASES, NAMESPACE, f"quarterdeck-deployment-{WORKLOAD}")
    assert found is not None
    taken = {**found["spec"], "holderIdentity": "ops@jump2/7KQ2MXPA"}
    store.replace(LEASES, {**found, "spec": taken}, manager="quarterdeck")
    before = len(effects(await practice.writes(NAMESPACE)))
    text = (await said).text
    assert "ops@jump2 has taken the lock over" in text, text
    assert len(effects(await practice.writes(NAMESPACE))) == before
    lease = await practice.lease(NAMESPACE)
    assert lease is not None and lease["spec"]["holderIdentity"] == "ops@jump2/7KQ2MXPA"


@pytest.mark.parametrize("limit", ["a full disk", "a limit on files"])
async def test_a_journal_that_cannot_be_kept_is_found_out_before_anything_is_touched(
    limit: str, practice: Practice, tmp_path: Path
) -> None:
    operator = await staged(practice, tmp_path)
    operator.state.mkdir()
    if limit == "a full disk":
        if not can_mount(operator.state):
            pytest.skip("no file system may be mounted here")
        under = ["unshare", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"]
    else:
        under = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"]
    said = await operator.run([*under, *operator.rollback_argv()])
    assert said.code == 6 and "journal" in said.text, said.text
    assert await practice.writes(NAMESPACE) == []
    assert await practice.image(NAMESPACE) == BAD


def can_mount(folder: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.mark.cluster
@pytest.mark.parametrize("down", ["frozen", "killed"])
async def test_a_server_that_is_away_midway_is_waited_for(down: str, cluster: Cluster, tmp_path: Path) -> None:
    """30 s, at 1:5."""
    name = f"away-{down}"
    operator = await staged(cluster, tmp_path, soak_s=4, namespace=name)
    control_plane = cluster.control_plane
    process = await operator.start(operator.rollback_argv())
    said = asyncio.create_task(operator.said(process))
    await until(operator, lambda o: any(s.step.kind == "patch" and s.state is StepState.DONE for s in o.steps))
    away, back = (
        (control_plane.freeze_api_server, control_plane.thaw_api_server)
        if down == "frozen"
        else (control_plane.kill_api_server, control_plane.start_api_server)
    )
    await cluster.in_thread(away)
    try:
        await asyncio.sleep(6)
    finally:
        await cluster.in_thread(back)
    text = (await said).text
    (operation,) = operator.operations()
    assert operation.state is OperationState.SUCCEEDED, text
    assert await cluster.image(name) == GOOD
    patches = [w for w in effects(await cluster.writes(name)) if w.resource == "deployments"]
    assert len(patches) == 1
    await cluster.clear(name)
