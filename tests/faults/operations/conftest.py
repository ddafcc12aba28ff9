"""A practice cluster of the test's own, in which something can be done at the very moment of a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from practice.access import Rights, User, Wish
from practice.kinds import Kind
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fixtures import control_plane, namespace
from tests.faults.operations.places import USERS, Cluster, Practice, practice_place

__all__ = ["control_plane", "namespace"]


class Interfering(Rights):
    """`at` is called before a user's request is answered, for instance to take a right away at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.at: Callable[[Wish], None] = lambda wish: None

    def check(self, user: User, wish: Wish, kind: Kind) -> None:
        if user.name in USERS:
            self.at(wish)
        super().check(user, wish, kind)


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Practice]:
    async with practice_place(tmp_path) as place:
        yield place


@pytest.fixture
def interfering(practice: Practice) -> Interfering:
    rights = practice.cluster.world.rights = Interfering()
    return rights


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster(control_plane)
