"""Every contract test runs against each server; the real control plane where it can be built."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import requirements
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fixtures import built_programs
from tests.contract.servers import Server, control_plane_server, kubectl_program, practice_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session", params=["practice", pytest.param("control-plane", marks=pytest.mark.cluster)])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Server]:
    if request.param == "practice":
        folder: Path = tmp_path_factory.mktemp("practice")
        with practice_server(folder) as running:
            yield running
        return
    requirements.need("control-plane")
    with ControlPlane(built_programs(pytestconfig)) as cluster:
        yield control_plane_server(cluster)


@pytest.fixture
def namespace(server: Server) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"contract-{next(_numbers)}"
    server.must(server.api.post("/api/v1/namespaces", {"metadata": {"name": name}}), 201)
    yield name
    server.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def kubectl(server: Server, namespace: str) -> Server:
    """The server, where there is a kubectl to drive it."""
    if not kubectl_program():
        requirements.need("kubectl")
    return server
