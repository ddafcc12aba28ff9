"""Makes the real control plane and the real helm known to the tests of this folder."""

from __future__ import annotations

from tests.cluster.fixtures import control_plane, namespace, real_helm

__all__ = ["control_plane", "namespace", "real_helm"]
