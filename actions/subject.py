"""The workload that an action is about, read anew: a plan is made from what the API server has, not from what was shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from actions.ports import Ports
from domain.case import bare_hash
from domain.configuration import epoch_of, read_recorded
from domain.errors import NotFoundError, OutsideError, RefusedError
from domain.fleet import Fleet, RevisionRecord
from domain.last_good import Version, stood_s
from domain.marks import MARKS_NAME, Mark, mark_of_version, parse_marks
from domain.operation_ports import ClusterObject
from domain.operations import Json
from domain.pods import Pod
from domain.rollouts import Rollout
from domain.sanitise import sanitise
from domain.template_patch import CONFIGURATION, DIGEST, LEFT, template_fingerprint, template_of_revision
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, image_name
from domain.workloads import WorkloadKey, WorkloadKind

REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Subject:
    key: WorkloadKey
    workload: ClusterObject
    rollout: Rollout | None
    """As it was shown; None where the fleet does not know it (yet)."""
    bodies: Mapping[str, ClusterObject]
    """ReplicaSets or ControllerRevisions by uid."""
    versions: tuple[Version, ...]
    """Newest first."""
    marks: tuple[Mark, ...]
    marks_unknown: str = ""
    """Why the marks could not be read; "" where they were."""

    @property
    def current(self) -> Version | None:
        """None while its controller has not made the newest template's revision."""
        return next((v for v in self.versions if v.is_current), None)

    @property
    def template(self) -> dict[str, Json]:
        found: dict[str, Json] = self.workload.body["spec"]["template"]
        return found

    @property
    def desired(self) -> int:
        if self.key.kind is WorkloadKind.DAEMON_SET:
            return int((self.workload.body.get("status") or {}).get("desiredNumberScheduled") or 0)
        replicas = self.workload.body["spec"].get("replicas")
        return 1 if replicas is None else int(replicas)

    @property
    def is_paused(self) -> bool:
        return bool(self.workload.body["spec"].get("paused"))

    @property
    def strategy(self) -> str:
        spec = self.workload.body["spec"]
        return str(((spec.get("strategy") or spec.get("updateStrategy") or {}).get("type")) or "RollingUpdate")

    def template_of(self, version: Version) -> dict[str, Json]:
        """RefusedError where the revision holds none."""
        return template_of_revision(self.bodies[version.uid].body)


async def read_subject(ports: Ports, fleet: Fleet, key: WorkloadKey) -> Subject:
    """RefusedError where the workload does not exist; OutsideError where it cannot be read."""
    marks_read = asyncio.ensure_future(_read_marks(ports, key.namespace))
    try:
        workload = await ports.cluster.read(key.kind.value, key.namespace, key.name)
        kind = "ReplicaSet" if key.kind is WorkloadKind.DEPLOYMENT else "ControllerRevision"
        listed = await ports.cluster.list(
            kind, key.namespace, label_selector=_selector(workload.body["spec"].get("selector"))
        )
        marks, marks_unknown = await marks_read
    except NotFoundError as error:
        raise RefusedError(
            f"There is no {key} in {key.namespace}.", "Look at what there is: `quarterdeck status`."
        ) from error
    finally:
        marks_read.cancel()
    bodies = {body.uid: body for body in listed if _is_of(body, workload)}
    versions = _versions(fleet, key, workload, bodies, marks)
    return Subject(key, workload, fleet.rollouts.get(key), bodies, versions, marks, marks_unknown)


async def _read_marks(ports: Ports, namespace: str) -> tuple[tuple[Mark, ...], str]:
    try:
        found = await ports.cluster.read("ConfigMap", namespace, MARKS_NAME)
    except NotFoundError:
        return (), ""
    except OutsideError as error:
        return (), error.message
    return parse_marks(found.body.get("data") or {}, namespace), ""


def _selector(selector: Json) -> str:
    """A label selector as the list API takes it."""
    selector = selector or {}
    parts = [f"{k}={v}" for k, v in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or ():
        name, values = rule["key"], ",".join(rule.get("values") or ())
        word = {
            "In": f"{name} in ({values})",
            "NotIn": f"{name} notin ({values})",
            "Exists": name,
            "DoesNotExist": f"!{name}",
        }
        parts.append(word.get(rule.get("operator"), name))
    return ",".join(parts)


def _is_of(body: ClusterObject, workload: ClusterObject) -> bool:
    owners = body.body["metadata"].get("ownerReferences") or ()
    return any(o.get("controller") and o.get("uid") == workload.uid for o in owners)


def _versions(
    fleet: Fleet, key: WorkloadKey, workload: ClusterObject, bodies: Mapping[str, ClusterObject], marks: tuple[Mark, ...]
) -> tuple[Version, ...]:
    ordered = sorted(bodies.values(), key=lambda b: (_number(b), _created(b), b.uid), reverse=True)
    ordered = [b for b in ordered if _number(b) or (b.body.get("status") or {}).get("replicas")]
    prints = {b.uid: _fingerprint(b) for b in ordered}
    current = _current(workload, ordered, prints)
    occurrences = tuple(fleet.occurrences_by_about.get(workload.uid, {}).values())
    occurrences = occurrences or tuple(o for o in fleet.occurrences.values() if o.about_uid == workload.uid)
    found = []
    for index, body in enumerate(ordered):
        name = sanitise(str(body.body["metadata"]["name"]), 253)
        hash_ = name.removeprefix(f"{key.name}-")
        pods = _pods_of(fleet, key, workload, body, hash_)
        record = fleet.records.get((key, hash_)) or RevisionRecord()
        images = _images(body)
        digest = _digest(body, images, pods, prints[body.uid])
        later = [_created(b) for b in ordered[:index]]
        found.append(
            Version(
                template_hash=hash_,
                number=_number(body),
                name=name,
                uid=body.uid,
                created_at=_created(body),
                images=images,
                digest=digest,
                ready=_ready(body, pods),
                good_for_s=record.good_for_s,
                failed_at=record.failed_at,
                mark=mark_of_version(marks, key, hash_, digest),
                stood_s=stood_s(name, _created(body), later, occurrences),
                is_current=body is current,
                is_rolled_back=current is not None and _created(body) > _created(current),
                is_left=bool(hash_) and workload.annotations.get(LEFT) == hash_,
            )
        )
    return tuple(found)


def _current(workload: ClusterObject, ordered: list[ClusterObject], prints: Mapping[str, str]) -> ClusterObject | None:
    """The one whose template the workload has. Where a newer server writes templates in another way, the one that the
    controller says, if it has seen the newest spec."""
    wanted = template_fingerprint(workload.body["spec"]["template"])
    same = next((b for b in ordered if prints[b.uid] == wanted), None)
    if same is not None:
        return same
    status = workload.body.get("status") or {}
    if int(status.get("observedGeneration") or 0) < workload.generation:
        return None
    if workload.body.get("kind") == "StatefulSet":
        return next((b for b in ordered if b.body["metadata"]["name"] == status.get("updateRevision")), None)
    if workload.body.get("kind") == "Deployment":
        number = _int(workload.annotations.get(REVISION, ""))
        is_paused = bool(workload.body["spec"].get("paused"))
        return None if is_paused else next((b for b in ordered if number and _number(b) == number), None)
    return ordered[0] if ordered else None


def _pods_of(fleet: Fleet, key: WorkloadKey, workload: ClusterObject, body: ClusterObject, hash_: str) -> tuple[Pod, ...]:
    if key.kind is WorkloadKind.DEPLOYMENT:
        return tuple(fleet.pods_by_owner.get(body.uid, {}).values())
    pods = fleet.pods_by_owner.get(workload.uid, {}).values()
    return tuple(p for p in pods if bare_hash(p.template_hash, key.name) == hash_)


def _ready(body: ClusterObject, pods: tuple[Pod, ...]) -> int:
    if body.body.get("kind") == "ReplicaSet":
        return int((body.body.get("status") or {}).get("readyReplicas") or 0)
    return len([1 for p in pods if p.ready and p.deleted_at is None])


def _digest(body: ClusterObject, images: tuple[str, ...], pods: tuple[Pod, ...], fingerprint: str) -> str:
    if images and (digest := image_name(images[0]).digest):
        return digest
    # An annotation may have been taken along by a version that somebody else deployed: the record beside it tells.
    if body.annotations.get(DIGEST) and read_recorded(body.annotations.get(CONFIGURATION, ""), fingerprint) is not None:
        return sanitise(body.annotations[DIGEST], 200)
    main = next((c.name for c in pod_template(_template(body)).containers if c.role is ContainerRole.MAIN), "")
    for pod in pods:
        for container in pod.containers:
            found = container.image_id.rpartition("@")[2]
            if container.name == main and found.startswith("sha256:"):
                return found
    return ""


def pod_template(template: Mapping[str, Json]) -> PodTemplate:
    """What comparing and showing need of a template: container names and images, and its text."""
    spec = template.get("spec") or {}
    containers = [
        ContainerSpec(sanitise(str(c.get("name", "")), 253), _role(group, c), sanitise(str(c.get("image", "")), 1024))
        for group in ("initContainers", "containers")
        for c in spec.get(group) or ()
    ]
    return PodTemplate(tuple(containers), json.dumps(template))


def _role(group: str, container: Mapping[str, Json]) -> ContainerRole:
    if group == "containers":
        return ContainerRole.MAIN
    return ContainerRole.SIDECAR if container.get("restartPolicy") == "Always" else ContainerRole.INIT


def _template(body: ClusterObject) -> dict[str, Json]:
    try:
        return template_of_revision(body.body)
    except RefusedError:
        return {}


def _fingerprint(body: ClusterObject) -> str:
    template = _template(body)
    return template_fingerprint(template) if template else ""


def _images(body: ClusterObject) -> tuple[str, ...]:
    return pod_template(_template(body)).main_images


def _number(body: ClusterObject) -> int:
    if body.body.get("kind") == "ControllerRevision":
        return int(body.body.get("revision") or 0)
    return _int(body.annotations.get(REVISION, ""))


def _int(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _created(body: ClusterObject) -> float:
    return epoch_of(str(body.body["metadata"].get("creationTimestamp") or "")) or 0.0
