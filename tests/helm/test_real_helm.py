"""The command line against releases of the real helm, of both its lines, on the real control plane."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.command import Answer, quarterdeck
from tests.cluster.control_plane import ControlPlane
from tests.cluster.helm_charts import CANARY, Chart
from tests.cluster.processes import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.real("helm"), pytest.mark.usefixtures("real_helm")]
QUICK = "[verdict]\nsoak_s = 1\n[verify]\nmetrics = false\n"


@pytest.fixture(params=[3, 4], ids=["helm3", "helm4"])
def chart(request: pytest.FixtureRequest, control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Chart]:
    yield Chart(control_plane, namespace, tmp_path, request.param)


def ask(chart: Chart, home: Path, *arguments: str, path: str = "") -> Answer:
    """Searched for what must not be in it, each time."""
    home.joinpath("quarterdeck.toml").write_text(QUICK)
    path = path or chart.environment()["PATH"]
    kubeconfig = str(chart.plane.admin_kubeconfig)
    # The context is called "test", so that this is no production.
    answer = quarterdeck("helm", *arguments, "-n", chart.namespace, home=home, KUBECONFIG=kubeconfig, PATH=path)
    assert CANARY not in answer.out + answer.err
    assert answer.code == 0 or "Traceback" not in answer.err
    return answer


def test_what_there_is_what_it_was_and_what_differs(chart: Chart, home: Path) -> None:
    chart.deploy("web:v1", version="1.0.0")
    chart.deploy("web:v2", version="1.1.0", password="canary-other")

    listed = json.loads(ask(chart, home, "list", "-o", "json").out)
    history = ask(chart, home, "history", "shop")
    differences = ask(chart, home, "diff", "shop", "1", "2")

    assert [(r["name"], r["revision"], r["status"], r["chart"], r["app_version"]) for r in listed] == [
        ("shop", 2, "deployed", "shop-1.1.0", "v2")
    ]
    assert history.code == 0, history.err
    assert "superseded" in history.out and "shop-1.0.0" in history.out
    assert "canary" not in differences.out
    assert (
        "Deployment/web image web: - registry.example.test/shop/web:v1 + registry.example.test/shop/web:v2"
        in differences.out
    )
    assert "Secret/web stringData.a: - ••• + ••• (changed)" in differences.out
    assert "values password: - ••• + ••• (changed)" in differences.out
    assert "ConfigMap/web data.tag: - web:v1 + web:v2" in differences.out


def test_a_rollback_goes_back_and_proves_it(chart: Chart, home: Path) -> None:
    chart.deploy("web:v1")
    chart.deploy("web:v2")

    tried = ask(chart, home, "rollback", "shop", "--dry-run")
    assert tried.code == 0, tried.err
    assert "helm's dry run passes" in tried.out
    assert sorted(chart.history()) == [1, 2]

    done = ask(chart, home, "rollback", "shop", "--yes", "--reason", "v2 is slow")

    assert done.code == 0, done.out + done.err
    assert "VERIFIED: 2/2 on v1" in done.out
    assert chart.image() == "v1"
    assert {n: s for n, (s, _) in chart.history().items()} == {1: "superseded", 2: "superseded", 3: "deployed"}
    # Going back once more does not return to what was left.
    again = ask(chart, home, "rollback", "shop", "--dry-run")
    assert again.code == 3
    assert "there is no earlier revision that was deployed" in again.err
    nothing_written_shows_a_secret(home)


def nothing_written_shows_a_secret(home: Path) -> None:
    """Journals, logs, whatever this user has."""
    written = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in written)
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]


def stuck(chart: Chart, revision: int, status: str) -> None:
    """A helm that waits for what never gets ready, killed as a lost machine would."""
    going = chart.start("web:unready", timeout="300s")
    try:
        wait_until("the revision to be pending", lambda: is_pending(chart, revision, status))
    finally:
        going.send_signal(signal.SIGKILL)
        going.communicate()


def is_pending(chart: Chart, revision: int, status: str) -> bool:
    with contextlib.suppress(subprocess.CalledProcessError):
        return chart.history().get(revision, ("", ""))[0] == status
    return False


def age(chart: Chart, revision: int) -> None:
    """Let it have been pending for a long time: by the label that says since when."""
    labels = {"modifiedAt": None, "createdAt": "1700000000"}
    path = f"/api/v1/namespaces/{chart.namespace}/secrets/sh.helm.release.v1.shop.v{revision}"
    chart.plane.api.patch(path, {"metadata": {"labels": labels}})


def test_the_way_out_of_an_upgrade_that_was_killed(chart: Chart, home: Path) -> None:
    chart.deploy("web:v1")
    stuck(chart, 2, "pending-upgrade")
    refused = chart.start("web:v3")
    assert "another operation" in refused.communicate()[1]

    listed = ask(chart, home, "list")
    assert "revision 2 is pending-upgrade" in listed.out
    assert "quarterdeck helm rollback shop" in listed.out
    early = ask(chart, home, "rollback", "shop", "--yes", "--reason", "stuck")
    assert early.code == 3
    assert "a helm may still be at work on it" in early.err

    age(chart, 2)
    done = ask(chart, home, "rollback", "shop", "--yes", "--reason", "its deployer died")

    assert done.code == 0, done.out + done.err
    assert chart.image() == "v1"
    assert chart.history()[3][0] == "deployed"
    # Upgrades are possible again.
    chart.deploy("web:v4")
    assert chart.image() == "v4"


def test_the_way_out_of_an_install_that_was_killed(chart: Chart, home: Path) -> None:
    stuck(chart, 1, "pending-install")
    age(chart, 1)

    refused = ask(chart, home, "rollback", "shop", "--yes", "--reason", "stuck")

    assert refused.code == 3
    assert "quarterdeck helm rollback shop --to 1" in refused.err
    assert "helm uninstall shop" in refused.err


def test_without_helm_on_this_host_it_can_be_looked_at_and_says_what_is_missing(
    chart: Chart, home: Path, tmp_path: Path
) -> None:
    chart.deploy("web:v1")
    chart.deploy("web:v2")
    empty = tmp_path / "empty"
    empty.mkdir()

    assert "shop-1.0.0" in ask(chart, home, "history", "shop", path=str(empty)).out
    refused = ask(chart, home, "rollback", "shop", "--yes", "--reason", "x", path=str(empty))

    assert refused.code == 3
    assert "There is no helm on PATH" in refused.err
    assert "Install Helm 3 or 4" in refused.err


def test_read_only_is_read_only_for_helm_too(chart: Chart, home: Path) -> None:
    chart.deploy("web:v1")
    chart.deploy("web:v2")

    refused = ask(chart, home, "rollback", "shop", "--yes", "--reason", "x", "--readonly")

    assert refused.code == 3
    assert "nothing may be changed here" in refused.err
    assert sorted(chart.history()) == [1, 2]


def test_no_release_of_that_name(chart: Chart, home: Path) -> None:
    answer = ask(chart, home, "history", "nothing")

    assert answer.code == 5
    assert "There is no release 'nothing'" in answer.err
