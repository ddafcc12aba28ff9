"""A fleet is made of pods that the control plane takes for its own."""

from __future__ import annotations

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.fleet import FleetPlan, create_fleet
from tests.cluster.processes import wait_until

pytestmark = pytest.mark.cluster


def test_a_fleet_stays_and_rolls_like_any_other(control_plane: ControlPlane, namespace: str) -> None:
    create_fleet(control_plane, FleetPlan(pods=120, namespace=namespace, deployments=3))
    before = {pod["metadata"]["uid"] for pod in control_plane.pods(namespace)}
    assert len(before) == 120

    control_plane.set_image("shop-0", "fleet:v2", namespace)
    control_plane.wait_rolled_out("shop-0", namespace)

    def uids() -> set[str]:
        return {pod["metadata"]["uid"] for pod in control_plane.pods(namespace)}

    wait_until("the old pods to be gone", lambda: len(uids()) == 120)
    assert len(before & uids()) == 80, "the controllers keep the copies of the two others"
