"""Following a journal from another process: each fact once, soon, at next to no cost, and the runner's end as well."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from clients.journal_file import JournalFile, follow, follow_operation
from clients.journal_lines import line_of
from clients.runner_lock import boot_id, host_name
from domain.journal import Ended, Planned, RunnerStarted
from domain.operations import Operation, OperationState
from tests.clients.journals import here, plan, runner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "operations"


async def test_a_follower_sees_each_fact_as_it_comes(folder: Path) -> None:
    facts = here()
    async with asyncio.timeout(10):
        following = follow(folder / "7KQ2MXPA.jsonl")
        coming = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.01)
        with JournalFile.create(folder, Planned(1.0, plan())) as journal:
            assert await coming == Planned(1.0, plan())
            for fact in facts[1:]:
                journal.write(fact)
                assert await anext(following) == fact


def add(path: Path, text: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.write(text)


async def test_a_follower_waits_for_the_rest_of_a_line(folder: Path) -> None:
    path = folder / "7KQ2MXPA.jsonl"
    lines = [line_of(fact) for fact in here()]
    add(path, lines[0] + lines[1][:30])
    async with asyncio.timeout(10):
        facts = follow(path)
        assert isinstance(await anext(facts), Planned)
        coming = asyncio.ensure_future(anext(facts))
        await asyncio.sleep(0.3)
        assert not coming.done()
        add(path, lines[1][30:])
        assert isinstance(await coming, RunnerStarted)


async def test_a_follower_is_told_when_the_runner_is_gone(folder: Path) -> None:
    seen: list[Operation] = []
    following = follow_operation(folder / "7KQ2MXPA.jsonl")

    async def until(state: OperationState) -> None:
        async for operation in following:
            seen.append(operation)
            if operation.state is state:
                return

    async with asyncio.timeout(20):
        with runner(folder) as running:
            await until(OperationState.RUNNING)
            running.kill()
            await until(OperationState.LEFT)
        with JournalFile.take_up(folder / "7KQ2MXPA.jsonl") as again:
            again.write(RunnerStarted(20.0, os.getpid(), host_name(), boot_id()))
            await until(OperationState.RUNNING)
            again.write(Ended(21.0, OperationState.SUCCEEDED, "VERIFIED"))
            await until(OperationState.SUCCEEDED)
    assert all(old != new for old, new in pairwise(seen))


async def test_following_costs_next_to_nothing_while_nothing_happens(folder: Path) -> None:
    JournalFile.create(folder, Planned(1.0, plan())).close()

    async def watch() -> None:
        async for _ in follow_operation(folder / "7KQ2MXPA.jsonl"):
            pass

    tasks = [asyncio.create_task(watch()) for _ in range(5)]
    await asyncio.sleep(0.2)
    began = time.process_time()
    await asyncio.sleep(1.0)
    spent = time.process_time() - began
    for task in tasks:
        task.cancel()
    assert spent < 0.2
