"""`make faults`, or `python -m tests.faults.operations --races 100 --where practice`: adds runs to the table."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cluster import build
from tests.cluster.control_plane import ControlPlane
from tests.faults.operations import results
from tests.faults.operations.kills import kill
from tests.faults.operations.places import USERS, Cluster, Place, practice_place
from tests.faults.operations.races import Outcome, race

KINDS = {"race": race, "kill": kill}


def main() -> int:
    options = _options()
    if options.page:
        results.PAGE.write_text(results.page(results.read()))
        return 0
    if options.where == "cluster" and (reason := build.reason_missing()):
        print(f"The real control plane is not there: {reason}.", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="quarterdeck-faults-") as folder:
        return asyncio.run(_run(options, Path(folder)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.operations", description=__doc__)
    add = parser.add_argument
    add("--races", type=int, default=0, metavar="N", help="so many more")
    add("--kills", type=int, default=0, metavar="N", help="so many more")
    add("--where", choices=("practice", "cluster"), default="practice")
    add("--at-once", type=int, default=2 * (os.cpu_count() or 1), metavar="N", help="in namespaces of their own")
    add("--minutes", type=float, default=60, metavar="M", help="begin no other run after that")
    add("--seed", type=int, default=0, metavar="N", help="run this one alone and write nothing down")
    add("--again", action="store_true", help="those that were not as they must be, after a fix")
    add("--page", action="store_true", help="only make docs/faults.md from the results")
    return parser.parse_args()


async def _run(options: argparse.Namespace, folder: Path) -> int:
    is_wrong = False
    async with _place(options.where, folder) as place:
        for kind, count in (("race", options.races), ("kill", options.kills)):
            if not count:
                continue
            tally = results.read().get((kind, place.name)) or results.Tally(kind, place.name)
            first = options.seed or tally.last_seed + 1
            seeds = iter(range(first, first + (1 if options.seed else count)))
            if options.again:
                seeds = iter([int(seed) for seed in tally.wrong])
            deadline = time.monotonic() + options.minutes * 60

            async def work(kind: str = kind, seeds: Iterator[int] = seeds, deadline: float = deadline) -> None:
                nonlocal is_wrong
                for seed in seeds:
                    if time.monotonic() > deadline:
                        return
                    outcome = await _one(kind, place, seed, folder)
                    _tell(kind, outcome)
                    is_wrong = is_wrong or bool(outcome.wrong)
                    if not options.seed:
                        results.record(kind, place.name, outcome)

            await asyncio.gather(*(work() for _ in range(options.at_once)))
            tally = results.read().get((kind, place.name), tally)
            print(f"{kind}, {place.name}: {tally.runs} runs, {len(tally.wrong)} not as they must be, {dict(tally.notes)}")
    return int(is_wrong)


async def _one(kind: str, place: Place, seed: int, folder: Path) -> Outcome:
    """One that breaks off counts as wrong: nobody knows what it would have come to."""
    try:
        return await KINDS[kind](place, seed, folder)
    except Exception as error:  # noqa: BLE001
        return Outcome(seed, (f"broke off: {type(error).__name__}: {error}",))


def _tell(kind: str, outcome: Outcome) -> None:
    state = "; ".join(outcome.wrong) or "right"
    print(f"{kind} {outcome.seed}: {state} ({', '.join(outcome.notes)})", flush=True)
    if outcome.said:
        print(outcome.said, flush=True)


@asynccontextmanager
async def _place(where: str, folder: Path) -> AsyncIterator[Place]:
    if where == "practice":
        async with practice_place(folder) as practice:
            yield practice
        return
    with ControlPlane(build.build(print)) as running:
        cluster = Cluster(running)
        for user in USERS:
            cluster.kubeconfig(user)
        yield cluster


if __name__ == "__main__":
    sys.exit(main())
