"""Thousands of values filtered and in order, at the price of those that changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload

Value = TypeVar("Value")
_REBUILD_SHARE = 8
"""With more than one in so many changed, sorting anew is cheaper than moving them one by one."""


class Changes(NamedTuple):
    """Keys whose value is another one than before, and keys that went."""

    changed: list[str]
    gone: list[str]


class OrderedRows(Sequence[str], Generic[Value]):
    """The keys of a mapping's values that `keep` lets through, ordered by `order`; values are told apart by identity.

    `order` gives anything comparable; equal ones are ordered by key.
    """

    def __init__(self, order: Callable[[Value], Any], keep: Callable[[Value], bool] | None = None) -> None:
        self._order = order
        self._keep = keep
        self._is_descending = False
        self._values: Mapping[str, Value] = {}
        self._entries: list[tuple[Any, str]] = []
        self._entry_of: dict[str, tuple[Any, str]] = {}
        self._keys: list[str] = []

    def arrange(
        self, order: Callable[[Value], Any], keep: Callable[[Value], bool] | None = None, *, is_descending: bool = False
    ) -> None:
        """Another order or another filter: everything is worked out anew."""
        self._order, self._keep, self._is_descending = order, keep, is_descending
        self._rebuild()

    def take(self, values: Mapping[str, Value], also: Collection[str] = ()) -> Changes:
        """Follow a newer mapping. `also` names keys whose place may have changed although their value has not."""
        before = self._values
        if values is before and not also:
            return Changes([], [])
        get = before.get
        changed = [key for key, value in values.items() if get(key) is not value]
        added = sum(1 for key in changed if key not in before)
        gone = [] if len(before) + added == len(values) else [key for key in before if key not in values]
        self._values = values
        moved = [*changed, *(key for key in also if key in values)] if also else changed
        if len(moved) + len(gone) > max(32, len(values) // _REBUILD_SHARE):
            self._rebuild()
        else:
            for key in gone:
                self._drop(key)
            for key in moved:
                self._put(key, values[key])
        return Changes(changed, gone)

    def _rebuild(self) -> None:
        order, keep = self._order, self._keep
        self._entries = sorted((order(v), k) for k, v in self._values.items() if keep is None or keep(v))
        self._entry_of = {entry[1]: entry for entry in self._entries}
        self._keys = [entry[1] for entry in self._entries]

    def _drop(self, key: str) -> None:
        entry = self._entry_of.pop(key, None)
        if entry is not None:
            index = bisect_left(self._entries, entry)
            del self._entries[index]
            del self._keys[index]

    def _put(self, key: str, value: Value) -> None:
        if self._keep is not None and not self._keep(value):
            self._drop(key)
            return
        entry = (self._order(value), key)
        if self._entry_of.get(key) == entry:
            return
        self._drop(key)
        index = bisect_left(self._entries, entry)
        self._entries.insert(index, entry)
        self._keys.insert(index, key)
        self._entry_of[key] = entry

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if not self._is_descending:
            return self._keys[index]
        if isinstance(index, int):
            return self._keys[-1 - index]
        start, stop, step = index.indices(len(self._keys))
        return [self._keys[-1 - i] for i in range(start, stop, step)]

    def __iter__(self) -> Iterator[str]:
        return iter(reversed(self._keys)) if self._is_descending else iter(self._keys)

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Where a key stands; ValueError where it does not."""
        entry = self._entry_of.get(value)
        if entry is None:
            raise ValueError(value)
        index = bisect_left(self._entries, entry)
        return len(self._keys) - 1 - index if self._is_descending else index
