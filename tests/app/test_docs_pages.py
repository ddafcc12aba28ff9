import dataclasses
import tomllib
from pathlib import Path

import msgspec

from app.config_check import check
from app.config_types import VerdictTable
from domain.verdict import VerdictRules
from tests.docs_command_line import command_line_page
from tests.docs_configuration import HEAD, configuration_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_say_what_the_program_does() -> None:
    for name, page in (("configuration.md", configuration_page()), ("command-line.md", command_line_page())):
        assert (DOCS / name).read_text(encoding="utf-8") == page, "run `python -m tests.docs`"


def test_the_example_of_the_page_is_accepted() -> None:
    example = HEAD.split("```toml\n")[1].split("```")[0]

    assert check(tomllib.loads(example), "example").product == "shop"


def test_every_rule_of_the_verdict_can_be_configured_and_has_its_default() -> None:
    assert msgspec.structs.asdict(VerdictTable()) == dataclasses.asdict(VerdictRules())
