"""The product's own queries, asked of the practice Prometheus."""

from __future__ import annotations

import math

import pytest

from domain.metrics import DEFAULT_QUERIES, MetricQuery
from practice.promql import evaluated, parsed
from practice.scenarios import Scenario, Step
from practice.world import World

SCOPED = 'namespace="shop-practice",pod=~"shop-backend-.*"'


def _value(world: World, query: MetricQuery, since: str = "300s") -> float:
    text = query.promql.replace("$selector", SCOPED).replace("$since", since)
    found = evaluated(parsed(text), world.traffic, world.clock.now())
    assert isinstance(found, list) and len(found) == 1
    return found[0][1]


@pytest.mark.parametrize("query", DEFAULT_QUERIES, ids=lambda query: query.name)
def test_every_default_query_has_one_number(query: MetricQuery) -> None:
    world = World(Scenario("quiet", ""), origin=1_790_000_000.0)
    world.begin()
    world.clock.advance(30)
    value = _value(world, query)
    assert math.isfinite(value) and not (query.limit is not None and value > query.limit)


def test_restarts_are_counted_from_where_the_rollout_began() -> None:
    step = Step(1, "set-image", "shop-backend", "crash", cause="crash")
    world = World(Scenario("crash", "", steps=(step,)), origin=1_790_000_000.0)
    world.begin()
    world.clock.advance(60)
    restarts = next(query for query in DEFAULT_QUERIES if query.name == "restarts")
    assert _value(world, restarts, "60s") >= 4
