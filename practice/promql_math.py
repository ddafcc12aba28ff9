"""Arithmetic on vectors of labelled numbers, as Prometheus does it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

Labels = dict[str, str]
Vector = list[tuple[Labels, float]]
Key = tuple[tuple[str, str], ...]


def _key(labels: Labels) -> Key:
    return tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))


def _bare(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _divided(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return left / right


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def computed(sign: str, left: float | Vector, right: float | Vector) -> float | Vector:
    """Series are matched by all their labels."""
    if sign in ("or", "and", "unless"):
        return _set(
            sign, left if isinstance(left, list) else [({}, left)], right if isinstance(right, list) else [({}, right)]
        )
    do = _ARITHMETIC[sign]
    if isinstance(left, float):
        if isinstance(right, float):
            return do(left, right)
        return [(_bare(labels), do(left, value)) for labels, value in right]
    if isinstance(right, float):
        return [(_bare(labels), do(value, right)) for labels, value in left]
    other = {_key(labels): value for labels, value in right}
    return [(_bare(labels), do(value, other[key])) for labels, value in left if (key := _key(labels)) in other]


def compared(sign: str, left: float | Vector, right: float | Vector, *, is_bool: bool) -> float | Vector:
    """A filter on the left side, or 0 and 1 with `bool`."""
    holds = _COMPARISONS[sign]
    if isinstance(left, float) and isinstance(right, float):
        return float(holds(left, right))
    if isinstance(left, float):
        assert isinstance(right, list)
        pairs = [(labels, left, value) for labels, value in right]
        kept = [(labels, right_, holds(left_, right_)) for labels, left_, right_ in pairs]
    elif isinstance(right, float):
        kept = [(labels, value, holds(value, right)) for labels, value in left]
    else:
        other = {_key(labels): value for labels, value in right}
        kept = [(labels, value, holds(value, other[key])) for labels, value in left if (key := _key(labels)) in other]
    if is_bool:
        return [(_bare(labels), float(is_true)) for labels, _, is_true in kept]
    return [(labels, value) for labels, value, is_true in kept if is_true]


def _set(sign: str, left: Vector, right: Vector) -> Vector:
    mine, theirs = {_key(labels) for labels, _ in left}, {_key(labels) for labels, _ in right}
    if sign == "or":
        return [*left, *((labels, value) for labels, value in right if _key(labels) not in mine)]
    return [(labels, value) for labels, value in left if (_key(labels) in theirs) == (sign == "and")]


def aggregated(name: str, vector: Vector, by: tuple[str, ...] | None, without: tuple[str, ...] | None) -> Vector:
    groups: dict[Key, list[float]] = {}
    for labels, value in vector:
        if without is not None:
            kept = {key: item for key, item in _bare(labels).items() if key not in without}
        else:
            kept = {key: labels[key] for key in by or () if key in labels}
        groups.setdefault(_key(kept), []).append(value)
    do: dict[str, Callable[[list[float]], float]] = {
        "sum": math.fsum,
        "avg": lambda values: math.fsum(values) / len(values),
        "max": max,
        "min": min,
        "count": lambda values: float(len(values)),
    }
    return [(dict(key), do[name](values)) for key, values in groups.items()]


def histogram_quantile(share: float, vector: Vector) -> Vector:
    """From buckets with label `le`; linear within a bucket."""
    groups: dict[Key, list[tuple[float, float]]] = {}
    for labels, value in vector:
        if "le" not in labels:
            continue
        bound = math.inf if labels["le"] == "+Inf" else float(labels["le"])
        rest = {key: item for key, item in labels.items() if key not in ("le", "__name__")}
        groups.setdefault(_key(rest), []).append((bound, value))
    return [(dict(key), _quantile(share, sorted(buckets))) for key, buckets in groups.items()]


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    total = buckets[-1][1]
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or total == 0 or math.isnan(total):
        return math.nan
    if share < 0 or share > 1:
        return -math.inf if share < 0 else math.inf
    rank = share * total
    place = next((i for i, (_, count) in enumerate(buckets[:-1]) if count >= rank), len(buckets) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    low, below = (0.0, 0.0) if place == 0 else buckets[place - 1]
    high, count = buckets[place]
    if place == 0 and high <= 0:
        return high
    return low + (high - low) * (rank - below) / (count - below)
