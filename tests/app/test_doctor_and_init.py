"""doctor and init against the practice cluster, and what they say where there is none."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.command import practice, quarterdeck


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[str]:
    with practice("healthy", home) as kubeconfig:
        yield kubeconfig


def test_doctor_finds_what_is_there(home: Path, cluster: str) -> None:
    answer = quarterdeck("doctor", "-o", "json", home=home, KUBECONFIG=cluster)

    assert answer.code == 0, answer.out
    report = json.loads(answer.out)
    checks = {(check["group"], check["name"]): check for check in report["checks"]}
    assert checks["API server", "you are"]["detail"] == "oncall"
    assert checks["rights", "logs"]["state"] == "good"
    assert checks["around", "Prometheus"]["state"] == "good", checks["around", "Prometheus"]
    assert checks["health endpoints", "deployment/shop-backend /health/ready"]["state"] == "good"
    assert all(check["hint"] for check in report["checks"] if check["state"] != "good")


def test_doctor_prints_a_line_a_check_and_a_verdict(home: Path, cluster: str) -> None:
    answer = quarterdeck("doctor", home=home, KUBECONFIG=cluster)

    assert "\nrights\n  ✔ pods and verdicts: get, list, watch pods\n" in answer.out
    assert answer.out.splitlines()[-1].startswith("All that is needed works")


@pytest.mark.parametrize(
    ("config", "code", "says"),
    [
        ("", 2, "✖ context: There is no kubeconfig"),
        ("[verdict]\nsoak = 3\n", 2, "✖ quarterdeck.toml: There is no key `verdict.soak`"),
    ],
)
def test_doctor_goes_on_where_others_stop(config: str, code: int, says: str, tmp_path: Path) -> None:
    (tmp_path / "quarterdeck.toml").write_text(config)

    answer = quarterdeck("doctor", home=tmp_path)

    assert answer.code == code
    assert says in answer.out
    assert "✔ state folder" in answer.out
    assert "Traceback" not in answer.out + answer.err


def test_init_writes_what_it_found_and_status_can_use_it(home: Path, cluster: str, tmp_path: Path) -> None:
    written = quarterdeck("init", home=home, cwd=tmp_path, KUBECONFIG=cluster)

    assert written.code == 0, written.err
    text = (tmp_path / "quarterdeck.toml").read_text()
    found = tomllib.loads(text)
    assert found["product"] == "shop"
    assert found["environments"]["practice"]["namespace"] == "shop-practice"
    assert found["prometheus"]["service"].startswith("monitoring/")
    assert "deployment/shop-backend  /health/" in text
    # It names no address, so it is used without being trusted.
    assert quarterdeck("--env", "practice", "status", home=home, cwd=tmp_path, KUBECONFIG=cluster).code in (0, 10)


def test_init_replaces_nothing_unless_it_is_told_to(home: Path, cluster: str, tmp_path: Path) -> None:
    path = tmp_path / "quarterdeck.toml"
    path.write_text("# mine\n")

    refused = quarterdeck("init", home=home, cwd=tmp_path, KUBECONFIG=cluster)
    printed = quarterdeck("init", "-o", "-", home=home, cwd=tmp_path, KUBECONFIG=cluster)

    assert (refused.code, path.read_text()) == (2, "# mine\n")
    assert "--force" in refused.err
    assert tomllib.loads(printed.out)["product"] == "shop"

    assert quarterdeck("init", "--force", home=home, cwd=tmp_path, KUBECONFIG=cluster).code == 0
    assert "# mine" not in path.read_text()


def test_version_names_what_a_report_needs(tmp_path: Path) -> None:
    answer = quarterdeck("version", home=tmp_path)

    names = [line.split()[0] for line in answer.out.splitlines()]
    assert (answer.code, names[:3]) == (0, ["quarterdeck", "python", "textual"])
