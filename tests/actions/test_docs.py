from __future__ import annotations

from tests.docs import KEYS, keys_page


def test_the_page_of_keys_says_what_the_registry_says() -> None:
    assert KEYS.read_text(encoding="utf-8") == keys_page(), "run `python -m tests.docs`"
