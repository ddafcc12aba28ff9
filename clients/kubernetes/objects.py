"""One object as text: YAML as the server has it, without the managers' bookkeeping and without the values of secrets."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

import msgspec

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.refusals import Asked
from domain.errors import NotFoundError, OutsideError
from domain.sanitise import sanitise, sanitise_lines

_CORE, _APPS, _BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
_KINDS = {
    "pod": (_CORE, "pods"),
    "service": (_CORE, "services"),
    "configmap": (_CORE, "configmaps"),
    "secret": (_CORE, "secrets"),
    "event": (_CORE, "events"),
    "serviceaccount": (_CORE, "serviceaccounts"),
    "persistentvolumeclaim": (_CORE, "persistentvolumeclaims"),
    "namespace": (_CORE, "namespaces"),
    "node": (_CORE, "nodes"),
    "deployment": (_APPS, "deployments"),
    "statefulset": (_APPS, "statefulsets"),
    "daemonset": (_APPS, "daemonsets"),
    "replicaset": (_APPS, "replicasets"),
    "controllerrevision": (_APPS, "controllerrevisions"),
    "job": (_BATCH, "jobs"),
    "cronjob": (_BATCH, "cronjobs"),
    "horizontalpodautoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "poddisruptionbudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
}
_CLUSTER_WIDE = frozenset({"namespace", "node"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_TEXT = 2 * 2**20


async def read_object(connection: Connection, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """The object as the server has it. Nothing in it has been sanitised."""
    singular = kind.lower()
    if singular not in _KINDS:
        raise NotFoundError(f"Objects of kind {sanitise(kind, 80)} are not read here", "Use kubectl for it.")
    prefix, plural = _KINDS[singular]
    within = "" if singular in _CLUSTER_WIDE else f"/namespaces/{quote(namespace, safe='')}"
    path = f"{prefix}{within}/{plural}/{quote(name, safe='')}"
    body = await connection.read(Ask(path, Asked("get", plural, namespace, name)))
    try:
        thing = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OutsideError("The API server's answer cannot be read", "Try again, or use kubectl.") from error
    if not isinstance(thing, dict):
        raise OutsideError("The API server's answer is not an object", "Try again, or use kubectl.")
    return thing


def as_yaml(thing: dict[str, Any]) -> str:
    """Sanitised, block by block as kubectl prints it; `managedFields` are left out and secrets' values replaced."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        pass

    def text(dumper: Any, value: str) -> Any:
        # A certificate or a script is read line by line, not as one quoted line.
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    shown = _masked(thing)
    meta = shown.get("metadata")
    if isinstance(meta, dict):
        shown["metadata"] = {k: v for k, v in meta.items() if k != "managedFields"}
    dumped = yaml.dump(shown, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=False)
    return sanitise_lines(dumped, _MOST_TEXT)


def _masked(thing: dict[str, Any]) -> dict[str, Any]:
    """A copy; of a Secret, only the keys and sizes, also where kubectl has kept the whole of it in an annotation."""
    shown = dict(thing)
    if thing.get("kind") != "Secret":
        return shown
    for key, size in (("data", _decoded_size), ("stringData", len)):
        values = thing.get(key)
        if isinstance(values, dict):
            shown[key] = {name: f"••• ({size(str(value))} bytes)" for name, value in values.items()}
    meta = thing.get("metadata")
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    if isinstance(meta, dict) and isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        hidden = {**annotations, _LAST_APPLIED: f"••• ({len(str(annotations[_LAST_APPLIED]))} bytes)"}
        shown["metadata"] = {**meta, "annotations": hidden}
    return shown


def _decoded_size(value: str) -> int:
    try:
        return len(base64.b64decode(value))
    except (binascii.Error, ValueError):
        return len(value)
