"""Two operators roll the same bad workload back, from two state folders, 0 to 2,000 ms apart."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass
from pathlib import Path

from domain.operations import OperationState
from tests.faults.operations.operators import Operator, Said
from tests.faults.operations.places import BAD, GOOD, USERS, Place, effects

VOID = "begun by nobody, for the server did not answer in time (not counted as runs)"
_MOST_APART_S = 2.0
_OUTSIDE = 5
_CLOCK = re.compile(r"\b\d\d:\d\d\b")
_ACTION = re.compile(r"rolls? back|rollback|rolled back")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`wrong` is empty when everything held. `notes` are counted in the table."""

    seed: int
    wrong: tuple[str, ...]
    notes: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_void(self) -> bool:
        """The machine was too slow for anybody to begin: no run, and counted as that."""
        return VOID in self.notes


async def race(place: Place, seed: int, folder: Path) -> Outcome:
    chance = random.Random(seed)
    namespace = f"race-{seed}"
    # A third starts at once or nearly so: that is where two are most likely to overtake each other.
    apart_s = chance.uniform(0, 0.06) if seed % 3 == 0 else chance.uniform(0, _MOST_APART_S)
    users = list(USERS)
    chance.shuffle(users)
    await place.stage(namespace)
    first, second = (Operator(place, user, namespace, folder) for user in users)
    ways = [first.rollback_argv(), second.rollback_argv(*(("--to", "1") if seed % 4 == 0 else ()))]

    async def late() -> Said:
        await asyncio.sleep(apart_s)
        return await second.run(ways[1])

    said = tuple(await asyncio.gather(first.run(ways[0]), late()))
    wrong, notes = await _judged(place, namespace, (first, second), said)
    await place.clear(namespace)
    text = "\n".join(f"-- {o.who}, exit code {s.code}\n{s.text}" for o, s in zip((first, second), said, strict=True))
    return Outcome(seed, tuple(wrong), tuple(notes), text if wrong else "")


async def _judged(
    place: Place, namespace: str, operators: tuple[Operator, Operator], said: tuple[Said, ...]
) -> tuple[list[str], list[str]]:
    wrong = []
    image = await place.image(namespace)
    if not any(o.operations() for o in operators) and all(s.code == _OUTSIDE for s in said) and image == BAD:
        return [], [VOID]
    if image != GOOD:
        wrong.append(f"ended on {image}")
    patches = [w for w in effects(await place.writes(namespace)) if w.resource == "deployments"]
    generation = (await place.deployment(namespace))["metadata"]["generation"]
    if generation != 3:
        wrong.append(f"generation {generation}, not 3: {len(patches)} patches")
    winners = [i for i, o in enumerate(operators) if any(x.state is OperationState.SUCCEEDED for x in o.operations())]
    if len(winners) != 1:
        return [*wrong, f"{len(winners)} winners"], []
    (winner,) = winners
    loser = 1 - winner
    if said[winner].code != 0:
        wrong.append(f"the winner's exit code is {said[winner].code}")
    if said[loser].code not in (3, 4, 5):
        wrong.append(f"the loser's exit code is {said[loser].code}")
    text = said[loser].text
    if operators[winner].who not in text:
        wrong.append("the loser is not told who")
    # What the loser is told of somebody else stands in the lines that name them.
    lines = [line for line in text.splitlines() if operators[winner].who in line]
    if not any(_ACTION.search(line) for line in lines):
        wrong.append("the loser is not told what")
    if not any(_CLOCK.search(line) for line in lines):
        wrong.append("the loser is not told when")
    return wrong, [f"told {'by the lock step' if operators[loser].operations() else 'by the flight check'}"]
