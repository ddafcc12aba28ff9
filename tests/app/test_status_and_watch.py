"""The command line's verdicts, over real HTTP against the practice cluster, by exit code and by what is printed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.command import COMMAND, environment, practice, quarterdeck


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def failing(home: Path) -> Iterator[str]:
    """A cluster in which the backend's new image does not exist, some time after that was tried."""
    with practice("missing-image", home, speed=3) as kubeconfig:
        until_it_changes(home, kubeconfig)
        yield kubeconfig


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[str]:
    with practice("healthy", tmp_path, speed=8) as kubeconfig:
        until_it_changes(tmp_path, kubeconfig)
        yield kubeconfig


def until_it_changes(home: Path, kubeconfig: str) -> None:
    """The change comes four practice seconds after the start; until then all is healthy."""
    ends_at = time.monotonic() + 30
    while quarterdeck("status", "shop-backend", home=home, KUBECONFIG=kubeconfig).code == 0:
        assert time.monotonic() < ends_at


def test_a_doomed_rollout_is_exit_code_11_with_its_cause_and_its_way_back(home: Path, failing: str) -> None:
    watched = quarterdeck("watch", "deploy/shop-backend", "--timeout", "60", "-o", "jsonl", home=home, KUBECONFIG=failing)
    assert watched.code == 11, watched.err
    last = json.loads(watched.out.splitlines()[-1])
    assert (last["exit_code"], last["workload"]["verdict"]) == (11, "doomed")

    listed = quarterdeck("status", "-o", "json", home=home, KUBECONFIG=failing)

    assert listed.code == 11
    report = json.loads(listed.out)
    assert (report["schema"], report["verdict"], report["exit_code"], report["blind_spots"]) == (1, "doomed", 11, {})
    backend = report["workloads"][0]
    assert backend["name"] == "shop-backend"
    assert "not found" in backend["cause"]
    assert backend["rollback_to"]["image"].endswith("/backend:v1.8.2")
    assert backend["findings"][0]["is_confirmed"]


def test_the_table_says_it_in_words_and_in_line(home: Path, failing: str) -> None:
    quarterdeck("watch", "shop-backend", home=home, KUBECONFIG=failing)

    answer = quarterdeck("status", home=home, KUBECONFIG=failing)

    head, titles, *rows = answer.out.splitlines()
    assert head == "practice · context practice · namespace shop-practice"
    assert titles.split() == ["WORKLOAD", "IMAGE", "NEW", "OLD", "VERDICT"]
    first, web = rows[0], next(row for row in rows if "shop-web" in row)
    assert first.startswith("✖")
    assert first.index("doomed") == web.index("healthy") == titles.index("VERDICT")
    assert "old pods still serve 6/6" in answer.out


def test_one_healthy_workload_is_exit_code_0_beside_a_doomed_one(home: Path, failing: str) -> None:
    answer = quarterdeck("status", "deployment/shop-web", home=home, KUBECONFIG=failing)

    assert answer.code == 0
    assert "shop-backend" not in answer.out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("backend", "Did you mean shop-backend?"),
        ("zzz", "There are deployment/shop-backend"),
        ("sts/shop-web", "no workload 'sts/shop-web' in namespace shop-practice"),
    ],
)
def test_a_workload_that_is_not_there_is_answered_with_those_that_are(
    name: str, says: str, home: Path, failing: str
) -> None:
    answer = quarterdeck("status", name, home=home, KUBECONFIG=failing)

    assert answer.code == 2
    assert says in answer.err


def test_ascii_where_the_output_is_not_utf_8(home: Path, failing: str) -> None:
    answer = quarterdeck("status", home=home, KUBECONFIG=failing, PYTHONIOENCODING="ascii")

    assert answer.out.isascii()
    assert "ok  deployment/shop-web" in answer.out


def test_a_rollout_is_followed_until_it_has_succeeded(tmp_path: Path, rolling: str) -> None:
    answer = quarterdeck("watch", "shop-backend", "--timeout", "60", "--soak", "1", home=tmp_path, KUBECONFIG=rolling)

    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert "rolling out" in lines[0]
    assert lines[-1].endswith("✔ deployment/shop-backend v1.9.0: healthy")
    assert len(set(lines)) == len(lines)


def test_no_verdict_in_time_is_exit_code_12(tmp_path: Path, rolling: str) -> None:
    answer = quarterdeck("watch", "shop-backend", "--timeout", "0.5", "--soak", "3600", home=tmp_path, KUBECONFIG=rolling)

    assert answer.code == 12
    assert "no verdict on deployment/shop-backend" in answer.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_quietly(number: int, code: int, tmp_path: Path, rolling: str) -> None:
    watching = subprocess.Popen(
        [*COMMAND, "watch", "shop-backend", "--soak", "3600"],
        env=environment(tmp_path, KUBECONFIG=rolling),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    assert watching.stdout.readline()

    watching.send_signal(number)
    _, errors = watching.communicate(timeout=10)

    assert (watching.returncode, errors) == (code, "")


def test_a_reader_that_has_gone_is_no_error(home: Path, failing: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "status", "-o", "json"],
        env=environment(home, KUBECONFIG=failing),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == b""
        assert listing.wait(20) == 141


def test_what_has_been_seen_only_once_is_looked_at_again(tmp_path: Path) -> None:
    ends_at = time.monotonic() + 60
    with practice("missing-image", tmp_path) as kubeconfig:
        answer = quarterdeck("status", home=tmp_path, KUBECONFIG=kubeconfig)
        while answer.code != 11:
            assert time.monotonic() < ends_at
            answer = quarterdeck("status", home=tmp_path, KUBECONFIG=kubeconfig)

    assert answer.err == "quarterdeck: something looks wrong; looking again for 4 s to be certain.\n"


def test_a_server_that_goes_away_is_waited_for_until_the_time_is_over(tmp_path: Path) -> None:
    with practice("healthy", tmp_path, speed=8) as kubeconfig:
        until_it_changes(tmp_path, kubeconfig)
        watching = subprocess.Popen(
            [*COMMAND, "watch", "shop-backend", "--soak", "3600", "--timeout", "8"],
            env=environment(tmp_path, KUBECONFIG=kubeconfig),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watching.stdout is not None
        assert watching.stdout.readline()
    _, errors = watching.communicate(timeout=30)

    assert watching.returncode == 12
    assert errors.splitlines()[0] == "quarterdeck: the API server does not answer; waiting for it."
    assert "Traceback" not in errors


def test_a_full_disk_is_said(home: Path, failing: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "status"],
            env=environment(home, KUBECONFIG=failing),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr.startswith("quarterdeck: The output cannot be written: No space left on device.\n")
    assert "Traceback" not in done.stderr
