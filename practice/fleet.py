"""A big fleet that does nothing: thousands of pods which share what they have in common, laid down in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from practice.defaults import with_defaults
from practice.deployments import DESIRED, HASH_LABEL, MOST, REVISION
from practice.images import image_id
from practice.kinds import DEPLOYMENTS, NODES, PODS, REPLICA_SETS
from practice.nodes import node
from practice.objects import Json, owned_by, rfc3339, short_hash

if TYPE_CHECKING:
    from practice.world import World

NAMESPACE = "fleet"
_PER_DEPLOYMENT = 250
_PER_NODE = 100
_IMAGE = "registry.k8s.io/pause:3.10"


def lay_fleet(world: World, count: int) -> None:
    """`count` ready pods in namespace `fleet`, 250 to a deployment, on nodes of their own, half a day to two days old."""
    world.add_namespace(NAMESPACE)
    now = world.clock.now()
    nodes = [f"fleet-{number + 1}" for number in range(-(-count // _PER_NODE))]
    for name in nodes:
        world.store.put_quietly(NODES, _stamped(world, node(name, now - 30 * 86400), now - 30 * 86400))
    for number in range(-(-count // _PER_DEPLOYMENT)):
        size = min(_PER_DEPLOYMENT, count - number * _PER_DEPLOYMENT)
        _lay_deployment(world, f"idle-{number + 1:02d}", size, now - 43200 - number * 3600, nodes)
    world.store.forget_history()


def _stamped(world: World, obj: Json, at: float) -> Json:
    obj["metadata"] |= {"uid": world.names.uid(), "creationTimestamp": rfc3339(at), "resourceVersion": ""}
    return obj


def _lay_deployment(world: World, name: str, size: int, at: float, nodes: list[str]) -> None:
    container = {"name": "idle", "image": _IMAGE, "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}}}
    template: Json = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": size, "selector": {"matchLabels": {"app": name}}, "template": template}
    deployment = with_defaults(DEPLOYMENTS, {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
    deployment["metadata"] |= {"labels": {"app": name}, "annotations": {REVISION: "1"}, "generation": 1}
    deployment = _stamped(world, deployment, at)
    counts = {"replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 1}
    deployment["status"] = {**counts, "updatedReplicas": size, "conditions": _deployment_conditions(name, at)}
    world.store.put_quietly(DEPLOYMENTS, deployment)

    hash_ = short_hash(name, 9)
    labels = {"app": name, HASH_LABEL: hash_}
    meta: Json = {
        "name": f"{name}-{hash_}",
        "namespace": NAMESPACE,
        "labels": labels,
        "ownerReferences": owned_by(deployment),
    }
    meta["annotations"] = {REVISION: "1", DESIRED: str(size), MOST: str(size + -(-size // 4))}
    meta["generation"] = 1
    set_template = {**template, "metadata": {"labels": labels}}
    replica_set: Json = {"metadata": meta, "spec": {**spec, "selector": {"matchLabels": labels}, "template": set_template}}
    replica_set["status"] = {**counts, "fullyLabeledReplicas": size}
    world.store.put_quietly(REPLICA_SETS, _stamped(world, replica_set, at))

    owners = owned_by(replica_set)
    ready, status = _pod_status(at)
    by_node: dict[str, Json] = {}
    for number in range(size):
        place = nodes[(number * 7 + size) % len(nodes)]
        pod_spec = by_node.setdefault(place, {**template["spec"], "nodeName": place})
        address = f"10.{2 + world.store.revision % 200}.{number // 250}.{number % 250 + 1}"
        pod_meta = {
            "name": f"{meta['name']}-{world.names.suffix()}",
            "generateName": f"{meta['name']}-",
            "namespace": NAMESPACE,
            "labels": labels,
            "ownerReferences": owners,
        }
        body = {**status, "podIP": address, "podIPs": [{"ip": address}], "containerStatuses": ready}
        pod = _stamped(world, {"metadata": pod_meta, "spec": pod_spec, "status": body}, at)
        world.store.put_quietly(PODS, pod)
        world.replica_sets.adopt(pod)
        world.scheduler.adopt(pod)


def _pod_status(at: float) -> tuple[list[Json], Json]:
    stamp = rfc3339(at + 3)
    state = {"running": {"startedAt": stamp}}
    ready = [
        {
            "name": "idle",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "image": _IMAGE,
            "imageID": image_id(_IMAGE),
            "containerID": f"containerd://{short_hash(_IMAGE, 12)}",
            "state": state,
            "lastState": {},
        }
    ]
    types = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [{"type": each, "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp} for each in types]
    return ready, {
        "phase": "Running",
        "conditions": conditions,
        "hostIP": "10.0.0.1",
        "hostIPs": [{"ip": "10.0.0.1"}],
        "startTime": rfc3339(at),
        "qosClass": "Burstable",
    }


def _deployment_conditions(name: str, at: float) -> list[Json]:
    stamp = rfc3339(at + 10)
    times = {"lastUpdateTime": stamp, "lastTransitionTime": stamp}
    available = {"reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability."}
    progress = {"reason": "NewReplicaSetAvailable", "message": f'ReplicaSet "{name}" has successfully progressed.'}
    return [
        {"type": "Available", "status": "True", **times, **available},
        {"type": "Progressing", "status": "True", **times, **progress},
    ]
