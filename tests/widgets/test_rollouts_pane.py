from __future__ import annotations

from dataclasses import replace

import pytest

from domain.fleet import Fleet
from domain.targets import Target
from domain.verdict import Degree, Verdict
from tests import builders as make
from tests import fleets
from tests.widgets.stage import WatchStage, line_with, lines


def _with(verdict: Verdict, **changes: object) -> Fleet:
    fleet = fleets.rolling()
    key, rollout = next(iter(fleet.rollouts.items()))
    return replace(fleet, rollouts={**fleet.rollouts, key: replace(rollout, verdict=verdict, **changes)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            Verdict(Degree.DOOMED, "doomed", since_began_s=5, kubernetes_says_at_s=600),
            "✖ DOOMED at 0:05 · Kubernetes says so at 10:00",
        ),
        (Verdict(Degree.LIKELY, "likely failing", since_began_s=18), "✖ LIKELY FAILING at 0:18 · Kubernetes never says so"),
        (Verdict(Degree.SUSPECT, "suspect", since_began_s=70), "! SUSPECT at 1:10"),
        (Verdict(Degree.BUSINESS, "worse for users", since_began_s=70), "✖ WORSE FOR USERS at 1:10"),
        (Verdict(Degree.PAUSED, "paused at 2/6"), "‖ paused at 2/6"),
        (Verdict(Degree.PROGRESSING, "rolling out 4/6"), "◐ rolling out 4/6  0:25 · about 18s left"),
        (Verdict(Degree.HEALTHY, "healthy"), "✔ healthy"),
    ],
)
async def test_the_verdict_has_a_sign_a_word_and_both_clocks(verdict: Verdict, said: str) -> None:
    app = WatchStage(_with(verdict))
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        assert said in line_with(app, "shop-backend")


async def test_old_and_new_stand_side_by_side() -> None:
    app = WatchStage(fleets.rolling())
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        line = line_with(app, "shop-backend")
        assert "v1.8.2 → v1.9.0" in line
        assert "4/6 new, 3 ready, 3 old" in line
        assert "▕█████▓░░░░▏" in line


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_why_is_on_the_screen_whatever_its_size(size: tuple[int, int]) -> None:
    app = WatchStage(fleets.likely(make.production()))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for said in (
            "LIKELY FAILING",
            "at 0:18 · Kubernetes says so at 10:00",
            'CrashLoopBackOff ×2: "cannot reach database" (exit 3)',
            "old pods serve 6/6, users unaffected · ★ v1.8.2 is the last known good",
            "cannot reach database: connection refused",
        ):
            line_with(app, said)
        assert "2 (9s)" in line_with(app, " 0/1 ")


async def test_a_long_name_does_not_cut_the_clocks_off() -> None:
    fleet = fleets.likely()
    rollout = next(iter(fleet.rollouts.values()))
    long = replace(rollout, workload=replace(rollout.workload, name="shop-backend-for-the-whole-of-europe"))
    app = WatchStage(replace(fleet, rollouts={long.key: long}))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.watch_screen.fleet = replace(app.watch_screen.fleet, now=make.NOW + 1)  # type: ignore[type-var]
        await pilot.pause()
        line_with(app, "at 0:18 · Kubernetes says so at 10:00")


async def test_a_workload_opens_to_its_revisions_and_their_pods() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.press("z", "right")
        await pilot.pause()
        assert "new  0/2 ready  failing" in line_with(app, "▾ v1.9.0")
        assert "0/1  CrashLoopBackOff  2 restarts" in line_with(app, "└ shop-backend-7f9c5d68b4-k2lxv")
        assert "old  6/6 ready  last known good" in line_with(app, "▹ v1.8.2")
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        key = next(iter(fleets.likely().rollouts))
        assert app.asked == [("logs", Target(key, pod_uid="uid-shop-backend-7f9c5d68b4-k2lxv"))]
        await pilot.press("left", "left", "left", "left")
        await pilot.pause()
        assert not any("▹ v1.8.2" in line for line in lines(app))


async def test_all_namespaces_are_told_apart() -> None:
    app = WatchStage(fleets.healthy(make.scope(namespace="")))
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        line_with(app, "shop-practice/shop-backend")


async def test_faults_only_leaves_what_is_in_trouble() -> None:
    app = WatchStage(fleets.likely())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert not any("healthy" in line for line in lines(app)[:10])
        assert "faults only" in line_with(app, "1 ROLLOUTS")


async def test_when_all_is_well_faults_only_says_so() -> None:
    app = WatchStage(fleets.healthy())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+z")
        await pilot.pause()
        line_with(app, "✔ No rollout is in trouble.")
        line_with(app, "Ctrl-z shows all of them again.")


async def test_hundreds_of_healthy_workloads_are_worked_out_only_where_seen() -> None:
    rollouts = [make.rollout(make.workload(f"shop-{i:03}", desired=1)) for i in range(500)]
    app = WatchStage(make.fleet(*rollouts))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        table = app.watch_screen.panes["rollouts"].table
        assert len(table.keys) == 500
        assert len(table.visible_keys) < 20
        await pilot.press("G")
        await pilot.pause()
        line_with(app, "▸shop-499")
