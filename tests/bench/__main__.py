"""`make bench`, or `python -m tests.bench --only start,memory --runs 5`: measures, then prints one table."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import programs, report
from tests.bench.figures import FIGURES, SITTINGS, sittings_for
from tests.bench.sittings import SITTING, Sitting, Terms
from tests.bench.stage import Stage, set_up
from tests.cluster import build

_OTHERS_AT_MOST = 3
"""Runs of the programs that are only there to be compared with."""
_LONG = {"steady": 3, "load": 3, "big": 3}
"""Runs at most of the sittings that take minutes."""


def main() -> int:
    options = _options()
    if reason := build.reason_missing():
        print(f"The bench needs the real control plane: {reason}.", file=sys.stderr)
        return 2
    try:
        wanted = sittings_for(options.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    os.chdir(programs.ROOT)
    # The thread that writes down when bytes came must not wait for the one that draws them.
    sys.setswitchinterval(0.0002)
    load = os.getloadavg()[0]
    with TemporaryDirectory(prefix="quarterdeck-bench-") as folder, set_up(options.pods, Path(folder), _say) as stage:
        facts = report.machine_facts(load, options.pods, stage.mean_pod_bytes(), options.columns, options.rows)
        compared = _programs(options.programs)
        print(facts, end="\n\n", flush=True)
        values = _measure(stage, compared, wanted, options)
        print(report.table(values, compared))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    known = ", ".join((*SITTINGS, *(figure.key for figure in FIGURES)))
    add("--only", default="", metavar="LIST", help=f"these sittings or figures, with commas: {known}")
    add("--runs", type=int, default=5, help="of each sitting; of those that take minutes at most 3 (5)")
    add("--pods", type=int, default=5000, help="in the cluster (5000)")
    add("--big", type=int, default=20_000, help="in the cluster for the last sitting (20000)")
    add("--programs", default="quarterdeck,kubectl,k9s", help="what to compare, where it is on PATH")
    add("--columns", type=int, default=180)
    add("--rows", type=int, default=48)
    add("--idle", type=float, default=30, metavar="S", help="how long idling is watched (30)")
    add("--settle", type=float, default=15, metavar="S", help="how long a program may settle before that (15)")
    add("--load", type=float, default=60, metavar="S", help="how long the load lasts (60)")
    add("--rate", type=float, default=200, help="events a second of the load (200)")
    return parser.parse_args()


def _programs(names: str) -> list[programs.Program]:
    wanted = names.split(",")
    found = [programs.quarterdeck()] if "quarterdeck" in wanted else []
    if "kubectl" in wanted:
        found.append(programs.kubectl(str(build.programs().kubectl)))
    if "k9s" in wanted and (k9s := programs.k9s()):
        found.append(k9s)
    return found


def _measure(
    stage: Stage, compared: Sequence[programs.Program], wanted: Sequence[str], options: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    terms = Terms(
        options.columns, options.rows, options.idle, options.settle, options.load, options.rate, options.big - options.pods
    )
    values: dict[str, dict[str, list[float]]] = {program.name: defaultdict(list) for program in compared}
    for name in wanted:
        for program in compared:
            runs = min(options.runs, _LONG.get(name, options.runs), options.runs if program.is_ours else _OTHERS_AT_MOST)
            if name == wanted[0]:
                SITTING["small"](Sitting(stage, program, terms))  # not counted: files and bytecode come into the cache
            for run in range(runs):
                began = time.monotonic()
                _say(f"{name}: {program.name}, run {run + 1} of {runs}", end=" ")
                try:
                    measured = SITTING[name](Sitting(stage, program, terms))
                except TimeoutError as error:
                    _say(f"FAILED: {error}")
                    continue
                for key, value in measured.items():
                    values[program.name][key].append(value)
                told = ", ".join(f"{key} {value:.4g}" for key, value in measured.items())
                _say(f"({time.monotonic() - began:.0f} s) {told}")
                if not measured:
                    break
    return values


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
