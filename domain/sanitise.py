"""Text from outside is shown as text: the one place where what a terminal would obey is made visible or dropped."""

from __future__ import annotations

import re
import unicodedata

# C0, DEL, C1; bidi controls and zero-width characters (Trojan Source, UTS #39); line and paragraph separators; BOM;
# interlinear annotation; tags; surrogates; variation selectors stay (emoji need them), ZWJ does not (width is ambiguous).
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_MOST_COMBINING = 4
_ELLIPSIS = "…"


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    if character in "\t\n\r\v\f\u2028\u2029":
        return " "
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode control pictures: ESC is ␛
    if code == 0x7F:
        return "␡"
    if 0x80 <= code <= 0x9F or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return ""


def _cap_combining(text: str) -> str:
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_COMBINING:
            kept.append(character)
    return "".join(kept)


def sanitise(text: str, limit: int = 4096) -> str:
    """`text` on one line, at most `limit` characters, with nothing in it that a terminal obeys.

    Controls become their pictures (␛), separators become spaces, what is invisible or turns the reading direction goes.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    if len(text) > limit:
        text = text[: limit - 1] + _ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    return _cap_combining(_UNSAFE.sub(_shown, text))


def sanitise_lines(text: str, limit: int = 65536) -> str:
    """As `sanitise`, but line feeds stay line feeds: for YAML, describe and other text of many lines."""
    return "\n".join(sanitise(line.expandtabs(8), limit) for line in text[:limit].replace("\r\n", "\n").split("\n"))
