"""From what was asked, configured and found in the kubeconfig to what is looked at, and whether it is production."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from app.config import Config, Environment
from app.options import Options
from domain.errors import ConfigError
from domain.sanitise import sanitise
from domain.scope import Scope, environment_word, looks_like_production

if TYPE_CHECKING:
    from clients.kubernetes.access import ClusterAccess


def wanted_context(options: Options, config: Config) -> str | None:
    """What to pass to `load_access`: None is the kubeconfig's current context."""
    wanted = options.context
    if options.environment:
        environment = config.environment(options.environment)
        if wanted and environment.context not in ("", wanted):
            raise _contradiction(environment, "--context", wanted, environment.context, config)
        wanted = wanted or environment.context
    return wanted or None


def resolve_scope(options: Options, config: Config, access: ClusterAccess) -> Scope:
    """The environment is the one of --env, or the configured one that has this context and namespace."""
    chosen = config.environment(options.environment) if options.environment else None
    namespace = _namespace(options, chosen, config, access)
    if chosen is None and namespace:
        chosen = _matching(config, access.context, namespace)
    is_production, reason = _guarded(options, config, chosen, access.context, namespace)
    return Scope(
        context=access.context,
        namespace=namespace,
        environment=chosen.name if chosen else environment_word(access.context, namespace),
        is_production=is_production,
        user=access.user,
        host=sanitise(os.uname().nodename),
        is_read_only=bool(reason),
        read_only_reason=reason,
        server=sanitise(access.server + access.path_prefix),
        is_tls_unverified=access.is_tls_unverified,
    )


def environment_of(scope: Scope, config: Config) -> Environment | None:
    """The configured environment a scope stands for."""
    found = config.environments.get(scope.environment)
    return found if found and found.context in ("", scope.context) else None


def _namespace(options: Options, chosen: Environment | None, config: Config, access: ClusterAccess) -> str:
    if options.all_namespaces:
        return ""
    if chosen is None:
        return options.namespace or access.namespace
    own = chosen.namespace or access.namespace
    if options.namespace and options.namespace != own:
        raise _contradiction(chosen, "--namespace", options.namespace, own, config)
    return own


def _matching(config: Config, context: str, namespace: str) -> Environment | None:
    """One that names the context before one that leaves it open."""
    fitting = [e for e in config.environments.values() if e.namespace == namespace and e.context in ("", context)]
    return max(fitting, key=lambda e: bool(e.context), default=None)


def _guarded(
    options: Options, config: Config, chosen: Environment | None, context: str, namespace: str
) -> tuple[bool, str]:
    """(is it production, why only reading is allowed). All namespaces are as guarded as the most guarded among them."""
    concerned = [chosen] if chosen else []
    if not namespace:
        concerned += [e for e in config.environments.values() if e.context in ("", context)]
    is_production = any(e.is_production for e in concerned) if concerned else looks_like_production(context, namespace)
    if chosen is None and not namespace:
        is_production = is_production or looks_like_production(context, namespace)
    reason = "started with --readonly" if options.is_read_only else ""
    locked = next((e.name for e in concerned if e.is_read_only), "")
    if locked and not reason:
        reason = f"environment {locked} is read-only in {config.file}"
    return is_production, reason


def _contradiction(environment: Environment, option: str, asked: str, own: str, config: Config) -> ConfigError:
    return ConfigError(
        f"--env {environment.name} is {own!r}, and {option} asks for {asked!r}.",
        f"Leave out {option}, or leave out --env.",
        file=config.file,
        key=f"environments.{environment.name}.{option.removeprefix('--')}",
    )
