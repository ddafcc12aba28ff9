"""What a script is answered."""

from __future__ import annotations

import json

import pytest

from domain.exit_codes import FAILING, IN_PROGRESS, OK
from domain.status import as_data, exit_code_of, exit_code_of_all
from domain.verdict import Degree
from tests.domain.making import crashed, deployment, fleet_of, new_revision, old_pods, old_revision, only, pod, settled


@pytest.mark.parametrize(
    ("degree", "code"),
    [
        (Degree.HEALTHY, OK),
        (Degree.PROGRESSING, IN_PROGRESS),
        (Degree.PAUSED, IN_PROGRESS),
        (Degree.SUSPECT, IN_PROGRESS),
        (Degree.LIKELY, FAILING),
        (Degree.BUSINESS, FAILING),
        (Degree.DOOMED, FAILING),
    ],
)
def test_each_degree_has_its_exit_code(degree: Degree, code: int) -> None:
    assert exit_code_of(degree) == code


def test_the_worst_decides() -> None:
    fleet = fleet_of(deployment(), settled(uid="x", name="x"), new_revision(), pod("a", crashed()), pod("b"))
    assert exit_code_of_all(fleet.rollouts.values()) == FAILING
    assert exit_code_of_all([]) == OK


def test_plain_data_says_what_the_screen_says() -> None:
    rollout = only(fleet_of(deployment(), old_revision(), new_revision(), pod("a", crashed()), *old_pods()).rollouts)
    data = json.loads(json.dumps(as_data(rollout)))
    assert (data["degree"], data["exit_code"], data["kubernetes_says_at_s"]) == ("likely", FAILING, 600.0)
    assert (data["image"], data["old_image"], data["last_known_good"]) == ("web:v2", "web:v1", "web:v1")
    assert data["findings"][0]["reason"] == "CrashLoopBackOff"
