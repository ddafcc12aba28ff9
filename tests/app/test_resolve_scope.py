"""What is production, and what is read-only, is decided before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.config import Config
from app.config_file import FoundBy, read_config
from app.config_values import config_from
from app.options import Options
from app.resolve_scope import environment_of, resolve_scope, wanted_context
from clients.kubernetes.access import ClusterAccess
from domain.errors import ConfigError

CONFIGURED = """\
product = "shop"
[environments.alpha]
context = "weu"
[environments.production]
context = "weu"
read_only = true
[environments.canary]
context = "neu"
namespace = "shop-production"
production = false
[environments.anywhere]
namespace = "tools"
production = false
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "quarterdeck.toml"
    path.write_text(CONFIGURED)
    return config_from(read_config(path, FoundBy.OPTION))


def access(context: str = "weu", namespace: str = "default") -> ClusterAccess:
    return ClusterAccess(context, "cluster", "oncall", namespace, "https://api.example.com:6443")


@dataclass(frozen=True)
class Case:
    options: Options
    namespace: str
    environment: str
    is_production: bool
    reason: str = ""
    access: ClusterAccess = field(default_factory=access)


CASES = {
    "the environment asked for": Case(Options(environment="alpha"), "shop-alpha", "alpha", False),
    "production is locked by the file": Case(
        Options(environment="production"), "shop-production", "production", True, "environment production is read-only in"
    ),
    "found by its namespace": Case(Options(namespace="shop-alpha"), "shop-alpha", "alpha", False),
    "found by what kubectl points to": Case(Options(), "shop-alpha", "alpha", False, access=access(namespace="shop-alpha")),
    "the same namespace in another cluster": Case(
        Options(namespace="shop-production"), "shop-production", "canary", False, access=access("neu")
    ),
    "an environment of any context": Case(Options(namespace="tools"), "tools", "anywhere", False),
    "nothing fits: guessed by name": Case(Options(namespace="shop-staging"), "shop-staging", "staging", False),
    "nothing fits and nothing says otherwise": Case(Options(namespace="billing"), "billing", "production", True),
    "all namespaces are as guarded as the most guarded": Case(
        Options(all_namespaces=True), "", "production", True, "environment production is read-only in"
    ),
    "all namespaces of a test cluster": Case(Options(all_namespaces=True), "", "kind", False, access=access("kind-1")),
    "asked to read only": Case(
        Options(environment="alpha", is_read_only=True), "shop-alpha", "alpha", False, "started with --readonly"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_scope_is(case: Case, config: Config) -> None:
    scope = resolve_scope(case.options, config, case.access)

    assert (scope.namespace, scope.environment, scope.is_production) == (
        case.namespace,
        case.environment,
        case.is_production,
    )
    assert scope.read_only_reason.startswith(case.reason)
    assert scope.is_read_only == bool(case.reason)


@pytest.mark.parametrize(
    ("context", "namespace", "environment", "is_production"),
    [
        ("prod-weu", "shop", "production", True),
        ("weu", "default", "production", True),
        ("weu", "shop-alpha", "alpha", False),
        ("kind-shop", "default", "kind", False),
        ("minikube", "shop-production", "minikube", False),
        ("weu", "latest", "production", True),
        ("weu", "Shop-TEST", "test", False),
    ],
)
def test_without_configuration_the_names_decide(
    context: str, namespace: str, environment: str, is_production: bool
) -> None:
    scope = resolve_scope(Options(), Config(), access(context, namespace))

    assert (scope.environment, scope.is_production, scope.is_read_only) == (environment, is_production, False)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            Options(environment="alpha", namespace="shop-production"),
            "'shop-alpha', and --namespace asks for 'shop-production'",
        ),
        (Options(environment="alpha", context="neu"), "'weu', and --context asks for 'neu'"),
        (Options(environment="beta"), "no environment 'beta'"),
    ],
)
def test_contradictions_are_refused(options: Options, says: str, config: Config) -> None:
    with pytest.raises(ConfigError) as raised:
        wanted_context(options, config)
        resolve_scope(options, config, access())

    assert says in raised.value.message
    assert raised.value.hint


def test_an_environment_brings_its_context_along(config: Config) -> None:
    assert wanted_context(Options(environment="canary"), config) == "neu"
    assert wanted_context(Options(), config) is None
    assert wanted_context(Options(context="neu"), config) == "neu"


def test_the_procedures_environments_know_the_rest_by_themselves(config: Config) -> None:
    alpha, production = config.environments["alpha"], config.environments["production"]

    assert (alpha.url, alpha.branch, alpha.backend) == ("https://alphaapp.shop.com", "alpha", "shop-backend")
    assert (production.url, production.branch) == ("https://app.shop.com", "main")
    assert alpha.health_urls == ("https://alphaapp.shop.com/health",)
    scope = resolve_scope(Options(environment="alpha"), config, access())
    assert environment_of(scope, config) is alpha
