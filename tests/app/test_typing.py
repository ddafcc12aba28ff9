"""What is typed quickly, or arrives in one packet, does what it would have done slowly."""

from __future__ import annotations

import pytest

from tests.terminals import QUARTERDECK, TestTerminal


@pytest.mark.parametrize(
    ("typed", "stands"),
    [(":ns shop", ":ns shop"), ("/sss", "/sss"), ("3z:logs", ":logs"), ("jjG:sts", ":sts")],
)
def test_keys_in_one_packet_are_looked_at_one_after_another(typed: str, stands: str) -> None:
    with TestTerminal((*QUARTERDECK, "demo"), columns=80, rows=24) as terminal:
        terminal.wait_for("shop-backend")
        terminal.wait_for("? Help")
        terminal.press(typed)
        terminal.wait_for(stands)


def test_a_shell_that_cannot_be_opened_gives_the_screen_back() -> None:
    """The practice cluster has no containers to go into, and says so."""
    with TestTerminal((*QUARTERDECK, "demo"), columns=100, rows=30) as terminal:
        terminal.wait_for("● live")
        terminal.press("s")
        terminal.wait_until(lambda: b"shell in" in terminal.raw or "501" in terminal.text, "the attempt")
        terminal.wait_for("1 ROLLOUTS")
        terminal.press("?")
        terminal.wait_for("Help for watch")
