"""Thousands of running pods in seconds: one real pod of each deployment, copied straight into the store.

Creating 5,000 pods through the API takes 45 s on two cores (create, bind, status). So the controllers make one pod
for each deployment, then stop; the copies go into etcd, under names, addresses and ages of their own; and the
controllers, started again, find as many pods as they want.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import http.client
import json
import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Manifest, deployment_manifest

_PUTS_AT_ONCE = 100
"""etcd takes at most 128 operations in one transaction."""
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes makes the ends of pod names from."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """`age_s`: how long ago the pods were made; each is up to a tenth older than that."""

    pods: int
    namespace: str = "fleet"
    deployments: int = 10
    name: str = "shop"
    age_s: float = 2 * 3600
    seed: int = 1

    @property
    def shares(self) -> dict[str, int]:
        """Deployment -> pods."""
        share, rest = divmod(self.pods, self.deployments)
        return {f"{self.name}-{index}": share + (index < rest) for index in range(self.deployments)}


def create_fleet(control_plane: ControlPlane, plan: FleetPlan) -> None:
    """Returns when the deployments report every pod as ready."""
    nodes = control_plane.add_nodes_for(plan.pods)
    control_plane.create_namespace(plan.namespace)
    for name in plan.shares:
        control_plane.create_deployment(deployment_manifest(name, "fleet:v1", 1, plan.namespace))
    control_plane.wait_for_pods(plan.deployments, plan.namespace)
    control_plane.stop_controllers()
    with contextlib.closing(_Store(control_plane.etcd_port)) as store:
        store.put_all(_aged_and_multiplied(control_plane, plan, nodes))
    control_plane.start_controllers()
    control_plane.wait_for_pods(plan.pods, plan.namespace)
    control_plane.api.delete(f"/api/v1/namespaces/{plan.namespace}/events")


def _aged_and_multiplied(control_plane: ControlPlane, plan: FleetPlan, nodes: list[str]) -> Iterator[tuple[str, Manifest]]:
    """Store keys and objects: every pod, then the replica sets and deployments that want that many."""
    chance = random.Random(plan.seed)
    made_at = datetime.now(UTC) - timedelta(seconds=plan.age_s * 1.2)
    number = 0
    for name, share in plan.shares.items():
        (original,) = control_plane.pods(plan.namespace, app=name)
        names = _pod_names(original["metadata"]["generateName"], share - 1, chance)
        for pod in (original, *(_copy(original, pod_name, chance) for pod_name in names)):
            born = made_at + timedelta(seconds=plan.age_s * chance.random() / 10)
            _place(pod, number, nodes[number % len(nodes)], born.strftime(_TIME))
            number += 1
            yield f"/registry/pods/{plan.namespace}/{pod['metadata']['name']}", {"apiVersion": "v1", "kind": "Pod", **pod}
        (replica_set,) = control_plane.replica_sets(plan.namespace, app=name)
        annotations = replica_set["metadata"]["annotations"]
        annotations["deployment.kubernetes.io/desired-replicas"] = str(share)
        annotations["deployment.kubernetes.io/max-replicas"] = str(share + math.ceil(share / 4))
        for kind, found in (("ReplicaSet", replica_set), ("Deployment", control_plane.deployment(name, plan.namespace))):
            found["metadata"]["creationTimestamp"] = made_at.strftime(_TIME)
            found["spec"]["replicas"] = share
            yield (
                f"/registry/{kind.lower()}s/{plan.namespace}/{found['metadata']['name']}",
                {
                    "apiVersion": "apps/v1",
                    "kind": kind,
                    **found,
                },
            )


def _pod_names(prefix: str, count: int, chance: random.Random) -> list[str]:
    ends: set[str] = set()
    while len(ends) < count:
        ends.add("".join(chance.choices(_NAME_LETTERS, k=5)))
    return [prefix + end for end in sorted(ends)]


def _copy(original: Manifest, name: str, chance: random.Random) -> Manifest:
    pod = copy.deepcopy(original)
    pod["metadata"]["name"] = name
    pod["metadata"]["uid"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return pod


def _place(pod: Manifest, number: int, node: str, at: str) -> None:
    status = pod["status"]
    pod["metadata"]["creationTimestamp"] = at
    pod["spec"]["nodeName"] = node
    address = f"10.2.{number // 250}.{number % 250 + 1}"
    status.update(podIP=address, podIPs=[{"ip": address}], startTime=at)
    for condition in status["conditions"]:
        condition["lastTransitionTime"] = at
    for container in status["containerStatuses"]:
        container["state"]["running"]["startedAt"] = at


class _Store:
    """etcd's JSON gateway."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        self._connection.close()

    def put_all(self, entries: Iterator[tuple[str, Manifest]]) -> None:
        batch: list[Manifest] = []
        for key, value in entries:
            value["metadata"].pop("resourceVersion", None)
            batch.append({"requestPut": {"key": _encoded(key), "value": _encoded(json.dumps(value))}})
            if len(batch) == _PUTS_AT_ONCE:
                self._commit(batch)
                batch = []
        if batch:
            self._commit(batch)

    def _commit(self, puts: list[Manifest]) -> None:
        self._connection.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        assert answer.status == 200, f"etcd: {text[:300]}"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
