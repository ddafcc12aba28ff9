"""Makes the real control plane and the real node known to the tests of this folder."""

from __future__ import annotations

from tests.cluster.fixtures import control_plane, namespace, node_namespace, real_node

__all__ = ["control_plane", "namespace", "node_namespace", "real_node"]
