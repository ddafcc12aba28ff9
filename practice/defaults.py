"""What the API server fills in, and what it refuses, before an object is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator

from practice.answers import bad_request, invalid
from practice.kinds import Kind
from practice.objects import Json, name_of
from practice.selectors import matches_labels

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_DNS_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_ROLLED = frozenset({"deployments", "replicasets", "statefulsets", "daemonsets"})


def with_defaults(kind: Kind, obj: Json) -> Json:
    """Fills `obj` in place (it is the caller's own copy) and returns it."""
    spec = obj.get("spec")
    if kind.group == "apps" and kind.resource in _ROLLED and isinstance(spec, dict):
        if kind.resource != "daemonsets":
            spec.setdefault("replicas", 1)
        _fill_pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
        spec["template"].setdefault("metadata", {})
        if kind.resource == "deployments":
            _fill_deployment(spec)
        elif kind.resource != "replicasets":
            spec.setdefault("revisionHistoryLimit", 10)
            strategy = spec.setdefault("updateStrategy", {})
            if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
                rolling = strategy.setdefault("rollingUpdate", {})
                if kind.resource == "statefulsets":
                    rolling.setdefault("partition", 0)
                else:
                    rolling.setdefault("maxUnavailable", 1)
                    rolling.setdefault("maxSurge", 0)
            if kind.resource == "statefulsets":
                spec.setdefault("podManagementPolicy", "OrderedReady")
    elif kind.resource == "pods" and isinstance(spec, dict):
        _fill_pod_spec(spec)
        obj.setdefault("status", {}).setdefault("phase", "Pending")
    elif kind.resource == "namespaces":
        obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        obj.setdefault("status", {}).setdefault("phase", "Active")
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name_of(obj)
    elif kind.resource == "services" and isinstance(spec, dict):
        spec.setdefault("type", "ClusterIP")
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port["port"])
    elif kind.resource == "secrets":
        obj.setdefault("type", "Opaque")
    return obj


def _fill_deployment(spec: Json) -> None:
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    if spec.get("paused") is False:
        del spec["paused"]


def _fill_pod_spec(spec: Json) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in _containers(spec):
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        image = str(container.get("image", ""))
        tag = image.rpartition("/")[2].partition(":")[2]
        container.setdefault("imagePullPolicy", "Always" if tag in {"", "latest"} else "IfNotPresent")
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if probe in container:
                _fill_probe(container[probe])


def _fill_probe(probe: Json) -> None:
    for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe.setdefault(field, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("scheme", "HTTP")


def _containers(spec: Json) -> Iterator[Json]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def check(kind: Kind, obj: Json, before: Json | None = None) -> None:
    """Raises the 422 that the real server would give; only the mistakes that people make."""
    name = name_of(obj)
    if before is None and not _DNS_LABEL.fullmatch(name):
        raise invalid(kind, name, "metadata.name", f'Invalid value: "{name}": {_DNS_TEXT}')
    if kind.resource == "leases":
        _check_lease(kind, obj)
    spec = obj.get("spec") or {}
    if kind.resource == "pods":
        _check_containers(kind, name, spec, "spec")
    if not (kind.group == "apps" and kind.resource in _ROLLED):
        return
    replicas = spec.get("replicas", 1)
    if not isinstance(replicas, int) or replicas < 0:
        raise invalid(kind, name, "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")
    if not spec.get("selector"):
        raise invalid(kind, name, "spec.selector", "Required value")
    if before is not None and before["spec"]["selector"] != spec["selector"]:
        raise invalid(kind, name, "spec.selector", f"Invalid value: {spec['selector']}: field is immutable")
    labels = spec["template"]["metadata"].get("labels") or {}
    if not matches_labels(spec["selector"], labels):
        why = f"Invalid value: {labels}: `selector` does not match template `labels`"
        raise invalid(kind, name, "spec.template.metadata.labels", why)
    _check_containers(kind, name, spec["template"]["spec"], "spec.template.spec")


def _check_containers(kind: Kind, name: str, spec: Json, where: str) -> None:
    if not spec.get("containers"):
        raise invalid(kind, name, f"{where}.containers", "Required value")
    for place, container in enumerate(spec["containers"]):
        for field in ("name", "image"):
            if not container.get(field):
                raise invalid(kind, name, f"{where}.containers[{place}].{field}", "Required value")


def _check_lease(kind: Kind, obj: Json) -> None:
    for field in ("acquireTime", "renewTime"):
        text = (obj.get("spec") or {}).get(field)
        if text is not None and "." not in str(text):
            raise bad_request(
                f'Lease in version "v1" cannot be handled as a Lease: parsing time "{text}" as '
                f'"2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'
            )
