"""The text of a new quarterdeck.toml: what was found stands in it, what could be set stands in comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import tomlkit
from tomlkit.items import Table

from app.config_types import HealthTable, ScreenTable, VerdictTable, description_of

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Place:
    """One environment that was found."""

    name: str
    context: str
    namespace: str
    is_production: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What was found. `workloads` are those of the namespace at hand, with their probes' paths."""

    product: str
    places: tuple[Place, ...]
    workloads: Mapping[str, tuple[str, ...]]
    prometheus: str = ""
    other_contexts: tuple[str, ...] = ()


def draft_text(draft: Draft) -> str:
    document = tomlkit.document()
    _say(document, "Written by `quarterdeck init` from what it found. Every key is explained in docs/configuration.md.")
    document.add(tomlkit.nl())
    if draft.product:
        document["product"] = draft.product
    else:
        _say(document, 'product = "the-product"')
    document.add(tomlkit.nl())
    document["environments"] = _environments(draft)
    document["prometheus"] = _prometheus(draft)
    for name, table in (("verdict", VerdictTable), ("health", HealthTable), ("screen", ScreenTable)):
        document[name] = _all_defaults(table)
    keys = tomlkit.table()
    _say(keys, 'Another key for an action; docs/keys.md has the names: logs = "f5"')
    document["keys"] = keys
    return tomlkit.dumps(document) + _EXAMPLE_METRIC


_EXAMPLE_METRIC = """
# One more line in the metrics pane:
# [[metrics]]
# name = "queue"
# title = "orders waiting"
# query = "sum(orders_waiting{$selector})"
# limit = 1000
"""


def _environments(draft: Draft) -> Table:
    outer = tomlkit.table(is_super_table=True)
    for place in draft.places:
        table = tomlkit.table()
        table["context"] = place.context
        table["namespace"] = place.namespace
        table["production"] = place.is_production
        if place.is_production:
            _say(table, "read_only = true  # nothing can be changed from here, and no shell is opened")
        _say(table, 'branch = "main"' if place.is_production else 'branch = "alpha"')
        table["url"] = ""
        table["url"].comment("where its users reach it, for instance https://app.example.com: /health is asked there")
        if place is draft.places[0]:
            _say_what_is_there(table, draft)
        table.add(tomlkit.nl())
        outer[place.name] = table
    return outer


def _say_what_is_there(table: Table, draft: Draft) -> None:
    if draft.workloads:
        _say(table, "Workloads here, and the health endpoints that their probes name (found and asked without being set):")
        for workload, paths in sorted(draft.workloads.items()):
            _say(table, f"  {workload}  {' '.join(paths) or 'no HTTP probe'}")
    if draft.other_contexts:
        _say(table, f"Other contexts of the kubeconfig: {', '.join(draft.other_contexts)}")


def _prometheus(draft: Draft) -> Table:
    table = tomlkit.table()
    if draft.prometheus:
        table["service"] = draft.prometheus
        table["service"].comment("found; asked through the API server's proxy")
    else:
        _say(
            table, 'None was found. service = "monitoring/prometheus-server:80", or url = "https://prometheus.example.com"'
        )
    _say(table, 'labels = { namespace = "$namespace", pod = "~$pods" }  # what narrows a query to one workload')
    table.add(tomlkit.nl())
    return table


def _all_defaults(struct: type[msgspec.Struct]) -> Table:
    """Every key with its default, in comments: there to be switched on."""
    table = tomlkit.table()
    for field in msgspec.structs.fields(struct):
        _say(table, description_of(field.type))
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        _say(table, f"{field.name} = {_as_toml(default)}")
    table.add(tomlkit.nl())
    return table


def _as_toml(value: Any) -> str:
    return (
        "…"
        if value is None
        else tomlkit.item(int(value) if isinstance(value, float) and value == int(value) else value).as_string()
    )


def _say(place: Any, text: str) -> None:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _WIDTH:
            place.add(tomlkit.comment(line))
            line = word
        else:
            line = f"{line} {word}" if line else word or " "
    place.add(tomlkit.comment(line))
