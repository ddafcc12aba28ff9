"""The practice cluster in this process, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from practice.scenarios import Scenario
from practice.serve import PracticeCluster
from tests.practice.http import Client


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    """Nothing happens in it by itself."""
    async with PracticeCluster(Scenario("quiet", "Nothing happens"), speed=10) as running:
        yield running


@pytest.fixture
async def client(cluster: PracticeCluster) -> AsyncIterator[Client]:
    async with Client(cluster) as open_client:
        yield open_client
