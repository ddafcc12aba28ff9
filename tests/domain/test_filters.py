from __future__ import annotations

import pytest

from domain.filters import parse_filter

POD = "shop-backend-7f9c5d68b4-k2lxv shop CrashLoopBackOff node-a"
LABELS = {"app": "shop-backend", "tier": "web"}


@pytest.mark.parametrize(
    ("typed", "is_kept"),
    [
        ("", True),
        ("backend", True),
        ("BackEnd", True),
        ("worker", False),
        ("backend crash", True),
        ("backend running", False),
        ('"shop crash"', True),
        ('"crash shop"', False),
        ("!worker", True),
        ("!crash", False),
        ("backend !node-b", True),
        ("-l app=shop-backend", True),
        ("-l app==shop-backend", True),
        ("-lapp=shop-backend", True),
        ("-l app=shop-worker", False),
        ("-l app!=shop-worker", True),
        ("-l app=shop-backend,tier=web", True),
        ("-l app=shop-backend,tier=db", False),
        ("-l app", True),
        ("-l !app", False),
        ("-l !team", True),
        ("-f sbk2", True),
        ("-f 2kbs", False),
        ("-f", True),
        ("-l", True),
        ("!", True),
    ],
)
def test_a_filter_keeps_what_was_meant(typed: str, is_kept: bool) -> None:
    assert parse_filter(typed).matches(POD, LABELS) is is_kept


@pytest.mark.parametrize("typed", ["[", "(", "*", "a{2", "\\", "^$", ".*", "+?", "-l [=]", "-f (", '"', '"half'])
def test_what_is_typed_is_text_and_never_a_pattern(typed: str) -> None:
    found = parse_filter(typed)
    assert found.text == typed
    assert not found.matches("nothing like it", {})


def test_an_empty_filter_is_no_filter() -> None:
    assert not parse_filter("  ")
    assert parse_filter("x")
