"""Turns the file's tables into a `Config`: fills in what the procedure fixes, and refuses values that cannot be meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from app.config import Config, Environment, PrometheusPlace
from app.config_check import check
from app.config_file import ConfigFile, parse
from app.config_types import EnvironmentTable, FileTables, KeyringChoice, MetricTable, PrometheusTable
from domain.errors import ConfigError
from domain.metrics import DEFAULT_LABELS, DEFAULT_QUERIES, MetricQuery, filled_in, narrowed
from domain.scope import looks_like_production
from domain.verdict import VerdictRules
from domain.workloads import WorkloadKey, WorkloadKind

# SOP row 1.1: what an environment of this name has when the file does not say otherwise.
_ALPHA = EnvironmentTable(
    namespace="{product}-alpha", branch="alpha", url="https://alphaapp.{product}.com", production=False
)
_PRODUCTION = EnvironmentTable(
    namespace="{product}-production", branch="main", url="https://app.{product}.com", production=True
)
_KNOWN = {"alpha": _ALPHA, "production": _PRODUCTION}
_PRODUCT = re.compile(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SERVICE = re.compile(r"[a-z0-9-]+/[a-z0-9.-]+(:[a-z0-9-]+)?")
_SOME_WORKLOAD = WorkloadKey("some-namespace", WorkloadKind.DEPLOYMENT, "some-workload")


def config_from(file: ConfigFile) -> Config:
    """ConfigError names the key that is wrong."""
    values = _Values(str(file.path), check(parse(file), str(file.path)))
    return values.config()


class _Values:
    def __init__(self, file: str, tables: FileTables) -> None:
        self._file = file
        self._tables = tables

    def config(self) -> Config:
        tables = self._tables
        if tables.product and not _PRODUCT.fullmatch(tables.product):
            hint = "Lower-case letters, digits and hyphens: names of namespaces and hosts are made from it."
            raise self._error("product", f"({tables.product!r}) cannot stand in a namespace's name", hint)
        return Config(
            file=self._file,
            product=tables.product,
            environments={name: self._environment(name, table) for name, table in self._environment_tables().items()},
            prometheus=self._prometheus("prometheus", tables.prometheus),
            metrics=self._metrics(tables.metrics),
            rules=VerdictRules(**msgspec.structs.asdict(tables.verdict)),
            health_timeout_s=tables.health.timeout_s,
            health_hosts=frozenset(tables.health.allowed_hosts),
            smoke_places=tuple(tables.verify.smoke),
            smoke_command=tuple(tables.verify.command),
            smoke_command_timeout_s=tables.verify.command_timeout_s,
            compares_metrics=tables.verify.metrics,
            secret_command=tuple(tables.secrets.command),
            secret_keyring="" if tables.secrets.keyring is KeyringChoice.AUTO else str(tables.secrets.keyring),
            secret_file=tables.secrets.file,
            theme=tables.screen.theme,
            is_ascii=tables.screen.ascii,
            has_bell=tables.screen.bell,
            keys=self._keys(tables.keys),
        )

    def _environment_tables(self) -> dict[str, EnvironmentTable]:
        tables = self._tables
        if tables.product and not tables.environments:
            return dict(_KNOWN)
        return tables.environments

    def _environment(self, name: str, table: EnvironmentTable) -> Environment:
        key, product = f"environments.{name}", self._tables.product
        usual = _KNOWN.get(name, EnvironmentTable()) if product else EnvironmentTable()

        def text(field: str, otherwise: str = "") -> str:
            value: str = getattr(table, field) or otherwise
            if field == "url" and table.url is not None:
                value = table.url
            if "{product}" in value and not product:
                raise self._error(
                    f"{key}.{field}", "holds {product}, and `product` is not set", "Set `product` at the top."
                )
            return value.replace("{product}", product)

        context, namespace = text("context"), text("namespace", usual.namespace)
        if namespace and not _NAMESPACE.fullmatch(namespace):
            hint = "Lower-case letters, digits and hyphens, at most 63; `kubectl get namespaces` lists them."
            raise self._error(f"{key}.namespace", f"({namespace!r}) cannot be a namespace's name", hint)
        url = self._url(f"{key}.url", text("url", usual.url or "").rstrip("/"))
        usual_production = (
            looks_like_production(f"{name} {context}", namespace) if usual.production is None else usual.production
        )
        return Environment(
            name=name,
            context=context,
            namespace=namespace,
            is_production=usual_production if table.production is None else table.production,
            is_read_only=table.read_only,
            branch=text("branch", usual.branch),
            url=url,
            backend=text("backend", "{product}-backend" if product else ""),
            health_urls=tuple(self._health(f"{key}.health", url, table.health, product)),
            prometheus=self._prometheus(f"{key}.prometheus", table.prometheus) if table.prometheus else None,
        )

    def _health(self, key: str, url: str, wanted: list[str] | None, product: str) -> Iterable[str]:
        if wanted is None:
            wanted = ["/health"] if url else []
        for number, text in enumerate(wanted, 1):
            text = text.replace("{product}", product)
            if text.startswith("/"):
                if not url:
                    raise self._error(f"{key}[{number}]", "is a path, and the environment has no `url`", "Set the `url`.")
                text = url + text
            yield self._url(f"{key}[{number}]", text)

    def _prometheus(self, key: str, table: PrometheusTable) -> PrometheusPlace:
        url, service = (text.replace("{product}", self._tables.product) for text in (table.url, table.service))
        if url and service:
            raise self._error(key, "has both `url` and `service`", "Keep the one that this host can reach.")
        if service and not _SERVICE.fullmatch(service):
            hint = "Write it as `namespace/name:port`, for instance `monitoring/prometheus-server:80`."
            raise self._error(f"{key}.service", f"({service!r}) is not a service", hint)
        labels = DEFAULT_LABELS if table.labels is None else table.labels
        try:
            narrowed(labels, _SOME_WORKLOAD)
        except ValueError as error:
            raise self._error(
                f"{key}.labels", f"cannot be used: {error}", "docs/configuration.md has an example."
            ) from error
        return PrometheusPlace(self._url(f"{key}.url", url), service, labels, table.limits)

    def _metrics(self, tables: list[MetricTable]) -> tuple[MetricQuery, ...]:
        seen: dict[str, MetricQuery] = {}
        for number, table in enumerate(tables, 1):
            key = f"metrics[{number}]"
            if table.name in seen:
                raise self._error(f"{key}.name", f"({table.name!r}) is there twice", "Give each query a name of its own.")
            query = MetricQuery(
                table.name,
                table.title or table.name,
                " ".join(table.query.split()),
                table.unit,
                table.limit,
                table.more_is_worse,
                table.business,
            )
            try:
                filled_in(query, "", None)
            except ValueError as error:
                raise self._error(f"{key}.query", f"cannot be used: {error}", "Write `$$` for a plain $.") from error
            seen[table.name] = query
        self._limits_are_known({query.name for query in DEFAULT_QUERIES} | set(seen))
        return tuple(seen.values())

    def _limits_are_known(self, names: set[str]) -> None:
        places = [("prometheus", self._tables.prometheus)]
        places += [
            (f"environments.{n}.prometheus", t.prometheus) for n, t in self._tables.environments.items() if t.prometheus
        ]
        for key, table in places:
            for name in table.limits:
                if name not in names:
                    hint = f"Queries there are: {', '.join(sorted(names))}."
                    raise self._error(f"{key}.limits.{name}", "is a limit for a query that does not exist", hint)

    def _keys(self, keys: dict[str, str]) -> dict[str, str]:
        if not keys:
            return keys
        from difflib import get_close_matches

        from actions import ACTIONS

        names = [action.name for action in ACTIONS]
        for name, wanted in keys.items():
            if name not in names:
                nearest = get_close_matches(name, names, 1)
                hint = f"Did you mean `{nearest[0]}`?" if nearest else "docs/keys.md has the names, in its last column."
                raise self._error(f"keys.{name}", "is not an action", hint)
            if not all(part.strip() for part in wanted.split(",")):
                raise self._error(f"keys.{name}", "names no key", 'Write for instance "f5", or leave the line out.')
        return keys

    def _url(self, key: str, text: str) -> str:
        """Only http(s), with a host and without a password (FAULTS section 7)."""
        if not text:
            return text
        try:
            parts = urlsplit(text)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_whole = False
        if not is_whole or " " in text:
            raise self._error(
                key, f"({text!r}) is not an http(s) address", "Write it as https://host or https://host/path."
            )
        if parts.username or parts.password:
            raise self._error(key, "holds a password", "Take it out of the file: whoever reads the file could use it.")
        return text

    def _error(self, key: str, what: str, hint: str) -> ConfigError:
        return ConfigError(f"`{key}` {what}.", hint, file=self._file, key=key)
