"""A small API server for each test, with five pods."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.faults.api_server import ApiServer, pod, serving


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    api = ApiServer()
    for number in range(5):
        api.put(pod(f"web-{number}"))
    async with serving(api):
        yield api
