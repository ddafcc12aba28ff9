"""What quarterdeck.toml comes to once its defaults are filled in, and every value in it has been looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.options import Options
from domain.errors import ConfigError
from domain.metrics import DEFAULT_LABELS, DEFAULT_QUERIES, MetricQuery, with_limits
from domain.verdict import VerdictRules


@dataclass(frozen=True, slots=True)
class PrometheusPlace:
    """Neither `url` nor `service`: to be searched for. `service` is "namespace/name:port"."""

    url: str = ""
    service: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: DEFAULT_LABELS)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """`context` and `namespace` may be "": whatever the kubeconfig says."""

    name: str
    context: str = ""
    namespace: str = ""
    is_production: bool = True
    is_read_only: bool = False
    branch: str = ""
    url: str = ""
    backend: str = ""
    """The workload that `url` and `health_urls` belong to."""
    health_urls: tuple[str, ...] = ()
    prometheus: PrometheusPlace | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """`file` is "" where there was none."""

    file: str = ""
    product: str = ""
    environments: Mapping[str, Environment] = field(default_factory=dict)
    prometheus: PrometheusPlace = field(default_factory=PrometheusPlace)
    metrics: tuple[MetricQuery, ...] = ()
    rules: VerdictRules = field(default_factory=VerdictRules)
    health_timeout_s: float = 5.0
    health_hosts: frozenset[str] = frozenset()
    """May be asked although their address is local."""
    smoke_places: tuple[str, ...] = ()
    """Paths of the workload's pods, or URLs."""
    smoke_command: tuple[str, ...] = ()
    smoke_command_timeout_s: float = 300.0
    compares_metrics: bool = True
    secret_command: tuple[str, ...] = ()
    secret_keyring: str = ""
    """"": whichever there is."""
    secret_file: str = ""
    theme: str = "ansi-dark"
    is_ascii: bool | None = None
    """None: by the locale."""
    has_bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action name -> Textual key names, with commas."""

    def verdict_rules(self) -> VerdictRules:
        return self.rules

    def metric_queries(self, environment: str = "") -> tuple[MetricQuery, ...]:
        """The procedure's queries, with those of the file in their place or after them."""
        own = {query.name: query for query in self.metrics}
        queries = [own.pop(query.name, query) for query in DEFAULT_QUERIES]
        return with_limits([*queries, *own.values()], self.prometheus_of(environment).limits)

    def prometheus_of(self, environment: str) -> PrometheusPlace:
        found = self.environments.get(environment)
        return found.prometheus if found and found.prometheus else self.prometheus

    def environment(self, name: str) -> Environment:
        """ConfigError with the names there are."""
        found = self.environments.get(name)
        if found is None:
            known = ", ".join(self.environments) or "none"
            raise ConfigError(
                f"There is no environment {name!r}.",
                f"Environments there are: {known}. `quarterdeck init` writes a file with some.",
                file=self.file or "no quarterdeck.toml",
                key=f"environments.{name}",
            )
        return found

    def reaches(self) -> tuple[tuple[str, str], ...]:
        """(key, URL or command) of what the file makes this program ask or run: what trust is about."""
        places = [("prometheus", self.prometheus)]
        found: list[tuple[str, str]] = []
        for name, environment in self.environments.items():
            found += [(f"environments.{name}.health", url) for url in environment.health_urls]
            if environment.prometheus is not None:
                places.append((f"environments.{name}.prometheus", environment.prometheus))
        found += [(f"{key}.url", place.url) for key, place in places if place.url]
        found += [("verify.smoke", place) for place in self.smoke_places if "://" in place]
        if self.smoke_command:
            found.append(("verify.command", " ".join(self.smoke_command)))
        if self.secret_command:
            found.append(("secrets.command", " ".join(self.secret_command)))
        return tuple(found)


def load_config(options: Options) -> Config:
    """Found, read, checked and trusted; ConfigError otherwise. Defaults where there is no file."""
    from app.config_file import FoundBy, find_config

    file = find_config(options)
    if file is None:
        return Config()
    from app.config_values import config_from

    config = config_from(file)
    if file.found_by is FoundBy.FOLDER:
        from app.trust import require_trust

        require_trust(file, config)
    return config
