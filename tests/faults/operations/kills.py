"""kill -9 of the runner, at each line of its journal and at random instants between; then `ops resume`."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from domain.operations import Operation, OperationState
from tests.faults.operations.operators import Operator, Said, kill_when
from tests.faults.operations.places import GOOD, Place, effects
from tests.faults.operations.races import Outcome

LINES = 25
"""A whole rollback's journal has about so many; later kills find it over."""
_LONGEST_S = 0.4
_MOST_RESUMES = 4


async def kill(place: Place, seed: int, folder: Path, *, more_chance: float = 0.25) -> Outcome:
    """`more_chance`: that the runner that resumes is killed as well."""
    chance = random.Random(seed)
    namespace = f"kill-{seed}"
    await place.stage(namespace)
    operator = Operator(place, "oncall", namespace, folder)
    lines = (seed - 1) % (LINES + 1)
    after_s = 0.0 if chance.random() < 0.5 else chance.uniform(0, _LONGEST_S)
    told = []
    process = await operator.start(operator.rollback_argv())
    is_killed, said = await _killed(operator, process, lines, after_s)
    told.append(said)
    kills = int(is_killed)
    if not operator.operations():
        # Killed before it had begun anything: that is said, and one begins anew.
        wrong = [] if not effects(await place.writes(namespace)) else ["changed something without a journal"]
        note = "before it began"
        told.append(await operator.run(operator.rollback_argv()))
    else:
        wrong, note = [], "midway" if is_killed else "after its end"
    for _ in range(_MOST_RESUMES):
        (operation, *others) = operator.operations()
        if operation.state.is_over or others:
            break
        argv = operator.argv("ops", "resume", operation.plan.id)
        if chance.random() < more_chance:
            process = await operator.start(argv)
            again, said = await _killed(operator, process, operator.journal_lines() + chance.randint(0, 6), 0.0)
            kills += again
        else:
            said = await operator.run(argv)
        told.append(said)
    wrong += await judged(place, namespace, operator)
    await place.clear(namespace)
    text = "\n".join(f"-- exit code {s.code}\n{s.text}" for s in told)
    return Outcome(seed, tuple(wrong), (note, *["kills"] * kills), text if wrong else "")


async def _killed(operator: Operator, process: asyncio.subprocess.Process, lines: int, after_s: float) -> tuple[bool, Said]:
    # What it prints is read meanwhile, or a full pipe would hold it up.
    said = asyncio.create_task(operator.said(process))
    is_killed = await kill_when(operator, process, lines=lines, after_s=after_s)
    return is_killed, await said


async def judged(place: Place, namespace: str, operator: Operator) -> list[str]:
    """What is not as it should be after a rollback that has been brought to its end."""
    wrong = []
    operations = operator.operations()
    if len(operations) != 1:
        return [f"{len(operations)} operations"]
    operation = operations[0]
    if operation.state is not OperationState.SUCCEEDED:
        wrong.append(f"ended {operation.state}: {operation.outcome}")
    if (image := await place.image(namespace)) != GOOD:
        wrong.append(f"ended on {image}")
    generation = (await place.deployment(namespace))["metadata"]["generation"]
    if generation != 3:
        wrong.append(f"generation {generation}, not 3")
    return [*wrong, *await _doubled(place, namespace), *await _left_behind(place, namespace, operator, operation)]


async def _doubled(place: Place, namespace: str) -> list[str]:
    """Each effect once, by what the server was asked."""
    done = effects(await place.writes(namespace))
    counted = Counter((w.verb, w.resource) for w in done)
    wanted = {("patch", "deployments"): 1, ("create", "events"): 1}
    wrong = [f"{counted[k]} times {' '.join(k)}" for k, count in wanted.items() if counted[k] != count]
    marks = counted["create", "configmaps"] + counted["patch", "configmaps"] + counted["update", "configmaps"]
    if marks != 3:
        wrong.append(f"{marks} writes of the record as it begins and of two marks, not 3")
    if others := set(counted) - set(wanted) - {(v, "configmaps") for v in ("create", "patch", "update")}:
        wrong.append(f"wrote also {sorted(others)}")
    return wrong


async def _left_behind(place: Place, namespace: str, operator: Operator, operation: Operation) -> list[str]:
    wrong = []
    lease = await place.lease(namespace)
    if lease is None or lease["spec"].get("holderIdentity"):
        wrong.append(f"the lock is left: {lease and lease['spec']}")
    record = await place.config_map(namespace, "quarterdeck-deployment-shop-backend")
    if record.get("state") != operation.state or record.get("operation") != operation.plan.id:
        wrong.append(f"the record says {record.get('state')}")
    events = await place.told_events(namespace)
    if len(events) != 1:
        wrong.append(f"{len(events)} events")
    if rest := [p.name for p in operator.operations_folder.iterdir() if p.suffix != ".jsonl"]:
        wrong.append(f"left behind {rest}")
    return wrong
