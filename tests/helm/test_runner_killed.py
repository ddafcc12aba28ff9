"""The runner killed while helm is at work, and helm with it or not: taken up, the release goes back once."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from clients.journal_file import list_operations
from domain.operations import Operation
from tests.app.command import COMMAND, environment, quarterdeck
from tests.cluster.control_plane import ControlPlane
from tests.cluster.helm_charts import Chart
from tests.cluster.processes import wait_until
from tests.helm.test_real_helm import QUICK, is_pending

pytestmark = [pytest.mark.cluster, pytest.mark.real("helm"), pytest.mark.usefixtures("real_helm")]


def helm_processes(chart: Chart) -> list[int]:
    """Those of this test's namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
        except OSError:
            continue
        if words[1:3] == [b"rollback", b"shop"] and chart.namespace.encode() in words:
            found.append(int(entry.name))
    return found


def operation_in(home: Path) -> Operation:
    (found,) = list_operations(home / ".local" / "state" / "quarterdeck" / "operations")
    return found


@pytest.mark.parametrize("major", [3, 4], ids=["helm3", "helm4"])
@pytest.mark.parametrize(
    ("is_helm_killed", "revisions"),
    [(False, {1: "superseded", 2: "superseded", 3: "deployed"}), (True, {1: "superseded", 2: "superseded", 4: "deployed"})],
    ids=["helm goes on", "helm is killed too"],
)
def test_taken_up_it_goes_back_once(
    major: int,
    is_helm_killed: bool,
    revisions: dict[int, str],
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    home: Path,
) -> None:
    chart = Chart(control_plane, namespace, tmp_path, major)
    # Its pods take eight seconds to get ready: helm waits for them, and is waited for.
    chart.deploy("web:slow")
    chart.deploy("web:v2")
    home.joinpath("quarterdeck.toml").write_text(QUICK)
    more = {"KUBECONFIG": str(control_plane.admin_kubeconfig), "PATH": chart.environment()["PATH"]}
    going = subprocess.Popen(
        [*COMMAND, "helm", "rollback", "shop", "--to", "1", "--yes", "--reason", "x", "-n", namespace, "--force"],
        env=environment(home, **more),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until("helm to be at work", lambda: is_pending(chart, 3, "pending-rollback"))
    (helm,) = helm_processes(chart)
    runner = operation_in(home).runner_pid
    assert runner
    os.kill(runner, signal.SIGKILL)
    going.wait(30)

    if is_helm_killed:
        os.kill(helm, signal.SIGKILL)
        wait_until("helm to be gone", lambda: not helm_processes(chart))
    else:
        assert helm_processes(chart) == [helm], "helm outlives the runner"
    resumed = quarterdeck("ops", "resume", operation_in(home).plan.id, home=home, cwd=home, **more)

    statuses = {number: status for number, (status, _) in chart.history().items()}
    assert resumed.code == 0, resumed.out
    assert "VERIFIED: 2/2 on slow" in resumed.out
    assert {number: statuses[number] for number in revisions} == revisions
    assert max(statuses) == max(revisions)
    assert "pending" not in quarterdeck("helm", "list", "-n", namespace, home=home, cwd=home, **more).out
