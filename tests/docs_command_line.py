"""The page about the command line, made from its parser and from the types it prints. `python -m tests.docs` writes it."""

from __future__ import annotations

import argparse
import ast
import inspect
import textwrap
from collections.abc import Iterator

from app.arguments import Parser, parser_of
from app.commands import reporting
from app.manual import EPILOG, EXAMPLES

_PROG = "quarterdeck"
_REPORTS = {
    "status": (reporting.StatusReport, reporting.WorkloadReport, reporting.RevisionReport, reporting.FindingReport),
    "watch": (reporting.WatchLine,),
}

_HEAD = """# The command line

<!-- Made from app/arguments.py, app/manual.py and app/commands/reporting.py by `python -m tests.docs`; change it there. -->
"""


def command_line_page() -> str:
    return "\n".join([_HEAD, *_whole(), *(line for name, verb in _verbs() for line in _verb(name, verb))])


def _whole() -> Iterator[str]:
    yield from (
        "```",
        (EXAMPLES.format(prog=_PROG) + EPILOG.format(prog=_PROG, user_file="the user's own folder")).rstrip(),
    )
    yield from ("```", "", "## Options", "", "They may stand before or after the command's name.", "")
    yield from _options(parser_of(_PROG))


def _verbs() -> Iterator[tuple[str, Parser]]:
    for action in parser_of(_PROG)._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from ((name, verb) for name, verb in action.choices.items() if not name.startswith("_"))


def _verb(name: str, verb: Parser) -> Iterator[str]:
    yield from (f"## {_PROG} {name}", "", verb.description or "", "")
    if verb.examples:
        yield from ("```", verb.examples.rstrip(), "```", "")
    yield from _options(verb, known=_common())
    for report in _REPORTS.get(name, ()):
        yield from _fields(report)


def _common() -> set[str]:
    return {option for action in parser_of(_PROG)._actions for option in action.option_strings}


def _options(parser: argparse.ArgumentParser, known: set[str] | None = None) -> Iterator[str]:
    rows = []
    for action in parser._actions:
        is_known = known is not None and set(action.option_strings) <= known and action.option_strings
        if is_known or isinstance(action, argparse._SubParsersAction):
            continue
        value = "|".join(action.choices) if action.choices else action.metavar if action.nargs != 0 else ""
        name = ", ".join(f"`{f'{option} {value}'.strip()}`" for option in action.option_strings) or f"`{action.metavar}`"
        rows.append(f"| {name.replace('|', chr(92) + '|')} | {action.help} |")
    if rows:
        yield from ("| option | what |", "|---|---|", *rows, "")


def _fields(report: type) -> Iterator[str]:
    title = report.__name__.removesuffix("Report")
    yield from (
        f"### {title}",
        "",
        " ".join((inspect.getdoc(report) or "").split()),
        "",
        "| field | type | |",
        "|---|---|---|",
    )
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(report))).body
    assert isinstance(tree, ast.ClassDef)
    for statement, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign):
            about = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                about = " ".join(str(after.value.value).split())
            yield f"| `{ast.unparse(statement.target)}` | {_in_words(ast.unparse(statement.annotation))} | {about} |"
    yield ""


def _in_words(annotation: str) -> str:
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "None": "null"}
    parts = [words.get(part, part) for part in annotation.split(" | ")]
    text = " or ".join(parts)
    if text.startswith("tuple["):
        return f"list of {text.removeprefix('tuple[').removesuffix(', ...]').removesuffix('Report')}"
    return "object" if text.startswith("dict[") else text.replace("Report", "")
