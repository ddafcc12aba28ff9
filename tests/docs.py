"""Writes the documents that are made from the program itself; `--check` only says whether they are up to date.

python -m tests.docs [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from actions import Action, Danger, Group, Move, View, actions_on, moves_on
from actions.keys import key_label
from tests.docs_command_line import command_line_page
from tests.docs_configuration import configuration_page

DOCS = Path(__file__).parent.parent / "docs"
KEYS = DOCS / "keys.md"

_HEAD = """# Keys and commands

<!-- Made from the registry in actions/ by `python -m tests.docs`; change it there. -->

No bare lower-case letter ever changes anything. Every key has a word that can be typed after `:` instead, for terminals
and multiplexers that keep a key for themselves; Tab completes it. Upper-case letters are kept for what changes the cluster.
Any key can be given to another action in `quarterdeck.toml`, by the name in the last column.
"""


def keys_page() -> str:
    return "\n".join([_HEAD, *(_section(view) for view in View)])


def _section(view: View) -> str:
    lines = [f"## {view.capitalize()}", "", "| key | type | what it does | name |", "|---|---|---|---|"]
    lines += [_row(a) for group in Group for a in actions_on(view) if a.group is group]
    lines += [_move_row(move) for move in moves_on(view)]
    return "\n".join([*lines, ""])


def _row(a: Action) -> str:
    keys = " ".join(f"`{key_label(key)}`" for key in a.keys)
    words = " ".join(f"`:{word}`" for word in a.words)
    danger = "" if a.danger is Danger.NONE else f" **{a.danger.capitalize()}.**"
    return f"| {keys} | {words} | {a.title}. {a.help}{danger} | {a.name} |"


def _move_row(move: Move) -> str:
    return f"| {' '.join(f'`{key_label(key)}`' for key in move.keys)} | | {move.help} | |"


PAGES = {"keys.md": keys_page, "configuration.md": configuration_page, "command-line.md": command_line_page}


def main(arguments: list[str]) -> int:
    outdated = []
    for name, make in PAGES.items():
        page = make()
        path = DOCS / name
        if "--check" not in arguments:
            DOCS.mkdir(exist_ok=True)
            path.write_text(page, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page:
            outdated.append(f"docs/{name}")
    if not outdated:
        return 0
    sys.stderr.write(f"{' and '.join(outdated)}: not what the program says; run `python -m tests.docs`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
