"""Scenarios are files: those that come with the product load, those that people write are read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigError
from practice.scenarios import load, names
from practice.world import World


def test_the_first_three_are_there() -> None:
    assert {"healthy", "missing-image", "crash-loop"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_every_scenario_plays_to_its_end(name: str) -> None:
    scenario = load(name)
    assert scenario.title and scenario.teaches
    world = World(scenario)
    world.begin()
    world.clock.advance(max(step.at_s for step in scenario.steps) + 120)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[step]]\nat_s = 1\ndo = 'dance'", "cannot do 'dance'"),
        ("[[step]]\nat_s = 1\ndo = 'pause'\ncolour = 1", "unknown key 'colour'"),
        ("[[image]]\noutcome = 'runs'", "match"),
        ("[[image]]\nmatch = '*'\noutcome = 'explodes'", "unknown outcome 'explodes'"),
        ("title = ", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_scenario_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load(str(file))
    assert caught.value.hint and "mine.toml" in caught.value.file


def test_a_scenario_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(ConfigError) as caught:
        load("nothing")
    assert "healthy" in caught.value.hint
