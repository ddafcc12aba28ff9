"""Kubernetes events and pod usage, as they travel, become ours."""

from __future__ import annotations

from clients.kubernetes.quantities import bytes_of, millicores_of
from clients.kubernetes.texts import Texts, epoch, message
from clients.kubernetes.wire import EventObject, UsageObject
from domain.occurrences import Occurrence
from domain.pods import PodUsage
from domain.sanitise import sanitise


def occurrence_from(wire: EventObject, texts: Texts) -> Occurrence:
    """Which time is there depends on the reporter: the scheduler sets no lastTimestamp, the kubelet no eventTime."""
    meta, series = wire.metadata, wire.series
    created = meta.creation_timestamp
    observed = series.last_observed_time if series else None
    last = observed or wire.last_timestamp or wire.event_time or wire.first_timestamp or created
    first = wire.first_timestamp or wire.event_time or created or last
    about = wire.involved_object
    component = wire.source.component if wire.source else ""
    return Occurrence(
        uid=sanitise(meta.uid),
        namespace=texts.shared(meta.namespace),
        name=sanitise(meta.name),
        type=texts.shared(wire.type) or "Normal",
        reason=texts.shared(wire.reason),
        message=message(wire.message),
        count=(series.count if series else 0) or wire.count or 1,
        first_at=epoch(first) or 0.0,
        last_at=epoch(last) or 0.0,
        about_kind=texts.shared(about.kind),
        about_name=texts.shared(about.name),
        about_uid=texts.shared(about.uid),
        source=texts.shared(component or wire.reporting_component),
    )


def usage_from(wire: UsageObject, texts: Texts) -> PodUsage:
    namespace, name = texts.shared(wire.metadata.namespace), texts.shared(wire.metadata.name)
    cpu_m = memory_bytes = 0
    for container in wire.containers or ():
        usage = container.usage or {}
        cpu_m += millicores_of(usage.get("cpu", 0)) or 0
        memory_bytes += bytes_of(usage.get("memory", 0)) or 0
    return PodUsage(texts.shared(f"{namespace}/{name}"), namespace, name, epoch(wire.timestamp) or 0.0, cpu_m, memory_bytes)
