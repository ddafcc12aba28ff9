"""The JSON patches that change a workload: each tests that it is the very object, in the very state, that it was made from.

What an undo patches is kubectl's (`polymorphichelpers/rollback.go`): the pod template of the ReplicaSet less its
pod-template-hash, or of the ControllerRevision less its `$patch`, and the annotations of that revision. Unlike kubectl's,
it is fenced by uid and generation, and leaves alone what only the workload has: a GitOps tool's own marks are among that.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from domain.errors import RefusedError
from domain.operations import NOTHING, Json

OPERATION = "quarterdeck.dev/operation"
BY = "quarterdeck.dev/by"
REASON = "quarterdeck.dev/reason"
DIGEST = "quarterdeck.dev/digest"
LEFT = "quarterdeck.dev/left"
"""The template hash that a rollback went away from, told in the same write: its mark comes only once all is proven."""
CONFIGURATION = "quarterdeck.dev/configuration"
CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
POD_TEMPLATE_HASH = "pod-template-hash"
_OURS = "quarterdeck.dev/"
_STAYS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
        "deprecated.daemonset.template.generation",
    }
)
"""What an undo does not bring back: kubectl's own list, and a DaemonSet's counter."""

Body = Mapping[str, Json]
JsonPatch = list[dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Change:
    """`operations` change the spec, `annotations` are set on the workload beside it, in the same patch."""

    operations: tuple[Mapping[str, Json], ...]
    annotations: Mapping[str, str] = field(default_factory=lambda: NOTHING)


def undo_change(workload: Body, revision: Body, annotations: Mapping[str, str] = NOTHING) -> Change:
    """Back to `revision`, a ReplicaSet or a ControllerRevision. RefusedError where it holds no template."""
    theirs = revision["metadata"].get("annotations") or {}
    back = {k: v for k, v in theirs.items() if k not in _STAYS and not k.startswith(_OURS)}
    template = {"op": "replace", "path": "/spec/template", "value": template_of_revision(revision)}
    return _new_version(workload, [template], {**back, **annotations})


def image_change(workload: Body, images: Mapping[str, str], annotations: Mapping[str, str] = NOTHING) -> Change:
    """Other images for containers of these names, init containers too. RefusedError names those that do not exist."""
    spec = workload["spec"]["template"]["spec"]
    operations: JsonPatch = []
    found = set()
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or ()):
            name = container.get("name")
            if name in images:
                found.add(name)
                path = f"/spec/template/spec/{group}/{index}"
                operations.append({"op": "test", "path": f"{path}/name", "value": name})
                operations.append({"op": "replace", "path": f"{path}/image", "value": images[name]})
    missing = sorted(images.keys() - found)
    if missing:
        there = ", ".join(container_names(workload["spec"]["template"]))
        raise RefusedError(f"There is no container {', '.join(missing)} in it.", f"It has: {there}.")
    return _new_version(workload, operations, annotations)


def restart_change(workload: Body, moment: str) -> Change:
    """kubectl's restart: a new annotation in the template. `moment` is RFC 3339; two in one second are one."""
    metadata = workload["spec"]["template"].get("metadata")
    at = "/spec/template/metadata"
    if metadata is None:
        operation = {"op": "add", "path": at, "value": {"annotations": {RESTARTED_AT: moment}}}
    elif metadata.get("annotations") is None:
        operation = {"op": "add", "path": f"{at}/annotations", "value": {RESTARTED_AT: moment}}
    else:
        operation = {"op": "add", "path": f"{at}/annotations/{_escaped(RESTARTED_AT)}", "value": moment}
    return Change((operation,))


def scale_change(replicas: int) -> Change:
    return Change(({"op": "add", "path": "/spec/replicas", "value": replicas},))


def pause_change(*, is_paused: bool) -> Change:
    """Deployments only: the others have no such field."""
    return Change(({"op": "add", "path": "/spec/paused", "value": is_paused},))


def fenced(workload: Body, change: Change) -> JsonPatch:
    """The whole patch as it is sent: what it was made from is tested first, then changed."""
    return [*_tests(workload), *map(dict, change.operations), *_annotate(workload, change.annotations)]


def template_of_revision(revision: Body) -> dict[str, Json]:
    """The pod template to send; a copy. RefusedError where there is none."""
    if revision.get("kind") == "ControllerRevision":
        data = revision.get("data") or {}
        kept = data.get("spec", {}).get("template") if isinstance(data, Mapping) else None
    else:
        kept = revision.get("spec", {}).get("template")
    if not isinstance(kept, dict):
        name = revision.get("metadata", {}).get("name", "the revision")
        raise RefusedError(f"{name} holds no pod template.", "Choose another revision: `--to`.")
    template = copy.deepcopy(kept)
    template.pop("$patch", None)
    labels = template.get("metadata", {}).get("labels")
    if isinstance(labels, dict):
        labels.pop(POD_TEMPLATE_HASH, None)
    return template


def template_fingerprint(template: Body) -> str:
    """Sixteen hex digits that are the same for templates that mean the same version: without the label that the deployment
    controller adds, and without what a server leaves out or writes as null."""
    told = copy.deepcopy(dict(template))
    told.pop("$patch", None)
    metadata = told.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("creationTimestamp", None)
        labels = metadata.get("labels")
        if isinstance(labels, dict):
            labels.pop(POD_TEMPLATE_HASH, None)
    text = json.dumps(_without_nothing(told), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]


def container_names(template: Body) -> tuple[str, ...]:
    """Main containers first, then init containers."""
    spec = template.get("spec") or {}
    return tuple(str(c.get("name", "")) for f in ("containers", "initContainers") for c in spec.get(f) or ())


def images_of(template: Body) -> dict[str, str]:
    """Container name -> image; main containers first."""
    spec = template.get("spec") or {}
    found = [c for f in ("containers", "initContainers") for c in spec.get(f) or ()]
    return {str(c.get("name", "")): str(c.get("image", "")) for c in found}


def _tests(workload: Body) -> JsonPatch:
    """Generation, not resourceVersion: a status that changes all the time would refuse good plans."""
    metadata = workload["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": metadata.get("generation", 0)},
    ]


def _annotate(workload: Body, values: Mapping[str, str]) -> JsonPatch:
    """Key by key: replacing the whole map would take back what others wrote since, and generation does not guard it."""
    if not values:
        return []
    if workload["metadata"].get("annotations") is None:
        return [{"op": "add", "path": "/metadata/annotations", "value": dict(values)}]
    at = "/metadata/annotations"
    return [{"op": "add", "path": f"{at}/{_escaped(name)}", "value": value} for name, value in values.items()]


def _new_version(workload: Body, operations: JsonPatch, annotations: Mapping[str, str]) -> Change:
    """What an operation before this one said of the version that is being left goes, unless it is said anew."""
    present = workload["metadata"].get("annotations") or {}
    stale = [name for name in (DIGEST, CONFIGURATION, LEFT) if name in present and name not in annotations]
    removed: JsonPatch = [{"op": "remove", "path": f"/metadata/annotations/{_escaped(name)}"} for name in stale]
    return Change((*operations, *removed), dict(annotations))


def _escaped(name: str) -> str:
    """RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def _without_nothing(value: Json) -> Json:
    if isinstance(value, dict):
        inner = {k: _without_nothing(v) for k, v in value.items()}
        return {k: v for k, v in inner.items() if v is not None and v != {} and v != []}
    if isinstance(value, list):
        return [_without_nothing(v) for v in value]
    return value
