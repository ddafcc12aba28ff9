"""`quarterdeck init`: writes a commented quarterdeck.toml from what the cluster has."""

from __future__ import annotations

import asyncio
import os
import re
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.boot import open_scope
from app.commands.drafting import Draft, Place, draft_text
from app.commands.observing import observing
from app.commands.signs import note, say
from app.commands.workload_name import product_of
from app.config_file import ConfigFile, FoundBy
from app.config_values import config_from
from app.options import Options
from domain import exit_codes
from domain.errors import ConfigError, OutsideError
from domain.fleet import Fleet
from domain.scope import Scope, environment_word

if TYPE_CHECKING:
    from clients.kubernetes.cluster import Cluster

_PROXY = re.compile(r"/services/(?:https?:)?([^/:]+):([^/]+)/proxy")


def run(options: Options, arguments: Namespace) -> int:
    path = None if arguments.output == "-" else Path(arguments.output)
    if path is not None and os.path.lexists(path) and not arguments.force:
        raise ConfigError(
            "There is a file of that name already.", "`--force` replaces it; `-o -` prints the new one.", file=str(path)
        )
    text = asyncio.run(_text(options))
    _check(text)
    if path is None:
        say(text.rstrip("\n"))
        return exit_codes.OK
    _write(path, text)
    note(f"quarterdeck: wrote {path}. Read it through, then `quarterdeck doctor` tries it.")
    return exit_codes.OK


async def _text(options: Options) -> str:
    from clients.kubernetes.cluster import Cluster
    from clients.kubernetes.kubeconfig import context_names

    access, scope, config = open_scope(options)
    async with observing(access, scope, config) as observation:
        fleet = observation.fleet
    cluster = Cluster(access, is_read_only=True)
    try:
        namespaces = await _namespaces(cluster)
        prometheus = await _prometheus(cluster, scope)
    finally:
        await cluster.close()
    namespace = scope.namespace or access.namespace
    product = product_of([key.name for key in fleet.rollouts if key.namespace == namespace], namespace)
    return draft_text(
        Draft(
            product=product,
            places=_places(scope, namespace, product, namespaces),
            workloads=_health_paths(fleet, namespace),
            prometheus=prometheus,
            other_contexts=tuple(name for name in context_names() if name != scope.context),
        )
    )


def _places(scope: Scope, namespace: str, product: str, namespaces: tuple[str, ...]) -> tuple[Place, ...]:
    """The namespace at hand, and those of the same product beside it."""
    own = environment_word(scope.context, namespace)
    found = {own: Place(own, scope.context, namespace, is_production=scope.is_production)}
    for other in namespaces:
        word = other.removeprefix(f"{product}-") if product and other.startswith(f"{product}-") else ""
        if word and other != namespace:
            is_production = environment_word(scope.context, other) == "production"
            found.setdefault(word, Place(word, scope.context, other, is_production=is_production))
    return tuple(found.values())


def _health_paths(fleet: Fleet, namespace: str) -> dict[str, tuple[str, ...]]:
    """Workload -> the paths of its probes."""
    return {
        str(key): tuple(dict.fromkeys(p.path for c in rollout.workload.template.containers for p in c.probes if p.path))
        for key, rollout in fleet.rollouts.items()
        if key.namespace == namespace
    }


async def _namespaces(cluster: Cluster) -> tuple[str, ...]:
    """None where they may not be listed: then only the one at hand is known."""
    with suppress(OutsideError):
        return await cluster.read_namespaces()
    return ()


async def _prometheus(cluster: Cluster, scope: Scope) -> str:
    """ "namespace/name:port" as the configuration has it; "" where none was found."""
    from app.sources import services_to_search
    from clients.prometheus import find_prometheus, service_path

    with suppress(OutsideError):
        service = find_prometheus(await services_to_search(cluster, scope.namespace), scope.namespace)
        match = _PROXY.search(service_path(service)) if service else None
        if service and match:
            return f"{service.namespace}/{match[1]}:{match[2]}"
    return ""


def _check(text: str) -> None:
    """What we write we must be able to read."""
    config_from(ConfigFile(Path("quarterdeck.toml"), Path("quarterdeck.toml"), FoundBy.OPTION, text.encode()))


def _write(path: Path, text: str) -> None:
    """Whole or not at all; a link is not followed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(
            f"The file cannot be written: {error.strerror}.", "`-o FILE` writes another, `-o -` prints it.", file=str(path)
        ) from error
