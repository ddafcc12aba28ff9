"""What has been run so far, by seed: kept in results.toml, shown in docs/faults.md."""

from __future__ import annotations

import fcntl
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.operations.races import Outcome

MENDED = "right only since what they had found was mended"
FILE = Path(__file__).with_name("results.toml")
PAGE = Path(__file__).parents[3] / "docs" / "faults.md"

_HEAD = """# Operations under faults

<!-- Made from tests/faults/operations/results.toml by `python -m tests.faults.operations --page`. -->

Every run is of real processes (`quarterdeck rollback`, its runner, `quarterdeck ops resume`) against a whole API server:
the practice cluster, or a real etcd, API server, controller manager and scheduler. `make faults` adds more runs, from the
seed after the last one; `python -m tests.faults.operations --seed N` repeats one.

- **race**: two people roll the same bad workload back from two state folders, 0 to 2,000 ms apart. It must end on the good
  version after exactly one change, and whoever loses must be told who, what and when.
- **kill**: `kill -9` of the runner at each line of its journal and at random instants between, a quarter of them again
  while it is resumed; then `ops resume`. The end state must be right and each effect must have come about once, by what
  the API server was asked; nothing may be left locked or need a hand.

| what | where | runs | as it must be | not | in these runs |
|---|---|---:|---:|---:|---|
"""


@dataclass(slots=True)
class Tally:
    kind: str
    where: str
    runs: int = 0
    last_seed: int = 0
    wrong: dict[str, str] = field(default_factory=dict)
    """Seed -> what was wrong."""
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        if self.wrong.pop(str(outcome.seed), ""):
            # It was run before: what it came to now stands, and that it took a fix is kept.
            outcome = replace(outcome, notes=() if outcome.wrong else (MENDED,))
        else:
            self.runs += not outcome.is_void
        self.last_seed = max(self.last_seed, outcome.seed)
        self.notes.update(outcome.notes)
        if outcome.wrong:
            self.wrong[str(outcome.seed)] = "; ".join(outcome.wrong)


def read() -> dict[tuple[str, str], Tally]:
    if not FILE.exists():
        return {}
    rows = tomllib.loads(FILE.read_text()).get("run", [])
    return {(r["kind"], r["where"]): Tally(**{**r, "notes": Counter(r["notes"])}) for r in rows}


def record(kind: str, where: str, outcome: Outcome) -> None:
    """Others may be at it in another process."""
    with FILE.with_name("__init__.py").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tallies = read()
        tallies.setdefault((kind, where), Tally(kind, where)).add(outcome)
        FILE.write_text("\n".join(_table(tally) for _, tally in sorted(tallies.items())))
        PAGE.write_text(page(tallies))


def page(tallies: dict[tuple[str, str], Tally]) -> str:
    return _HEAD + "".join(_row(tally) for _, tally in sorted(tallies.items()))


def _row(tally: Tally) -> str:
    notes = ", ".join(f"{count} {note}" for note, count in sorted(tally.notes.items()))
    bad = len(tally.wrong)
    return f"| {tally.kind} | {tally.where} | {tally.runs} | {tally.runs - bad} | {bad} | {notes} |\n"


def _table(tally: Tally) -> str:
    lines = ["[[run]]", f'kind = "{tally.kind}"', f'where = "{tally.where}"', f"runs = {tally.runs}"]
    lines += [f"last_seed = {tally.last_seed}", "", "[run.notes]"]
    lines += [f'"{note}" = {count}' for note, count in sorted(tally.notes.items())]
    lines += ["", "[run.wrong]", *(f"{seed} = {_quoted(text)}" for seed, text in sorted(tally.wrong.items()))]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "/").replace('"', "'").replace("\n", " ") + '"'
