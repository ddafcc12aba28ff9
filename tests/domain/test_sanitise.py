"""Text from outside is shown as text: nothing a terminal obeys, nothing invisible, nothing that turns the line round."""

from __future__ import annotations

import unicodedata

import pytest

from domain.sanitise import sanitise, sanitise_lines

HOSTILE = [
    ("window title", "\x1b]0;owned\x07", "␛]0;owned␇"),
    ("clear", "a\x1b[2Jb", "a␛[2Jb"),
    ("clipboard write", "\x1b]52;c;aGk=\x1b\\", "␛]52;c;aGk=␛\\"),
    ("C1 CSI", "\x9b2J", "\ufffd2J"),
    ("8-bit ST", "\x9d52;c;aGk=\x9c", "\ufffd52;c;aGk=\ufffd"),
    ("DCS and DECRQSS", "\x1bP$q m\x1b\\", "␛P$q m␛\\"),
    ("hyperlink", "\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\", "␛]8;;file:///etc/passwd␛\\x␛]8;;␛\\"),
    ("leave the alternate screen", "\x1b[?1049l", "␛[?1049l"),
    ("image", "\x1b]1337;File=:aGk=\x07", "␛]1337;File=:aGk=␇"),
    ("synchronised output never closed", "\x1b[?2026h", "␛[?2026h"),
    ("lone ESC at the end", "text\x1b", "text␛"),
    ("overprint", "good\rbad", "good bad"),
    ("backspace", "abc\x08\x08", "abc␈␈"),
    ("tab, feeds", "a\tb\nc\vd\fe", "a b c d e"),
    ("NUL and DEL", "a\x00b\x7f", "a␀b␡"),
    ("line separator", "a\u2028b\u2029c", "a b c"),
    ("right to left", "\u202egnp.exe\u2066x\u2069", "gnp.exex"),
    ("zero width", "pass\u200bword\u200d\ufeff", "password"),
    ("soft hyphen, Hangul filler", "a\u00adb\u3164c", "abc"),
    ("lone surrogate", "a\udc80b", "a\ufffdb"),
    ("tags", "a\U000e0041b", "ab"),
    ("markup stays text", "[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    ("formats stay text", "[/ [/red] [$x] \\[ {0} %s", "[/ [/red] [$x] \\[ {0} %s"),
    ("people's own letters", "Zoë 東京 ✔ 👍", "Zoë 東京 ✔ 👍"),
    ("", "", ""),
]


@pytest.mark.parametrize(("name", "text", "shown"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_hostile_text_is_shown(name: str, text: str, shown: str) -> None:
    assert sanitise(text) == shown
    assert sanitise(sanitise(text)) == shown
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in sanitise(text))


def test_every_control_of_unicode_is_taken_care_of() -> None:
    every = "".join(chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cc", "Cs", "Zl", "Zp"))
    assert not [c for c in sanitise(every, len(every)) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]


def test_sequences_cut_in_two_are_harmless_in_each_part() -> None:
    assert sanitise("a\x1b") + sanitise("[2Jb") == "a␛[2Jb"


def test_combining_marks_do_not_pile_up() -> None:
    assert sanitise("a" + "\u0301" * 500) == "a" + "\u0301" * 4


def test_long_text_is_cut_and_says_so() -> None:
    shown = sanitise("x" * 1_000_000, 100)
    assert len(shown) == 100
    assert shown.endswith("…")
    assert len(sanitise("\x1b" * 1_000_000, 100)) == 100


def test_lines_stay_lines() -> None:
    assert sanitise_lines("a\tb\r\nc\x1b[2J\n") == "a       b\nc␛[2J\n"
