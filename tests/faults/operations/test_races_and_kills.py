"""A slice of the big runs: two operators at once, and runners killed at any line of their journal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.operations import results
from tests.faults.operations.kills import kill
from tests.faults.operations.places import Cluster, Practice
from tests.faults.operations.races import Outcome, race

RACES = (3, 4, 5)
# Before the first line, in the lock, in the patch, in the soak, and in the tidying up.
KILLS = (1, 4, 8, 13, 20)


def wrong(outcomes: list[Outcome]) -> list[str]:
    return [f"{o.seed}: {'; '.join(o.wrong)}\n{o.said}" for o in outcomes if o.wrong]


async def test_two_operators_end_on_the_good_version_and_the_loser_knows_why(practice: Practice, tmp_path: Path) -> None:
    assert not wrong(await asyncio.gather(*(race(practice, seed, tmp_path) for seed in RACES)))


async def test_a_killed_runner_is_taken_up_and_repeats_nothing(practice: Practice, tmp_path: Path) -> None:
    assert not wrong(await asyncio.gather(*(kill(practice, seed, tmp_path) for seed in KILLS)))


@pytest.mark.cluster
async def test_two_operators_on_a_real_control_plane(cluster: Cluster, tmp_path: Path) -> None:
    assert not wrong(await asyncio.gather(*(race(cluster, seed, tmp_path) for seed in RACES)))


@pytest.mark.cluster
async def test_a_killed_runner_on_a_real_control_plane(cluster: Cluster, tmp_path: Path) -> None:
    assert not wrong(await asyncio.gather(*(kill(cluster, seed, tmp_path) for seed in KILLS)))


def test_the_page_shows_what_was_run() -> None:
    assert results.PAGE.read_text() == results.page(results.read())
