"""The real control plane for the clients that ask through it."""

from __future__ import annotations

from tests.cluster.fixtures import control_plane, namespace

__all__ = ["control_plane", "namespace"]
