"""Files stay small enough to be read."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parents[2]
_ROOMS = ("quarterdeck", "app", "widgets", "screens", "actions", "domain", "clients", "practice", "tests")
_MOST_LINES = 400
_MOST_LINES_OF = {"app": 250}


def test_no_file_is_too_long() -> None:
    too_long = {}
    for room in _ROOMS:
        for path in (_ROOT / room).rglob("*.py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > _MOST_LINES_OF.get(room, _MOST_LINES):
                too_long[str(path.relative_to(_ROOT))] = lines
    assert not too_long


def test_every_module_says_why_it_exists() -> None:
    silent = [
        str(path.relative_to(_ROOT))
        for room in _ROOMS
        for path in (_ROOT / room).rglob("*.py")
        if not path.name.startswith("test_") and _says_nothing(path.read_text(encoding="utf-8"))
    ]
    assert not silent


def _says_nothing(text: str) -> bool:
    return bool(text) and not text.startswith('"""')
