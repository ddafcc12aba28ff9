"""Every view with something in it, by name: for pictures of them, and for what must hold of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from actions import View
from domain.compare import Difference, compare
from domain.fleet import Fleet
from domain.log_lines import LogLine, LogPhase, LogStream
from domain.sanitise import sanitise, sanitise_lines
from screens.chart import ChartScreen
from screens.choose import Choice, ChooseScreen
from screens.compare import CompareScreen
from screens.describe import describe_screen
from screens.help import HelpScreen
from screens.logs import LogsScreen
from screens.side_by_side import SideBySideScreen
from screens.text import TextScreen
from tests import builders as make
from tests import fleets
from tests.screens import operation_scenes
from tests.screens.stage import (
    STREAMS,
    StageApp,
    key_of,
    log_lines,
    newest_pod,
    poisoned,
    template,
    workload,
)

YAML = """apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubernetes.io/change-cause: release 1.9.0
  labels:
    app: shop-backend
    pod-template-hash: 7f9c5d68b4
  name: shop-backend-7f9c5d68b4-k2lxv
  namespace: shop-practice
spec:
  containers:
  - command: ["shop", "--port=8080"]
    # the image is pinned by its tag only
    image: registry.example/shop/shop-backend:v1.9.0
    name: shop-backend
"""


def _fleet(evil: str) -> Fleet:
    fleet = fleets.likely()
    return poisoned(fleet, evil) if evil else fleet


def _logs(evil: str) -> StageApp:
    fleet = _fleet(evil)
    app = StageApp(
        screen := LogsScreen(sanitise(f"shop-backend, new revision v1.9.0{evil}"), fleet=fleet, target=workload(fleet))
    )
    text = sanitise(evil)
    lines = [replace_text(line, text) for line in log_lines(40)] if evil else log_lines(40)
    lost = LogStream(f"shop-backend-7f9c5d68b4-x{text}", "c", LogPhase.LOST, f"connection reset{text}")

    def fill() -> None:
        screen.show_streams((*STREAMS, lost) if evil else STREAMS)
        screen.add_lines(lines)

    app.call_later(fill)
    return app


def replace_text(line: LogLine, text: str) -> LogLine:
    return line._replace(text=text + line.text, pod=line.pod + text)


def _paused_logs(evil: str) -> StageApp:
    app = _logs(evil)
    screen = app.first
    assert isinstance(screen, LogsScreen)

    def hold() -> None:
        screen.do_follow()
        screen.do_timestamps()
        screen.add_lines(log_lines(12, begin=40))

    app.call_later(hold)
    return app


def _describe_pod(evil: str) -> StageApp:
    fleet = _fleet(evil)
    return StageApp(describe_screen(fleet, newest_pod(fleet)))


def _describe_workload(evil: str) -> StageApp:
    fleet = _fleet(evil)
    return StageApp(describe_screen(fleet, workload(fleet)))


def _yaml(evil: str) -> StageApp:
    text = sanitise_lines(YAML.replace("release 1.9.0", f"release 1.9.0{evil}"))
    fleet = fleets.in_production()
    return StageApp(TextScreen(sanitise(f"pod/x{evil}"), text, is_yaml=True, fleet=fleet, target=newest_pod(fleet)))


def _help(_evil: str) -> StageApp:
    return StageApp(HelpScreen(View.WATCH, fleet=fleets.likely()))


def _compare(evil: str) -> StageApp:
    differences = compare(template("v1.8.2", FEATURE_X="on"), template("v1.9.0", LOG="debug"))
    if evil:
        text = sanitise(evil)
        differences = (*differences, Difference("env", f"shop-backend {text}", text, f"{text} {text}"))
    sides = ("#8 v1.8.2 (65df9b7c4f, last known good)", "#9 v1.9.0 (7f9c5d68b4, failing)")
    return StageApp(CompareScreen("of shop-backend", *sides, differences, fleet=_fleet(evil)))


def _chart(evil: str) -> StageApp:
    fleet = _fleet(evil)
    values = [0.002 + 0.0004 * (n % 5) for n in range(45)] + [0.002 + 0.0012 * n for n in range(15)]
    series = make.series("errors", values, step_s=60)
    if evil:
        series = poisoned(series, evil)
    key = key_of(fleet)
    rollout = replace(fleet.rollouts[key], began_at=make.NOW - 900)
    fleet = replace(fleet, metrics={key: (series, *fleet.metrics[key][1:])}, rollouts={**fleet.rollouts, key: rollout})
    return StageApp(ChartScreen("errors", fleet=fleet, target=workload(fleet)))


def _choose(evil: str) -> StageApp:
    text = sanitise(evil)
    choices = [
        Choice(f"prod-weu{text}", f"PRODUCTION{text}", "bad"),
        Choice("alpha-weu", "alpha"),
        *(Choice(f"team-{n}") for n in range(30)),
    ]
    return StageApp(ChooseScreen(f"Watch which context?{text}", choices, current="alpha-weu"))


def _side_by_side(evil: str) -> StageApp:
    alpha = replace(_fleet(evil), scope=make.scope(environment="alpha", namespace="shop-alpha"))
    return StageApp(SideBySideScreen(alpha, fleets.healthy(make.production())))


SCENES: dict[str, Callable[[str], StageApp]] = {
    "logs": _logs,
    "paused_logs": _paused_logs,
    "describe_pod": _describe_pod,
    "describe_workload": _describe_workload,
    "yaml_in_production": _yaml,
    "help": _help,
    "compare": _compare,
    "chart": _chart,
    "choose": _choose,
    "side_by_side": _side_by_side,
    **operation_scenes.SCENES,
}
"""Each takes a text to put wherever text from outside may stand, "" for none."""
