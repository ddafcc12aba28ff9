from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from widgets.ordered_rows import OrderedRows


@dataclass(frozen=True)
class Thing:
    rank: int
    is_kept: bool = True


def _expected(things: dict[str, Thing], is_descending: bool = False) -> list[str]:
    kept = [(thing.rank, key) for key, thing in things.items() if thing.is_kept]
    return [key for _, key in sorted(kept, reverse=is_descending)]


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_after_any_changes_the_order_is_that_of_sorting_anew(seed: int, is_descending: bool) -> None:
    dice = random.Random(seed)
    rows: OrderedRows[Thing] = OrderedRows(lambda thing: thing.rank)
    rows.arrange(lambda thing: thing.rank, lambda thing: thing.is_kept, is_descending=is_descending)
    things: dict[str, Thing] = {}
    for _ in range(60):
        things = dict(things)
        for _ in range(dice.choice((0, 1, 3, 90))):
            things[f"k{dice.randrange(300)}"] = Thing(dice.randrange(40), dice.random() < 0.8)
        for key in dice.sample(sorted(things), dice.randrange(min(4, len(things)) + 1)):
            del things[key]
        rows.take(things)
        expected = _expected(things, is_descending)
        assert list(rows) == expected
        assert rows[:7] == expected[:7]
        assert all(rows.index(key) == at == expected.index(key) for at, key in enumerate(expected))


def test_it_says_what_changed_and_what_went() -> None:
    rows: OrderedRows[Thing] = OrderedRows(lambda thing: thing.rank)
    same = Thing(1)
    rows.take({"a": same, "b": Thing(2), "c": Thing(3)})
    changes = rows.take({"a": same, "b": Thing(2)})
    assert changes == (["b"], ["c"])


def test_only_values_that_are_other_ones_are_looked_at() -> None:
    looked_at: list[Thing] = []

    def order(thing: Thing) -> int:
        looked_at.append(thing)
        return thing.rank

    rows = OrderedRows(order)
    things = {f"k{i:04}": Thing(i) for i in range(5000)}
    rows.take(things)
    looked_at.clear()
    rows.take(things | {"k0007": Thing(7000)})
    assert looked_at == [Thing(7000)]
    assert rows[-1] == "k0007"


def test_a_key_that_is_not_there_has_no_index() -> None:
    rows: OrderedRows[Thing] = OrderedRows(lambda thing: thing.rank)
    with pytest.raises(ValueError, match="k1"):
        rows.index("k1")
