from __future__ import annotations

from dataclasses import replace

import pytest

from domain.describe import describe
from domain.targets import Target
from screens.describe import describe_screen
from screens.text import TextScreen, yaml_spans
from tests import fleets
from tests.screens.stage import StageApp, newest_pod, rows, seen, workload

YAML = """apiVersion: v1
kind: Pod
metadata:
  name: shop-backend-7f9c5d68b4-k2lxv
  annotations:
    "example.com/note": "a: b"
spec:
  containers:
  - name: shop-backend
    # how it is started
    command: ["run", "--port=8080"]
    image: registry.example/shop/shop-backend:v1.9.0
"""


def _text(target: Target) -> str:
    return "\n".join(f"{line.label:14}{line.text}" for line in describe(fleets.likely(), target))


@pytest.mark.parametrize(
    "line, lit",
    [
        ("  name: web", "name"),
        ("- name: web", "name"),
        ('  "example.com/note": x', '"example.com/note"'),
        ("# a: b", "# a: b"),
        ("  - --port=8080", ""),
        ("  http://x:80/y", ""),
        ("key:", "key"),
    ],
)
def test_the_keys_of_yaml_are_lit(line: str, lit: str) -> None:
    assert "".join(line[begin:end] for begin, end, _ in yaml_spans(line)) == lit


def test_a_pod_is_described_with_what_is_wrong_first() -> None:
    fleet = fleets.likely()
    text = _text(newest_pod(fleet))
    for said in ("CrashLoopBackOff, 0/1 ready, 2 restarts (the last 9s ago)", "new version v1.9.0", "Events, newest first",
                 "! BackOff ×3", "Container shop-backend"):  # fmt: skip
        assert said in text


def test_a_workload_is_described_with_its_verdict_revisions_and_health() -> None:
    text = _text(workload(fleets.likely()))
    for said in ("likely failing at 0:18; Kubernetes says so at 10:00", "old pods serve 6/6, users unaffected",
                 "v1.8.2  65df9b7c4f", "last known good", "storage FAILS: connection refused",
                 "Scaled up replica set"):  # fmt: skip
        assert said in text


def test_a_revision_is_described() -> None:
    fleet = fleets.likely()
    target = workload(fleet)
    assert target.workload is not None
    line = fleet.rollouts[target.workload].history[3]
    text = _text(replace(target, revision_uid=line.revision.uid))
    for said in ("Revision 6 of shop-backend", "v1.8.0  failed", "rolled back", "release 1.8.0", "by ci"):
        assert said in text


def test_what_is_gone_is_said_to_be_gone() -> None:
    assert "It is gone" in _text(Target(pod_uid="nobody"))
    assert "It is gone" in _text(replace(workload(fleets.likely()), pod_uid="nobody"))


def test_forbidden_events_say_what_is_missing() -> None:
    fleet = fleets.forbidden()
    assert any("list events in" in line.text for line in describe(fleet, newest_pod(fleet)))


async def test_a_description_keeps_up_with_the_cluster() -> None:
    fleet = fleets.rolling()
    app = StageApp(screen := describe_screen(fleet, workload(fleet)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "rolling out 4/6" in seen(app)
        screen.fleet = fleets.likely()
        await pilot.pause()
        assert "likely failing" in seen(app) and "rolling out" not in seen(app)


async def test_a_search_is_shown_counted_and_gone_through() -> None:
    app = StageApp(TextScreen("pod/x", YAML, is_yaml=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"backend", "enter")
        await pilot.pause()
        assert "“backend” 1 of 3" in rows(app)[0]
        await pilot.press("n", "n")
        assert "3 of 3" in rows(app)[0]
        await pilot.press("N")
        assert "2 of 3" in rows(app)[0]
        await pilot.press("escape")
        await pilot.pause()
        assert "backend” " not in rows(app)[0] and isinstance(app.screen, TextScreen)


async def test_a_search_that_finds_nothing_says_so() -> None:
    app = StageApp(TextScreen("pod/x", YAML))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"search nothing", "enter")
        await pilot.pause()
        assert "“nothing” is not in it" in rows(app)[0]


async def test_the_whole_text_is_copied() -> None:
    app = StageApp(screen := TextScreen("pod/x", YAML))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("c")
        assert app.clipboard == YAML and "Copied 13 lines" in screen.footer.note
        screen.show_text("x" * 80_000)
        await pilot.press("c")
        assert "`:save` writes it to a file" in screen.footer.note


async def test_a_text_is_read_again_when_asked_and_keeps_its_place() -> None:
    app = StageApp(screen := TextScreen("pod/x", YAML * 10))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+f", "ctrl+r")
        await pilot.pause()
        assert app.asked == [("refresh", screen.target)]
        before = rows(app)[1]
        screen.show_text((YAML * 10).replace("v1.9.0", "v1.9.1"))
        await pilot.pause()
        assert rows(app)[1] == before and "v1.9.1" in seen(app)


async def test_a_text_that_could_not_be_read_says_what_next() -> None:
    app = StageApp(screen := TextScreen("pod/x"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Reading it" in seen(app)
        screen.show_error("You may not get pods in shop.", "Ask for the verb get on the resource pods.")
        await pilot.pause()
        assert "You may not get pods" in seen(app) and "Ctrl-r tries again" in seen(app)


async def test_other_views_of_the_same_thing_are_one_key_away() -> None:
    fleet = fleets.likely()
    target = newest_pod(fleet)
    app = StageApp(TextScreen("pod/x", YAML, is_yaml=True, fleet=fleet, target=target))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l", "d", "y")
        await pilot.pause()
        assert app.asked == [("logs", target), ("describe", target), ("refresh", target)], "its own key reads it again"
        assert "YAML" not in rows(app)[-1]
