"""The API's objects as they travel, reduced to the fields we show: msgspec skips all the rest unparsed.

`gc=False` because none of these can be part of a cycle; a list of 5,000 pods is then nothing to Python's collector.
Everything has a default: a missing or null field is normal here, a wrong type costs one object (see `decoding`).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct, field

_Texts = dict[str, str] | None
_Quantities = dict[str, str | int | float] | None


class Wire(Struct, gc=False, rename="camel"):
    """Fields are named as in the API, in snake case."""


class OwnerReference(Wire):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(Wire):
    uid: str = ""
    namespace: str = ""
    name: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: _Texts = None
    annotations: _Texts = None
    owner_references: list[OwnerReference] | None = None
    generation: int = 0


class SlimMetadata(Wire):
    """Without annotations: a pod's are never shown, and may be large."""

    uid: str = ""
    namespace: str = ""
    name: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: _Texts = None
    owner_references: list[OwnerReference] | None = None


class ManagedFields(Wire):
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: datetime | None = None
    fields_v1: Raw = Raw(b"")


class ManagedMetadata(Metadata):
    """With the field managers: they say who set a workload's template."""

    managed_fields: list[ManagedFields] | None = None


# Pods


class Resources(Wire):
    limits: _Quantities = None


class PodContainer(Wire):
    name: str = ""
    image: str = ""
    restart_policy: str | None = None
    resources: Resources | None = None


class PodSpec(Wire):
    node_name: str = ""
    containers: list[PodContainer] | None = None
    init_containers: list[PodContainer] | None = None


class Waiting(Wire):
    reason: str = ""
    message: str = ""


class Running(Wire):
    started_at: datetime | None = None


class Terminated(Wire):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None


class State(Wire):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire):
    name: str = ""
    image: str = ""
    image_id: str = field(default="", name="imageID")
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: State | None = None
    last_state: State | None = None


class PodCondition(Wire):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PodStatus(Wire):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = field(default="", name="podIP")
    conditions: list[PodCondition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class PodObject(Wire):
    metadata: SlimMetadata = field(default_factory=SlimMetadata)
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)


# Workloads and their revisions


class LabelSelector(Wire):
    match_labels: _Texts = None


class RollingUpdate(Wire):
    partition: int = 0


class Strategy(Wire):
    type: str = ""
    rolling_update: RollingUpdate | None = None


class WorkloadSpec(Wire):
    """Of all three kinds; what a kind has not stays at its default. A replica set has a part of it."""

    template: Raw = Raw(b"{}")
    replicas: int | None = None
    paused: bool = False
    selector: LabelSelector | None = None
    strategy: Strategy | None = None
    update_strategy: Strategy | None = None
    progress_deadline_seconds: int | None = None
    min_ready_seconds: int = 0


class WorkloadCondition(Wire):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_update_time: datetime | None = None


class WorkloadStatus(Wire):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    conditions: list[WorkloadCondition] | None = None


class WorkloadObject(Wire):
    metadata: ManagedMetadata = field(default_factory=ManagedMetadata)
    spec: WorkloadSpec = field(default_factory=WorkloadSpec)
    status: WorkloadStatus = field(default_factory=WorkloadStatus)


class ReplicaSetObject(Wire):
    metadata: Metadata = field(default_factory=Metadata)
    spec: WorkloadSpec = field(default_factory=WorkloadSpec)
    status: WorkloadStatus = field(default_factory=WorkloadStatus)


class RevisionData(Wire):
    spec: WorkloadSpec = field(default_factory=WorkloadSpec)


class ControllerRevisionObject(Wire):
    metadata: Metadata = field(default_factory=Metadata)
    data: RevisionData | None = None
    revision: int = 0


# Pod templates


class HttpGet(Wire):
    path: str = ""
    port: int | str = ""
    scheme: str = ""


class ProbeSpec(Wire):
    http_get: HttpGet | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    failure_threshold: int = 3
    timeout_seconds: int = 1


class Port(Wire):
    name: str = ""
    container_port: int = 0


class TemplateContainer(PodContainer):
    ports: list[Port] | None = None
    readiness_probe: ProbeSpec | None = None
    liveness_probe: ProbeSpec | None = None
    startup_probe: ProbeSpec | None = None


class TemplateSpec(Wire):
    containers: list[TemplateContainer] | None = None
    init_containers: list[TemplateContainer] | None = None


class Template(Wire):
    spec: TemplateSpec = field(default_factory=TemplateSpec)


# Events and usage


class ObjectReference(Wire):
    kind: str = ""
    name: str = ""
    uid: str = ""


class EventSource(Wire):
    component: str = ""


class EventSeries(Wire):
    count: int = 0
    last_observed_time: datetime | None = None


class EventObject(Wire):
    metadata: SlimMetadata = field(default_factory=SlimMetadata)
    involved_object: ObjectReference = field(default_factory=ObjectReference)
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
    source: EventSource | None = None
    reporting_component: str | None = None


class UsageContainer(Wire):
    usage: _Quantities = None


class UsageObject(Wire):
    metadata: SlimMetadata = field(default_factory=SlimMetadata)
    timestamp: datetime | None = None
    containers: list[UsageContainer] | None = None


# Lists and watches


class ListMetadata(Wire):
    resource_version: str = ""
    continue_: str = ""
    remaining_item_count: int | None = None


class RawList(Wire):
    metadata: ListMetadata = field(default_factory=ListMetadata)
    items: list[Raw] | None = None


class RawEvent(Wire):
    type: str = ""
    object: Raw = Raw(b"{}")


class Failure(Wire):
    """The Status in a watch's ERROR event."""

    code: int = 0
    reason: str = ""
    message: str = ""
