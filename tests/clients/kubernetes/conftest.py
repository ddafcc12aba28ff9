"""Makes the real control plane known to the tests of this folder."""

from __future__ import annotations

from tests.cluster.fixtures import control_plane, namespace

__all__ = ["control_plane", "namespace"]
