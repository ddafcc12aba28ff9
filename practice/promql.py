"""As much of PromQL as a control room asks: selectors, rate and increase, aggregations, quantiles, arithmetic.

Anything else is refused with a sentence. Rates are extrapolated as prometheus/promql/functions.go does."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from practice.promql_math import Labels, Vector, aggregated, compared, computed, histogram_quantile
from practice.traffic import NAMES, Traffic

_LOOKBACK_S = 300.0
Value = float | Vector
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TOKEN = re.compile(
    r"\s*(?:(?P<span>(?:\d+(?:ms|[smhdw]))+)|(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?P<word>[A-Za-z_:][\w:]*)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/^%(){}\[\],=<>]))"
)
_AGGREGATIONS = ("sum", "avg", "max", "min", "count")
_RANGED = ("rate", "increase", "irate", "delta")
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", ">", "<", ">=", "<="),
    ("+", "-"),
    ("*", "/", "%"),
)


class QueryError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Selector:
    name: str
    tests: tuple[tuple[str, str, str], ...]
    range_s: float = 0.0
    offset_s: float = 0.0

    def matches(self, labels: Labels) -> bool:
        for label, how, wanted in self.tests:
            value = labels.get(label, "")
            is_match = value == wanted if how in ("=", "!=") else re.fullmatch(wanted, value) is not None
            if is_match == how.startswith("!"):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Any, ...]
    by: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Any
    right: Any
    is_bool: bool = False


Tree = Selector | Call | Binary | float


def duration_s(text: str) -> float:
    parts = re.findall(r"(\d+)(ms|[smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise QueryError(f'not a valid duration string: "{text}"')
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def parsed(query: str) -> Tree:
    if not query.strip():
        raise QueryError('invalid parameter "query": unknown position: parse error: no expression found in input')
    return _Parser(query).whole()


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        query = query.rstrip()
        while place < len(query):
            found = _TOKEN.match(query, place)
            if found is None or found.lastgroup is None:
                raise QueryError(f"parse error at char {place + 1}: unexpected character: {query[place]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self._place = 0

    def whole(self) -> Tree:
        tree = self._binary(0)
        if self._place < len(self._tokens):
            raise QueryError(f'parse error: unexpected "{self._peek()}"')
        return tree

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise QueryError("parse error: unexpected end of input")
        self._place += 1
        return self._tokens[self._place - 1]

    def _want(self, sign: str) -> None:
        _, text = self._next()
        if text != sign:
            raise QueryError(f'parse error: unexpected "{text}", expected "{sign}"')

    def _binary(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        tree = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            sign = self._next()[1]
            is_bool = self._peek() == "bool"
            if is_bool:
                self._next()
            if self._peek() in ("on", "ignoring", "group_left", "group_right"):
                raise QueryError(f'the practice Prometheus does not know "{self._peek()}": it matches series by all labels')
            tree = Binary(sign, tree, self._binary(level + 1), is_bool)
        return tree

    def _unary(self) -> Tree:
        if self._peek() in ("-", "+"):
            sign = self._next()[1]
            inner = self._unary()
            return Binary("*", -1.0, inner) if sign == "-" else inner
        return self._primary()

    def _primary(self) -> Tree:
        kind, text = self._next()
        if kind == "number":
            return float(text)
        if text == "(":
            tree = self._binary(0)
            self._want(")")
            return tree
        if text == "{":
            self._place -= 1
            return self._selector("")
        if kind != "word":
            raise QueryError(f'parse error: unexpected "{text}"')
        if text in _AGGREGATIONS and self._peek() in ("(", "by", "without"):
            return self._aggregation(text)
        if self._peek() == "(":
            return Call(text, self._arguments(text))
        return self._selector(text)

    def _aggregation(self, name: str) -> Tree:
        grouping: dict[str, tuple[str, ...]] = {}
        arguments: tuple[Any, ...] = ()
        for _ in range(2):
            if self._peek() in ("by", "without"):
                how = self._next()[1]
                grouping[how] = self._names()
            elif self._peek() == "(" and not arguments:
                arguments = self._arguments(name)
        if len(arguments) != 1:
            raise QueryError(f'parse error: wrong number of arguments for "{name}"')
        return Call(name, arguments, grouping.get("by"), grouping.get("without"))

    def _names(self) -> tuple[str, ...]:
        self._want("(")
        names = []
        while self._peek() != ")":
            names.append(self._next()[1])
            if self._peek() == ",":
                self._next()
        self._want(")")
        return tuple(names)

    def _arguments(self, name: str) -> tuple[Any, ...]:
        if name not in _FUNCTIONS and name not in _AGGREGATIONS:
            known = ", ".join(sorted((*_FUNCTIONS, *_AGGREGATIONS)))
            raise QueryError(f'the practice Prometheus does not know the function "{name}"; it knows {known}')
        self._want("(")
        found = []
        while self._peek() != ")":
            found.append(self._binary(0))
            if self._peek() == ",":
                self._next()
        self._want(")")
        return tuple(found)

    def _selector(self, name: str) -> Selector:
        tests: list[tuple[str, str, str]] = []
        if self._peek() == "{":
            self._next()
            while self._peek() != "}":
                label, how = self._next()[1], self._next()[1]
                kind, text = self._next()
                if kind != "text" or how not in ("=", "!=", "=~", "!~"):
                    raise QueryError(f'parse error: unexpected "{text}" in label matching')
                tests.append((label, how, _checked(how, _unquoted(text))))
                if self._peek() == ",":
                    self._next()
            self._want("}")
        name = name or next((text for label, how, text in tests if label == "__name__" and how == "="), "")
        if not name:
            raise QueryError("the practice Prometheus needs the name of a series in every selector")
        range_s = 0.0
        if self._peek() == "[":
            self._next()
            range_s = duration_s(self._next()[1])
            self._want("]")
        return Selector(name, tuple(tests), range_s, self._offset())

    def _offset(self) -> float:
        if self._peek() != "offset":
            return 0.0
        self._next()
        sign = -1.0 if self._peek() == "-" else 1.0
        if sign < 0:
            self._next()
        return sign * duration_s(self._next()[1])


def _checked(how: str, text: str) -> str:
    if "~" in how:
        try:
            re.compile(text)
        except re.error as error:
            raise QueryError(f'parse error: error parsing regular expression: {error}: "{text}"') from error
    return text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def evaluated(tree: Tree, traffic: Traffic, at: float) -> Value:
    if isinstance(tree, float):
        return tree
    if isinstance(tree, Selector):
        if tree.range_s:
            raise QueryError('invalid expression type "range vector": it stands inside rate() or increase()')
        return _instant(tree, traffic, at - tree.offset_s)
    if isinstance(tree, Binary):
        left, right = evaluated(tree.left, traffic, at), evaluated(tree.right, traffic, at)
        if tree.sign in _LEVELS[2]:
            return compared(tree.sign, left, right, is_bool=tree.is_bool)
        return computed(tree.sign, left, right)
    if tree.name in _AGGREGATIONS:
        inner = evaluated(tree.arguments[0], traffic, at)
        if isinstance(inner, float):
            raise QueryError(f'expected type instant vector in aggregation "{tree.name}", got scalar')
        return aggregated(tree.name, inner, tree.by, tree.without)
    return _FUNCTIONS[tree.name](tree.arguments, traffic, at)


def _series(selector: Selector, traffic: Traffic) -> Iterable[tuple[Labels, list[float], list[float], float, float]]:
    """(labels, times, values, factor, ended)."""
    if selector.name not in NAMES:
        return
    for pod in traffic.pods.values():
        for labels, values, factor in pod.series(selector.name):
            if selector.matches(labels):
                yield labels, pod.times, values, factor, pod.ended


def _instant(selector: Selector, traffic: Traffic, at: float) -> Vector:
    found: Vector = []
    for labels, times, values, factor, ended in _series(selector, traffic):
        place = bisect_right(times, at) - 1
        if place >= 0 and times[place] > at - _LOOKBACK_S and at < ended:
            found.append((labels, values[place] * factor))
    return found


def _ranged(name: str, arguments: tuple[Any, ...], traffic: Traffic, at: float) -> Vector:
    if len(arguments) != 1 or not isinstance(arguments[0], Selector) or not arguments[0].range_s:
        raise QueryError(
            f'expected type range vector in call to function "{name}", for instance {name}(http_requests_total[5m])'
        )
    selector = arguments[0]
    at -= selector.offset_s
    found: Vector = []
    for labels, times, values, factor, _ in _series(selector, traffic):
        first, end = bisect_left(times, at - selector.range_s), bisect_right(times, at)
        if end - first < 2:
            continue
        own = {key: value for key, value in labels.items() if key != "__name__"}
        if name == "irate":
            first = end - 2
        grown = values[end - 1] - values[first]
        if name != "irate":
            grown *= _stretch(times, values, first, end - 1, at, selector.range_s, is_counter=name != "delta")
        if name == "rate":
            grown /= selector.range_s
        elif name == "irate":
            grown /= times[end - 1] - times[first]
        found.append((own, grown * factor))
    return found


def _stretch(
    times: list[float], values: list[float], first: int, last: int, at: float, range_s: float, *, is_counter: bool
) -> float:
    """From the sampled span to the whole range, but not past a series' beginning or end."""
    sampled = times[last] - times[first]
    average = sampled / (last - first)
    to_start, to_end = times[first] - (at - range_s), at - times[last]
    threshold = average * 1.1
    if to_start >= threshold:
        to_start = average / 2
    grown = values[last] - values[first]
    if is_counter and grown > 0 and values[first] >= 0:
        to_start = min(to_start, sampled * values[first] / grown)
    if to_end >= threshold:
        to_end = average / 2
    return (sampled + to_start + to_end) / sampled


def _quantile(arguments: tuple[Any, ...], traffic: Traffic, at: float) -> Vector:
    if len(arguments) != 2:
        raise QueryError('expected 2 arguments in call to "histogram_quantile"')
    share, buckets = (evaluated(each, traffic, at) for each in arguments)
    if not isinstance(share, float) or isinstance(buckets, float):
        raise QueryError('expected a scalar and an instant vector in call to "histogram_quantile"')
    return histogram_quantile(share, buckets)


def _clamp(pick: Callable[[float, float], float]) -> Callable[[tuple[Any, ...], Traffic, float], Value]:
    def call(arguments: tuple[Any, ...], traffic: Traffic, at: float) -> Value:
        values, bound = (evaluated(each, traffic, at) for each in arguments)
        if isinstance(values, float) or not isinstance(bound, float):
            raise QueryError("expected an instant vector and a scalar")
        return [(labels, pick(value, bound)) for labels, value in values]

    return call


def _vector(arguments: tuple[Any, ...], traffic: Traffic, at: float) -> Value:
    value = evaluated(arguments[0], traffic, at) if arguments else 0.0
    return [({}, value)] if isinstance(value, float) else value


def _range_function(name: str) -> Callable[[tuple[Any, ...], Traffic, float], Value]:
    return lambda arguments, traffic, at: _ranged(name, arguments, traffic, at)


_FUNCTIONS: dict[str, Callable[[tuple[Any, ...], Traffic, float], Value]] = {
    **{name: _range_function(name) for name in _RANGED},
    "histogram_quantile": _quantile,
    "clamp_min": _clamp(max),
    "clamp_max": _clamp(min),
    "vector": _vector,
}
