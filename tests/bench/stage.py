"""What the programs watch: a real control plane, a fleet of pods over an hour old, Prometheus and health endpoints."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from tests.clients.http_stage import answer, staged
from tests.clients.prometheus_server import Exposed, real_prometheus
from tests.cluster import build
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fleet import FleetPlan, create_fleet
from tests.cluster.manifests import Manifest

SMALL = "shop-alpha"
SMALL_PODS = 24
FLEET = "fleet"
_READ = ["get", "list", "watch"]
_RIGHTS: tuple[Manifest, ...] = (
    {
        "apiGroups": [""],
        "resources": ["pods", "pods/log", "pods/proxy", "services", "services/proxy", "events", "namespaces", "nodes"],
        "verbs": _READ,
    },
    {"apiGroups": ["apps", "metrics.k8s.io", "batch"], "resources": ["*"], "verbs": _READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": _READ},
)
_USER = "bench"
_QUIET_S = 8.0
HEALTHY = '{"status": "healthy", "checks": {"database": "ok", "redis": "ok", "storage": "ok"}}'
_QUERIES = {
    "errors": ("share", 0.002),
    "p95": ("seconds", 0.184),
    "requests": ("per second", 412.0),
    "restarts": ("count", 0.0),
}


Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PodRef:
    namespace: str
    name: str

    @property
    def end(self) -> str:
        """What every program shows of it, however narrow the column: the five letters of its own."""
        return self.name[-5:]

    @property
    def status_path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}/status"


@dataclass
class Stage:
    control_plane: ControlPlane
    kubeconfig: Path
    config: Path
    path: str
    namespaces: list[str] = field(default_factory=lambda: [SMALL, FLEET])
    pods: dict[str, PodRef] = field(default_factory=dict)
    """By their last five letters; the few that share them are left out."""

    @property
    def user(self) -> str:
        return f"system:serviceaccount:default:{_USER}"

    def learn_pods(self) -> None:
        found = [PodRef(ns, p["metadata"]["name"]) for ns in self.namespaces for p in self.control_plane.pods(ns)]
        ends: dict[str, list[PodRef]] = {}
        for pod in found:
            ends.setdefault(pod.end, []).append(pod)
        self.pods = {end: pods[0] for end, pods in ends.items() if len(pods) == 1}

    def set_restarts(self, pod: PodRef, count: int) -> float:
        """The moment (`time.perf_counter()`) just before it was asked for."""
        patch = [{"op": "replace", "path": "/status/containerStatuses/0/restartCount", "value": count}]
        at = time.perf_counter()
        body = cast(dict[str, Any], patch)
        self.control_plane.api.request("PATCH", pod.status_path, body, content_type="application/json-patch+json")
        return at

    def wake(self) -> None:
        """The API server closes a connection that has been idle for long; a new one must not count as latency."""
        for _ in range(2):
            with contextlib.suppress(OSError):
                self.control_plane.api.get("/livez")
                return

    def restarts(self) -> dict[str, int]:
        """By the pods' last five letters, as the API has them now."""
        found: dict[str, int] = {}
        for namespace in self.namespaces:
            for pod in self.control_plane.pods(namespace):
                end = pod["metadata"]["name"][-5:]
                if end in self.pods:
                    found[end] = pod["status"]["containerStatuses"][0]["restartCount"]
        return found

    def mean_pod_bytes(self) -> float:
        """As JSON."""
        pods = self.control_plane.pods(SMALL)
        return sum(len(json.dumps(pod)) for pod in pods) / len(pods)

    def requests_since(self, moment: float) -> list[Manifest]:
        """What the programs have asked the API server since `moment` (seconds since the epoch), each request once."""
        began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
        entries = [e for e in self.control_plane.requests_of(self.user) if e["requestReceivedTimestamp"] >= began]
        return list({e["auditID"]: e for e in entries}.values())

    def add_fleet(self, pods: int, namespace: str) -> None:
        create_fleet(self.control_plane, FleetPlan(pods, namespace, seed=3))
        _grow_old(self.control_plane, (namespace,))
        self.namespaces.append(namespace)
        self.learn_pods()


@contextmanager
def set_up(pods: int, folder: Path, say: Say) -> Iterator[Stage]:
    """With `pods` pods in all, the small namespace's among them."""
    say("starting the control plane")
    with contextlib.ExitStack() as stack:
        programs = build.build(say)
        control_plane = stack.enter_context(ControlPlane(programs))
        say(f"making {pods:,} pods")
        create_fleet(control_plane, FleetPlan(SMALL_PODS, SMALL, deployments=4, seed=2))
        create_fleet(control_plane, FleetPlan(pods - SMALL_PODS, FLEET))
        _grow_old(control_plane, (SMALL, FLEET))
        kubeconfig = control_plane.kubeconfig_with_rights(_USER, _RIGHTS, namespace=SMALL)
        config = folder / "quarterdeck.toml"
        config.write_text(_config(*stack.enter_context(_application(folder))))
        config.chmod(0o600)
        path = f"{programs.folder}:{os.environ['PATH']}"
        stage = Stage(control_plane, kubeconfig, config, path)
        stage.learn_pods()
        yield stage


def _grow_old(control_plane: ControlPlane, namespaces: Sequence[str]) -> None:
    """Nothing has happened for hours: the deployments' last progress is as old as they are, and no event is left."""
    for namespace in namespaces:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        for found in control_plane.api.get(path)["items"]:
            at = found["metadata"]["creationTimestamp"]
            times = {"lastUpdateTime": at, "lastTransitionTime": at}
            conditions = [condition | times for condition in found["status"]["conditions"]]
            body = {"status": {"conditions": conditions}}
            control_plane.api.patch(f"{path}/{found['metadata']['name']}/status", body)
    # The controllers greet every node some seconds after their start.
    control_plane.wait_for("the last event", lambda: _last_event_age_s(control_plane) > _QUIET_S)
    for namespace in ("default", *namespaces):
        control_plane.api.delete(f"/api/v1/namespaces/{namespace}/events")


def _last_event_age_s(control_plane: ControlPlane) -> float:
    events = control_plane.api.get("/api/v1/events")["items"]
    last = max((event["metadata"]["creationTimestamp"] for event in events), default="")
    return time.time() - datetime.fromisoformat(last).timestamp() if last else 0.0


@contextmanager
def _application(folder: Path) -> Iterator[tuple[str, str]]:
    """(Prometheus' URL or "", the health endpoints' URL): values that stay as they are, so that idle is idle."""
    with contextlib.ExitStack() as stack:
        health = stack.enter_context(staged())
        for path in ("/health/live", "/health/ready"):
            health.plays[path] = answer(200, HEALTHY)
        exposed = Exposed()
        exposed.values = {f"bench_{name}": value for name, (_, value) in _QUERIES.items()}
        (folder / "prometheus").mkdir()
        url = ""
        with contextlib.suppress(AssertionError):  # not installed: the pane says that there is none
            url = stack.enter_context(real_prometheus(folder / "prometheus", exposed))
        yield url, health.url


def _config(prometheus: str, health: str) -> str:
    lines = [f'[prometheus]\nurl = "{prometheus}"'] if prometheus else []
    for name, (unit, _) in _QUERIES.items():
        lines.append(f'[[metrics]]\nname = "{name}"\nquery = "max(bench_{name})"\nunit = "{unit}"')
    urls = json.dumps([f"{health}/health/live", f"{health}/health/ready"])
    lines.append(f'[environments.bench]\nproduction = false\nbackend = "shop-0"\nurl = "{health}"\nhealth = {urls}')
    return "\n\n".join(lines) + "\n"
