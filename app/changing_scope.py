"""Watching something else: another namespace, context or environment, without leaving the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from actions import Argument
from app.options import Options
from app.session import Session
from domain.errors import OutsideError
from domain.fleet import Fleet

ALL_NAMESPACES = "all"


async def choices(what: Argument, session: Session) -> tuple[str, ...]:
    """The names there are, to choose from or to complete."""
    if what is Argument.CONTEXT:
        from clients.kubernetes.kubeconfig import context_names

        return context_names()
    if what is Argument.ENVIRONMENT:
        return tuple(session.config.environments)
    try:
        return (ALL_NAMESPACES, *await session.cluster.read_namespaces())
    except OutsideError:
        # Listing namespaces is often not permitted; the one of the context always makes sense.
        return tuple(dict.fromkeys((ALL_NAMESPACES, session.access.namespace, session.scope.namespace)))


def session_for(what: Argument, name: str, session: Session, options: Options, publish: Callable[[Fleet], None]) -> Session:
    """Blocking: reads files. ConfigError where there is no such context or environment."""
    from app.boot import open_scope

    if what is Argument.ENVIRONMENT:
        wanted = replace(options, environment=name, context="", namespace="", all_namespaces=False)
    elif what is Argument.CONTEXT:
        wanted = replace(options, environment="", context=name, namespace="", all_namespaces=False)
    else:
        is_all = name in (ALL_NAMESPACES, "*")
        wanted = replace(
            options,
            environment="",
            context=session.scope.context,
            namespace="" if is_all else name,
            all_namespaces=is_all,
        )
    access, scope, config = open_scope(wanted)
    return Session(access, scope, config, publish, session.on_defect)
