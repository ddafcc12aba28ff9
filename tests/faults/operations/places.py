"""Where operations are tried: the practice cluster in this process, or a real control plane. Both keep what was written."""

from __future__ import annotations

import asyncio
import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from practice.serve import PracticeCluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kube_api import RefusedByApiError
from tests.cluster.manifests import REGISTRY, Manifest, deployment_manifest

WORKLOAD = "shop-backend"
USERS = ("oncall", "ops")
GOOD, BAD = "backend:v1", "backend:missing"
PATIENCE_S = 60.0
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_RIGHTS: tuple[Manifest, ...] = (
    {"apiGroups": ["", "apps", "events.k8s.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["patch", "update"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update", "patch"]},
    {"apiGroups": [""], "resources": ["configmaps", "events"], "verbs": ["create", "update", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
)


@dataclass(frozen=True, slots=True)
class Write:
    """A request that came in to change something for good. `code` is 0 where the server does not keep it."""

    verb: str
    resource: str
    name: str
    code: int = 0


class Place(ABC):
    name: str

    @abstractmethod
    def kubeconfig(self, user: str) -> Path: ...

    @abstractmethod
    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """As an administrator; None for 404."""

    @abstractmethod
    async def make_namespace(self, name: str) -> None: ...

    @abstractmethod
    async def writes(self, namespace: str) -> list[Write]:
        """Of the operators, oldest first; dry runs left out."""

    async def deployment(self, namespace: str) -> Manifest:
        found: Manifest = await self.ask("GET", _path(namespace))
        return found

    async def image(self, namespace: str) -> str:
        """Repository's last part and tag: GOOD or BAD."""
        return image_of(await self.deployment(namespace))

    async def stage(self, namespace: str, *, bad: str = BAD, replicas: int = 2) -> None:
        """Its good version runs, and a bad one has just been rolled out over it: generation 2."""
        await self.make_namespace(namespace)
        manifest = deployment_manifest(WORKLOAD, GOOD, replicas, namespace)
        for probe in ("readinessProbe", "livenessProbe"):
            # Nothing answers in these pods.
            manifest["spec"]["template"]["spec"]["containers"][0].pop(probe)
        await self.ask("POST", _path(namespace, ""), manifest)
        await self.wait_for(namespace, lambda d: d.get("status", {}).get("availableReplicas") == replicas)
        await self.set_image(namespace, bad)
        await self.wait_for(namespace, lambda d: d["status"].get("updatedReplicas", 0) >= 1)

    async def set_image(self, namespace: str, image: str) -> None:
        container = {"name": "backend", "image": f"{REGISTRY}/{image}"}
        await self.ask("PATCH", _path(namespace), {"spec": {"template": {"spec": {"containers": [container]}}}})

    async def wait_for(self, namespace: str, check: Callable[[Manifest], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not check(await self.deployment(namespace)):  # noqa: ASYNC110  (it is another process that is asked)
                await asyncio.sleep(0.1)

    async def clear(self, namespace: str) -> None:
        await self.ask("DELETE", _path(namespace))

    async def config_map(self, namespace: str, name: str) -> dict[str, str]:
        found = await self.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/{name}")
        return dict(found.get("data") or {}) if found else {}

    async def lease(self, namespace: str) -> Manifest | None:
        found: Manifest | None = await self.ask("GET", lease_path(namespace))
        return found

    async def told_events(self, namespace: str) -> list[Manifest]:
        found = await self.ask("GET", f"/api/v1/namespaces/{namespace}/events")
        return [e for e in found["items"] if (e.get("source") or {}).get("component") == "quarterdeck"]


class Practice(Place):
    name = "practice"

    def __init__(self, cluster: PracticeCluster, folder: Path, client: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self._folder = folder
        self._client = client

    def kubeconfig(self, user: str) -> Path:
        path = self._folder / f"{user}.kubeconfig"
        if not path.exists():
            made = json.loads(self.cluster.kubeconfig_path.read_text())
            made["users"] = [{"name": user, "user": {"token": f"practice-{user}"}}]
            made["contexts"][0]["context"]["user"] = user
            path.touch(mode=0o600)
            path.write_text(json.dumps(made))
        return path

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/strategic-merge-patch+json"} if method == "PATCH" else None
        async with self._client.request(method, self.cluster.url + path, json=body, headers=headers) as answer:
            if answer.status == 404:
                return None
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def make_namespace(self, name: str) -> None:
        self.cluster.world.add_namespace(name)

    async def writes(self, namespace: str) -> list[Write]:
        return [
            Write(_VERBS[a.method], *_named(a.path, namespace))
            for a in self.cluster.asked
            if f"/namespaces/{namespace}/" in a.path and a.method in _VERBS and a.user in USERS and "dryRun" not in a.query
        ]


class Cluster(Place):
    name = "control plane"

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self._kubeconfigs: dict[str, Path] = {}

    def kubeconfig(self, user: str) -> Path:
        if user not in self._kubeconfigs:
            account = f"races-{user}"
            existing = self.control_plane.folder / f"{account}.kubeconfig"
            made = existing if existing.exists() else self.control_plane.kubeconfig_with_rights(account, _RIGHTS)
            self._kubeconfigs[user] = made
        return self._kubeconfigs[user]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await self.in_thread(lambda: self._ask(method, path, body))

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Whatever asks the API server: its client has a connection for each thread, and threads of a loop end with it."""

        def then_close() -> Any:
            try:
                return work()
            finally:
                self.control_plane.api.close()

        return await asyncio.to_thread(then_close)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        api = self.control_plane.api
        try:
            match method:
                case "GET":
                    return api.get(path)
                case "POST":
                    return api.create(path, body)
                case "DELETE":
                    return api.delete(path)
                case _:
                    return api.patch(path, body, content_type="application/strategic-merge-patch+json")
        except RefusedByApiError as error:
            if error.status == 404:
                return None
            raise

    async def make_namespace(self, name: str) -> None:
        await self.in_thread(lambda: self.control_plane.create_namespace(name))

    async def clear(self, namespace: str) -> None:
        await self.in_thread(lambda: self.control_plane.delete_namespace(namespace))

    async def writes(self, namespace: str) -> list[Write]:
        return await asyncio.to_thread(self._writes, namespace)

    def _writes(self, namespace: str) -> list[Write]:
        found: dict[str, Write] = {}
        part = f"/namespaces/{namespace}/"
        with (self.control_plane.folder / "audit.log").open() as log:
            entries = [json.loads(line) for line in log if part in line]
        for entry in entries:
            if entry["verb"] in _VERBS.values() and "dryRun" not in entry["requestURI"] and _is_operator(entry):
                code = int(entry.get("responseStatus", {}).get("code", 0))
                path = entry["requestURI"].partition("?")[0]
                found[entry["auditID"]] = Write(entry["verb"], *_named(path, namespace), code)
        return list(found.values())


def _is_operator(entry: Manifest) -> bool:
    return str(entry["user"].get("username", "")).startswith("system:serviceaccount:default:races-")


def image_of(deployment: Manifest) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition("/")[2]


def lease_path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/quarterdeck-deployment-{WORKLOAD}"


def _path(namespace: str, name: str = WORKLOAD) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}".rstrip("/")


def _named(path: str, namespace: str) -> tuple[str, str]:
    """("deployments", "shop-backend"); the name is "" for a collection."""
    resource, _, name = path.partition(f"/namespaces/{namespace}/")[2].partition("/")
    return resource, name


def effects(writes: Sequence[Write]) -> list[Write]:
    """Those that took effect as far as the server tells, less the lock's and the record's, which are renewed."""
    return [
        w for w in writes if w.code < 300 and w.resource != "leases" and not w.name.startswith("quarterdeck-deployment")
    ]


@asynccontextmanager
async def practice_place(folder: Path) -> AsyncIterator[Practice]:
    headers = {"Authorization": "Bearer practice-ci"}
    no_check = ssl.create_default_context()
    no_check.check_hostname = False
    no_check.verify_mode = ssl.CERT_NONE
    connector = aiohttp.TCPConnector(ssl=no_check)
    async with PracticeCluster("healthy") as cluster, aiohttp.ClientSession(headers=headers, connector=connector) as client:
        yield Practice(cluster, folder, client)
