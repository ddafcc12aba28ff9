"""The page about quarterdeck.toml, made from the types that read it. `python -m tests.docs` writes it."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any, get_args, get_origin

import msgspec

from app.config_check import bare, expected
from app.config_types import EnvironmentTable, FileTables, PrometheusTable, description_of

_SHOWN_ELSEWHERE: dict[type[msgspec.Struct], type[msgspec.Struct]] = {EnvironmentTable: PrometheusTable}

HEAD = """# quarterdeck.toml

<!-- Made from app/config_types.py by `python -m tests.docs`; change it there. -->

`quarterdeck init` writes one from what the cluster has. Found in this order: the file of `--config`; `quarterdeck.toml`
in the current folder, or above it up to the root of the git checkout; the user's own (`quarterdeck --help` says where).
One file is used, never a mixture. Where the one in the current folder names addresses, it is used only after
`quarterdeck trust`, and again after each change.

```toml
product = "shop"

[environments.alpha]
context = "weu-staging"

[environments.production]
context = "weu-production"
read_only = true

[prometheus]
service = "monitoring/prometheus-server:80"

[[metrics]]
name = "queue"
title = "orders waiting"
query = "sum(orders_waiting{$selector})"
limit = 1000

[keys]
logs = "f5"
```
"""


def configuration_page() -> str:
    return "\n".join([HEAD, *_sections(FileTables, "")])


def _sections(table: type[msgspec.Struct], heading: str) -> list[str]:
    plain, tables = [], []
    for field in msgspec.structs.fields(table):
        inner, how = _table_in(field.type, _joined(heading, field.name))
        if inner is None or inner is _SHOWN_ELSEWHERE.get(table):
            plain.append(field)
        else:
            tables.append((inner, how))
    lines = [f"## {heading or 'At the top'}", "", " ".join((inspect.getdoc(table) or "").split()), ""]
    lines += ["| key | what | default |", "|---|---|---|", *(_row(field) for field in plain), ""]
    for inner, how in tables:
        lines += _sections(inner, how)
    return lines


def _table_in(annotation: Any, name: str) -> tuple[type[msgspec.Struct] | None, str]:
    wanted = bare(annotation)
    if get_origin(wanted) is dict and _is_table(get_args(wanted)[1]):
        return get_args(wanted)[1], f"[{name}.NAME]"
    if get_origin(wanted) is list and _is_table(get_args(wanted)[0]):
        return get_args(wanted)[0], f"[[{name}]]"
    return (wanted, f"[{name}]") if _is_table(wanted) else (None, "")


def _is_table(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)


def _joined(heading: str, name: str) -> str:
    return f"{heading.strip('[]')}.{name}" if heading else name


def _row(field: Any) -> str:
    what = f"{description_of(field.type)} ({_kind(field.type)})".replace("|", "\\|")
    return f"| `{field.name}` | {what} | {_default(field)} |"


def _kind(annotation: Any) -> str:
    wanted = bare(annotation)
    if get_origin(wanted) is list:
        return "a list of texts"
    return "a table" if get_origin(wanted) is dict or _is_table(wanted) else expected(annotation, wanted)


def _default(field: Any) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return "not set"
    if isinstance(value, Enum | str):
        return f'`"{value}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, int | float) else f"`{value}`"
