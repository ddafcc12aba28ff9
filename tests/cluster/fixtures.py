"""The real clusters as pytest fixtures; import them into a folder's conftest.py and mark the tests `cluster` or `node`."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest

from tests import requirements
from tests.cluster import build, build_helm
from tests.cluster.control_plane import ControlPlane
from tests.cluster.real_node import RealNode

_numbers = itertools.count(1)


def built_programs(config: pytest.Config) -> build.Programs:
    """Built now if need be; says so past pytest's capture, because it takes minutes."""
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        return build.build(lambda text: print(f"\n{text}", flush=True))


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """One for the whole run, shared: leave its API server as it was found, and work in the `namespace` fixture's."""
    requirements.need("control-plane")
    with ControlPlane(built_programs(pytestconfig)) as running:
        yield running


@pytest.fixture(scope="session")
def real_node(pytestconfig: pytest.Config) -> Iterator[RealNode]:
    """One real node with a control plane of its own for the whole run; mark the tests `node`."""
    requirements.need("node")
    with RealNode(built_programs(pytestconfig)) as running:
        yield running


@pytest.fixture(scope="session")
def real_helm(pytestconfig: pytest.Config) -> None:
    """Both of its lines, built; mark the tests `real("helm")` too."""
    requirements.need("helm")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        build_helm.build(lambda text: print(f"\n{text}", flush=True))


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own; whatever is in it goes away afterwards."""
    with _namespace_of(control_plane) as name:
        yield name


@pytest.fixture
def node_namespace(real_node: RealNode) -> Iterator[str]:
    """The same on the real node's control plane."""
    with _namespace_of(real_node.control_plane) as name:
        yield name


@contextlib.contextmanager
def _namespace_of(control_plane: ControlPlane) -> Iterator[str]:
    name = f"test-{next(_numbers)}"
    control_plane.create_namespace(name)
    yield name
    control_plane.delete_namespace(name)
