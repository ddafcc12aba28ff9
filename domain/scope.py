"""What is being looked at: which cluster, namespace and environment, as whom, and whether anything may be changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOT_PRODUCTION = re.compile(r"(^|[^a-z])(alpha|dev|test|staging|local|kind|minikube|practice)([^a-z]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scope:
    context: str
    namespace: str
    """"" means all namespaces."""
    environment: str
    """The name shown large: "production", "alpha", or derived from context and namespace."""
    is_production: bool
    user: str = ""
    host: str = ""
    """The jump host this runs on."""
    is_read_only: bool = False
    read_only_reason: str = ""
    server: str = ""
    is_tls_unverified: bool = False


def looks_like_production(context: str, namespace: str) -> bool:
    """Without configuration, everything is production unless the context's or namespace's name says otherwise."""
    return not (_NOT_PRODUCTION.search(context) or _NOT_PRODUCTION.search(namespace))


def environment_word(context: str, namespace: str) -> str:
    """What to call an environment that nobody has configured: the word in its name that says what it is."""
    if looks_like_production(context, namespace):
        return "production"
    match = _NOT_PRODUCTION.search(namespace) or _NOT_PRODUCTION.search(context)
    return match[2].lower() if match else "production"
