"""The whole screen, on a terminal as a user has it, against the real control plane."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import deployment_manifest
from tests.terminals import QUARTERDECK, TestTerminal

pytestmark = pytest.mark.cluster


@contextmanager
def screen(kubeconfig: Path, *arguments: str, columns: int = 120, rows: int = 40) -> Iterator[TestTerminal]:
    with TestTerminal(
        (*QUARTERDECK, *arguments), columns=columns, rows=rows, env={"KUBECONFIG": str(kubeconfig)}
    ) as terminal:
        yield terminal


@pytest.fixture
def shop(control_plane: ControlPlane, namespace: str) -> str:
    """A namespace with shop-backend at v1, rolled out."""
    control_plane.apply(deployment_manifest("shop-backend", "backend:v1", 3, namespace))
    control_plane.wait_rolled_out("shop-backend", namespace)
    return namespace


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (200, 50)])
def test_a_rollout_that_cannot_succeed_is_doomed_within_ten_seconds(
    control_plane: ControlPlane, shop: str, columns: int, rows: int
) -> None:
    with screen(control_plane.admin_kubeconfig, "-n", shop, columns=columns, rows=rows) as terminal:
        terminal.wait_for("3/3")
        began = time.monotonic()
        control_plane.set_image("shop-backend", "backend:missing", shop)
        terminal.wait_for("DOOMED")
        assert time.monotonic() - began < 10
        terminal.wait_for("ImagePullBackOff")
        terminal.wait_for("v1 → missing")
        terminal.wait_for("users unaffected")
        control_plane.kubectl("rollout", "undo", "deployment/shop-backend", "-n", shop)
        terminal.wait_gone("DOOMED")


def test_an_api_server_that_freezes_is_stale_within_five_seconds_and_comes_back(
    control_plane: ControlPlane, shop: str
) -> None:
    with screen(control_plane.admin_kubeconfig, "-n", shop) as terminal:
        terminal.wait_for("● live")
        control_plane.freeze_api_server()
        try:
            began = time.monotonic()
            terminal.wait_for("STALE", 10)
            assert time.monotonic() - began < 5.5
            terminal.wait_for("shop-backend")
        finally:
            control_plane.thaw_api_server()
        terminal.wait_for("● live")


def test_an_api_server_that_dies_and_is_started_again_is_followed_without_a_word(
    control_plane: ControlPlane, shop: str
) -> None:
    with screen(control_plane.admin_kubeconfig, "-n", shop) as terminal:
        terminal.wait_for("● live")
        control_plane.kill_api_server()
        terminal.wait_for("STALE")
        control_plane.start_api_server()
        terminal.wait_for("● live", 40)
        control_plane.set_image("shop-backend", "backend:v2", shop)
        terminal.wait_for("v2")


def test_missing_rights_cost_a_pane_and_name_the_verb_and_the_resource(control_plane: ControlPlane, shop: str) -> None:
    with screen(control_plane.pods_only_kubeconfig, "-n", shop, columns=200, rows=50) as terminal:
        terminal.wait_for("Running")
        terminal.wait_until(lambda: re.search(r"list \S*deployments", terminal.text) is not None, "the missing right")
        assert terminal.process.poll() is None


def test_keys_at_random_write_nothing_when_read_only(control_plane: ControlPlane, shop: str) -> None:
    """Ten thousand keys, in-process fuzzing beside it sends more: here the API server's audit is the witness."""
    user = f"fuzz-{shop}"
    kubeconfig = control_plane.kubeconfig_with_rights(user, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    chance = random.Random(7)
    keys = [*map(chr, range(0x20, 0x7F)), *"\t\r\x1a\x17\x12\x1b", "\x1b[A", "\x1b[B", "\x1b[1;2C"]
    with screen(kubeconfig, "-n", shop, "--readonly") as terminal:
        terminal.wait_for("3/3")
        for _ in range(200):
            typed = "".join(chance.choice(keys) for _ in range(50)).replace(":q", ":x")
            os.write(terminal.master, typed.encode())
            terminal.read(0.05)
        terminal.press("\x1b" * 3)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            terminal.read()
    asked = control_plane.requests_of(f"system:serviceaccount:default:{user}")
    verbs = {(r["verb"], r["objectRef"]["resource"]) for r in asked if "objectRef" in r}
    assert ("watch", "pods") in verbs
    writes = {v for v in verbs if v[0] not in ("get", "list", "watch")}
    assert writes <= {("create", "selfsubjectreviews"), ("create", "selfsubjectaccessreviews")}
