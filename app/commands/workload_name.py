"""Finds the workload that a person named: `shop-backend`, `deployment/shop-backend`, `sts/db`."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from domain.errors import ConfigError
from domain.workloads import WorkloadKey, WorkloadKind

# kubectl's names, plurals and short names (`kubectl api-resources`).
_KINDS = {
    **dict.fromkeys(
        ("deployment", "deployments", "deployments.apps", "deployment.apps", "deploy"), WorkloadKind.DEPLOYMENT
    ),
    **dict.fromkeys(
        ("statefulset", "statefulsets", "statefulsets.apps", "statefulset.apps", "sts"), WorkloadKind.STATEFUL_SET
    ),
    **dict.fromkeys(("daemonset", "daemonsets", "daemonsets.apps", "daemonset.apps", "ds"), WorkloadKind.DAEMON_SET),
}
_MOST_LISTED = 12


def kind_and_name(text: str) -> tuple[WorkloadKind | None, str]:
    """Without looking at any cluster; ConfigError for a kind that has no rollouts."""
    kind, slash, name = text.partition("/")
    if not slash:
        return None, text
    if kind.lower() not in _KINDS or not name or "/" in name:
        raise ConfigError(
            f"{text!r} names no workload.",
            "Write NAME, deployment/NAME, statefulset/NAME or daemonset/NAME (deploy/, sts/, ds/ for short).",
            key="WORKLOAD",
        )
    return _KINDS[kind.lower()], name


def find_workload(text: str, known: Collection[WorkloadKey], where: str) -> WorkloadKey:
    """`where` is how the namespace is called in the message. ConfigError where none or several fit."""
    kind, name = kind_and_name(text)
    fitting = sorted(key for key in known if key.name == name and kind in (None, key.kind))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        namespaces = len({key.namespace for key in fitting}) > 1
        listed = ", ".join(f"{key}" + (f" in {key.namespace}" if namespaces else "") for key in fitting[:_MOST_LISTED])
        hint = "Choose one namespace with -n." if namespaces else "Write its kind before it."
        raise ConfigError(f"{text!r} could be {listed}.", hint, key="WORKLOAD")
    raise ConfigError(f"There is no workload {text!r} in {where}.", _others(name, known), key="WORKLOAD")


def _others(name: str, known: Collection[WorkloadKey]) -> str:
    if not known:
        return "There are no workloads at all: is it the right namespace (-n) and context (--context)?"
    nearest = difflib.get_close_matches(name, sorted({key.name for key in known}), 3)
    if nearest:
        return f"Did you mean {' or '.join(nearest)}?"
    names = sorted(str(key) for key in known)
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"There are {', '.join(names[:_MOST_LISTED])}{more}."


def product_of(names: Collection[str], namespace: str) -> str:
    """What the workloads' names begin with in common (`shop` of shop-backend and shop-web), else what the namespace's does;
    "" where that is no name."""
    firsts = {name.split("-")[0] for name in names}
    if len(names) > 1 and len(firsts) == 1:
        return firsts.pop()
    first, dash, _ = namespace.partition("-")
    return first if dash else ""
