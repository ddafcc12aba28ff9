"""Writes a few keys of a ConfigMap that several hosts write to: nothing of theirs is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actions.ports import Ports, Run
from domain.errors import ConflictError, NotFoundError

_MOST_TRIES = 8
_LABELS = {"app.kubernetes.io/managed-by": "quarterdeck"}


async def read_data(ports: Ports, namespace: str, name: str) -> Mapping[str, str] | None:
    """None where there is no such ConfigMap."""
    try:
        found = await ports.cluster.read("ConfigMap", namespace, name)
    except NotFoundError:
        return None
    return found.body.get("data") or {}


async def write_data(
    ports: Ports, run: Run, namespace: str, name: str, changed: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> None:
    """`changed` gives the new data for the old; it is asked again where somebody else was faster."""
    for tries_left in reversed(range(_MOST_TRIES)):
        try:
            found = await ports.cluster.read("ConfigMap", namespace, name)
        except NotFoundError:
            found = None
        await run.before_write()
        try:
            if found is None:
                await ports.cluster.create(_body(namespace, name, changed({})))
            else:
                await ports.cluster.replace({**found.body, "data": dict(changed(found.body.get("data") or {}))})
            return
        except ConflictError:
            if not tries_left:
                raise
        await ports.clock.sleep(0.1)


def _body(namespace: str, name: str, data: Mapping[str, str]) -> dict[str, object]:
    metadata = {"name": name, "namespace": namespace, "labels": _LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
