"""The sittings: each starts one program in a terminal, does something to the cluster, and reads some figures off it."""

from __future__ import annotations

import itertools
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.programs import ROOT, Program
from tests.bench.stage import FLEET, SMALL, PodRef, Stage
from tests.bench.terminal import Terminal

Measured = dict[str, float]

FIRST_BYTES_S = 8.0
MORE = f"{FLEET}-more"
_CHANGES = 60
_CELLS = 12
_LOAD_GRACE_S = 3.0
_COUNTS = itertools.count(111)
"""Restart counts that nothing else on a screen is likely to be."""
_PAGE_DOWN = "\x06"
_ROW = re.compile(r"[a-z0-9]{6,10}-([a-z0-9]{5})\s.*?\d+/\d+\s+\S+\s+(\d+)")
_END = re.compile(r"-([a-z0-9]{5})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Terms:
    """How long and how large."""

    columns: int
    rows: int
    idle_s: float
    settle_s: float
    load_s: float
    load_rate: float
    more_pods: int
    """For the last sitting, beside those that are there."""


@dataclass(frozen=True, slots=True)
class Sitting:
    stage: Stage
    program: Program
    terms: Terms

    def open(self, namespace: str = "") -> Terminal:
        home = Path(tempfile.mkdtemp(prefix="quarterdeck-bench-home-"))
        environment = self.program.environment(self.stage, home)
        argv = self.program.argv(self.stage, namespace)
        return Terminal(argv, environment, columns=self.terms.columns, rows=self.terms.rows)

    def first_row(self, terminal: Terminal) -> float:
        """When the first pod that the cluster really has was on the screen, in ms from the start."""
        shown_at = terminal.wait_for(lambda line: bool(self.pods_in(line)), timeout_s=120, what="pod row")
        return (shown_at - terminal.started_at) * 1000

    def pods_in(self, line: str) -> list[PodRef]:
        return [self.stage.pods[end] for end in _END.findall(line) if end in self.stage.pods]

    def visible(self, terminal: Terminal) -> list[PodRef]:
        """The pods on the screen, top to bottom, without those at its edges, which a new line might push out."""
        return [pod for line in terminal.lines for pod in self.pods_in(line)][2:-2]

    def change(self, terminal: Terminal, pod: PodRef) -> tuple[float, float]:
        """One more event; (when it was asked for, when it was on the screen)."""
        count = next(_COUNTS)
        asked_at = self.stage.set_restarts(pod, count)
        shown = re.compile(rf"-{pod.end}\s.*\s{count}(\s|$)")
        return asked_at, terminal.wait_for(lambda line: bool(shown.search(line)), timeout_s=30, what=f"{pod.name} {count}")


def start(sitting: Sitting) -> Measured:
    with sitting.open() as terminal:
        first_ms = sitting.first_row(terminal)
        time.sleep(max(0.0, terminal.started_at + FIRST_BYTES_S - time.perf_counter()))
        sent = terminal.bytes_between(terminal.started_at, terminal.started_at + FIRST_BYTES_S)
        return {"start": first_ms, "first-bytes": sent}


def small(sitting: Sitting) -> Measured:
    with sitting.open(SMALL) as terminal:
        return {"start-small": sitting.first_row(terminal)}


def steady(sitting: Sitting) -> Measured:
    began = time.time()
    with sitting.open() as terminal:
        sitting.first_row(terminal)
        terminal.settle(3, timeout_s=60)
        time.sleep(sitting.terms.settle_s)
        measured = {"memory": terminal.resident_mb(), "memory-peak": terminal.peak_mb()}
        measured |= _idle(sitting, terminal, began)
        return measured | _changes(sitting, terminal)


def _idle(sitting: Sitting, terminal: Terminal, began: float) -> Measured:
    since, since_s, cpu_s = time.time(), time.perf_counter(), terminal.cpu_s()
    time.sleep(sitting.terms.idle_s)
    until_s, used_s = time.perf_counter(), terminal.cpu_s() - cpu_s
    took_s = until_s - since_s
    asked = sitting.stage.requests_since(since)
    watches = [e for e in sitting.stage.requests_since(began) if e["verb"] == "watch"]
    streams = {e["requestURI"].partition("?")[0] for e in watches}
    watching = [e for e in asked if e["verb"] in ("list", "watch") and "/metrics.k8s.io/" not in e["requestURI"]]
    return {
        "idle-cpu": used_s / took_s * 100,
        "idle-bytes": terminal.bytes_between(since_s, until_s) / took_s,
        "idle-requests": len(watching) / max(1, len(streams)) / took_s * 60,
        "idle-others": (len(asked) - len(watching)) / took_s * 60,
    }


def _changes(sitting: Sitting, terminal: Terminal) -> Measured:
    terminal.catch_up()
    sitting.stage.wake()
    chance = random.Random(1)
    took_ms, sent = [], []
    for _ in range(_CHANGES):
        # Never in step with anybody's timer.
        time.sleep(0.1 + 0.4 * chance.random())
        asked_at, shown_at = sitting.change(terminal, chance.choice(sitting.visible(terminal)))
        took_ms.append((shown_at - asked_at) * 1000)
    for _ in range(_CELLS):
        terminal.settle(0.7, timeout_s=10)
        asked_at, shown_at = sitting.change(terminal, chance.choice(sitting.visible(terminal)))
        time.sleep(0.3)
        sent.append(terminal.bytes_between(asked_at, shown_at + 0.3))
    return {
        "event-p50": statistics.median(took_ms),
        "event-p99": _percentile(took_ms, 99),
        "cell-bytes": statistics.median(sent),
    }


def load(sitting: Sitting) -> Measured:
    with sitting.open() as terminal:
        sitting.first_row(terminal)
        terminal.settle(3, timeout_s=60)
        probes = sitting.visible(terminal)[:8]
        took_ms, rate = _under_load(sitting, terminal, probes)
        measured = {"load-p50": statistics.median(took_ms), "load-p99": _percentile(took_ms, 99), "load-rate": rate}
        if sitting.program.is_ours:
            time.sleep(_LOAD_GRACE_S)
            shown, true = _every_row(terminal), sitting.stage.restarts()
            measured["load-dropped"] = sum(shown.get(end) != count for end, count in true.items())
        return measured


def _under_load(sitting: Sitting, terminal: Terminal, probes: list[PodRef]) -> tuple[list[float], float]:
    control_plane, chance = sitting.stage.control_plane, random.Random(2)
    others = [pod for pod in sitting.stage.pods.values() if pod not in probes]
    orders = {
        "port": control_plane.port,
        "certificate": str(control_plane.certificate),
        "token": "admin-token",
        "paths": [pod.status_path for pod in others],
        "rate": sitting.terms.load_rate,
        "seconds": sitting.terms.load_s,
    }
    command = [sys.executable, "-m", "tests.bench.load"]
    took_ms: list[float] = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(orders))
        process.stdin.close()
        sitting.stage.wake()
        time.sleep(1.5)
        while process.poll() is None:
            asked_at, shown_at = sitting.change(terminal, chance.choice(probes))
            took_ms.append((shown_at - asked_at) * 1000)
            time.sleep(0.1 + 0.3 * chance.random())
        told = json.loads(process.stdout.read())
    return took_ms, told["rate"]


def _every_row(terminal: Terminal) -> dict[str, int]:
    """Restarts by the pods' last five letters, read off the zoomed pods pane page by page."""
    for keys in ("2", "z", "g", _PAGE_DOWN):  # the first only takes the cursor to the end of the page
        terminal.press(keys)
        time.sleep(1)
    terminal.catch_up()
    found: dict[str, int] = {}
    page = _page(terminal)
    while page.keys() - found.keys():
        found |= page
        before, deadline = page, time.monotonic() + 3
        terminal.press(_PAGE_DOWN)
        while page.keys() == before.keys() and time.monotonic() < deadline:
            time.sleep(0.05)
            terminal.catch_up()
            page = _page(terminal)
        terminal.settle(0.15, timeout_s=1)  # a page may come in two pieces
        page = _page(terminal)
    return found


def _page(terminal: Terminal) -> dict[str, int]:
    return {found[1]: int(found[2]) for line in terminal.lines if (found := _ROW.search(line))}


def doomed(sitting: Sitting) -> Measured:
    if not sitting.program.is_ours:
        return {}
    control_plane, name = sitting.stage.control_plane, "shop-1"
    with sitting.open(SMALL) as terminal:
        sitting.first_row(terminal)
        terminal.settle(2, timeout_s=30)
        sitting.stage.wake()
        asked_at = time.perf_counter()
        control_plane.set_image(name, "fleet:missing", SMALL)
        shown_at = terminal.wait_for(lambda line: "DOOMED" in line, timeout_s=60, what="DOOMED")
    control_plane.set_image(name, "fleet:v1", SMALL)
    control_plane.wait_rolled_out(name, SMALL)
    return {"doomed": shown_at - asked_at}


def big(sitting: Sitting) -> Measured:
    if MORE not in sitting.stage.namespaces:
        sitting.stage.add_fleet(sitting.terms.more_pods, MORE)
    with sitting.open() as terminal:
        measured = {"big-start": sitting.first_row(terminal)}
        terminal.settle(3, timeout_s=120)
        time.sleep(sitting.terms.settle_s)
        return measured | {"big-memory": terminal.resident_mb()}


def _percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]


SITTING: dict[str, Callable[[Sitting], Measured]] = {
    "start": start,
    "small": small,
    "steady": steady,
    "load": load,
    "doomed": doomed,
    "big": big,
}
