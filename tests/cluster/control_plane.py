"""A real etcd, API server, controller manager and scheduler on loopback, with kwok playing the nodes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster import flags
from tests.cluster.build import Programs
from tests.cluster.flags import Ports
from tests.cluster.kube_api import SERVER_NAME, KubeApi, RefusedByApiError
from tests.cluster.kubeconfigs import write_kubeconfig
from tests.cluster.manifests import (
    Manifest,
    cluster_role_binding_manifest,
    cluster_role_manifest,
    deployment_manifest,
    node_manifest,
    service_account_binding_manifest,
)
from tests.cluster.processes import Child, free_ports, own_folder, wait_until

_STAGES = Path(__file__).parent / "stages"
_READ = ["get", "list", "watch"]
PODS_ONLY: tuple[Manifest, ...] = ({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": _READ},)
_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [admin], userGroups: [system:masters]}
- {level: None, userGroups: [system:masters, system:nodes]}
- {level: Metadata}
"""


class ControlPlane:
    """Use it as a context manager, on a thread that lives as long as the block.

    `nodes` of kwok are there when it has started; 0 for a control plane whose nodes are real.
    """

    def __init__(
        self, programs: Programs, *, nodes: int = 3, pods_per_node: int = 1000, folder: Path | None = None
    ) -> None:
        self._programs = programs
        self._nodes = nodes
        self._pods_per_node = pods_per_node
        self._own_folder = folder is None
        self.folder = folder or own_folder("quarterdeck-cluster-")
        self._ports = Ports(*free_ports(4))
        self._tokens = {"admin": "admin-token", "oncall": "oncall-token", "pods-only": "pods-only-token"}
        self._children: dict[str, Child] = {}
        self.api = KubeApi(self._ports.api_server, self.certificate, self._tokens["admin"])
        self.extra_api_server_flags: tuple[str, ...] = ()
        self.api_server_runs_under: tuple[str, ...] = ()

    @property
    def certificate(self) -> Path:
        """The certificate authority for kubeconfigs."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def port(self) -> int:
        return self._ports.api_server

    @property
    def etcd_port(self) -> int:
        return self._ports.etcd

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin_kubeconfig(self) -> Path:
        """May do everything."""
        return self.folder / "admin.kubeconfig"

    @property
    def operator_kubeconfig(self) -> Path:
        """User `oncall`, who may read what the cluster role `view` shows."""
        return self.folder / "oncall.kubeconfig"

    @property
    def pods_only_kubeconfig(self) -> Path:
        """A user who may read pods and their logs, and nothing else."""
        return self.folder / "pods-only.kubeconfig"

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        try:
            self._prepare()
            self._start("etcd", *flags.etcd_flags(self.folder, self._ports))
            self.start_api_server()
            self.write_kubeconfig("admin")
            self.start_controllers()
            self._set_up_rights()
            if self._nodes:
                self._start_kwok()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.api.close()
        for child in reversed(self._children.values()):
            child.stop(grace_s=0)
        self._children.clear()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def logs(self) -> str:
        """The last lines of every program, for the report of a failed test."""
        return "\n\n".join(f"{name}:\n{child.last_lines()}" for name, child in self._children.items())

    def resident_mb(self) -> dict[str, float]:
        return {name: child.resident_mb for name, child in self._children.items()}

    # ── what a fault test does to it ────────────────────────────────────────────────────────────────────────

    def freeze_api_server(self) -> None:
        """It keeps its connections and answers nothing."""
        self._children["kube-apiserver"].send(signal.SIGSTOP)

    def thaw_api_server(self) -> None:
        self._children["kube-apiserver"].send(signal.SIGCONT)

    def kill_api_server(self) -> None:
        self._children["kube-apiserver"].stop(grace_s=0)
        self.api.close()

    def start_api_server(self, *extra_flags: str) -> None:
        """Start it, also again after `kill_api_server`, on the same port with the same certificate; returns when ready."""
        self._start(
            "kube-apiserver", *flags.api_server_flags(self.folder, self._ports), *self.extra_api_server_flags, *extra_flags
        )
        self.wait_for("the API server", self._is_ready)

    def start_controllers(self) -> None:
        """The controller manager and the scheduler; both are at work a second or two later."""
        kubeconfig = self.admin_kubeconfig
        self._start("kube-controller-manager", *flags.controller_manager_flags(self.folder, kubeconfig))
        self._start("kube-scheduler", *flags.scheduler_flags(kubeconfig))

    def stop_controllers(self) -> None:
        """What is asked of the cluster stays undone until `start_controllers`."""
        for name in ("kube-controller-manager", "kube-scheduler"):
            self._children[name].stop(grace_s=0)

    # ── what a test asks of it ──────────────────────────────────────────────────────────────────────────────

    def kubectl(self, *arguments: str, kubeconfig: Path | None = None, stdin: str | None = None, check: bool = True) -> str:
        """What the real kubectl prints. AssertionError with its stderr when it fails and `check` is true."""
        answer = subprocess.run(
            [str(self._programs.kubectl), "--kubeconfig", str(kubeconfig or self.admin_kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "HOME": str(self.folder)},
        )
        if check:
            assert answer.returncode == 0, f"kubectl {' '.join(arguments)}: {answer.stderr}"
        return answer.stdout

    def apply(self, *manifests: Manifest) -> None:
        """Server-side apply, as kubectl does it."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(items))

    def create_deployment(self, manifest: Manifest) -> None:
        """Create it without the half second that kubectl takes to start."""
        self.api.create(f"/apis/apps/v1/namespaces/{manifest['metadata']['namespace']}/deployments", manifest)

    def create_namespace(self, name: str) -> None:
        with contextlib.suppress(RefusedByApiError):
            self.api.create("/api/v1/namespaces", {"metadata": {"name": name}})

    def delete_namespace(self, name: str) -> None:
        """Asks for it and does not wait."""
        self.api.delete(f"/api/v1/namespaces/{name}")

    def deployment(self, name: str, namespace: str = "default") -> Manifest:
        answer: Manifest = self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        return answer

    def pods(self, namespace: str = "default", *, app: str = "") -> list[Manifest]:
        selector = f"?labelSelector=app%3D{app}" if app else ""
        items: list[Manifest] = self.api.get(f"/api/v1/namespaces/{namespace}/pods{selector}")["items"]
        return items

    def replica_sets(self, namespace: str = "default", *, app: str = "") -> list[Manifest]:
        selector = f"?labelSelector=app%3D{app}" if app else ""
        items: list[Manifest] = self.api.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets{selector}")["items"]
        return items

    def set_image(self, deployment: str, image: str, namespace: str = "default", *, cause: str = "") -> None:
        """Roll a deployment made by `deployment_manifest` to another image, with its change cause when one is given."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"
        template = deployment_manifest(deployment, image)["spec"]["template"]
        container = template["spec"]["containers"][0]
        change: dict[str, Any] = {
            "spec": {"template": {"spec": {"containers": [{"name": container["name"], "image": container["image"]}]}}}
        }
        if cause:
            change["metadata"] = {"annotations": {"kubernetes.io/change-cause": cause}}
        self.api.patch(path, change, content_type="application/strategic-merge-patch+json")

    def wait_rolled_out(self, deployment: str, namespace: str = "default", *, timeout_s: float = 60) -> None:
        """As `kubectl rollout status` has it: seen, all updated, no old pod left, all available."""

        def is_done() -> bool:
            found = self.deployment(deployment, namespace)
            status, wanted = found["status"], found["spec"]["replicas"]
            counts: list[int] = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
            is_seen: bool = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            return is_seen and counts == [wanted] * 3

        self.wait_for(f"{deployment} to be rolled out", is_done, timeout_s=timeout_s)

    def wait_for(self, what: str, check: Callable[[], object], *, timeout_s: float = 60) -> None:
        """Until the check is true; a TimeoutError quotes the programs' logs."""
        try:
            wait_until(what, check, timeout_s=timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.logs()}") from error

    def wait_for_pods(self, count: int, namespace: str, *, timeout_s: float = 600) -> None:
        """Until the deployments of the namespace have this many ready pods."""

        def ready() -> bool:
            found = self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
            return bool(sum(item["status"].get("readyReplicas", 0) for item in found) >= count)

        wait_until(f"{count} ready pods in {namespace}", ready, timeout_s=timeout_s, every_s=0.5)

    def add_nodes_for(self, pods: int) -> list[str]:
        """As many nodes of kwok as hold that many pods, with room to roll; returns their names."""
        return self.add_nodes(-(-pods // (self._pods_per_node * 8 // 10)) + 1, prefix="fleet-node")

    def add_nodes(self, count: int, *, prefix: str = "node") -> list[str]:
        """Nodes of kwok, as many as are not there yet; returns all their names when they are ready."""
        there = {item["metadata"]["name"] for item in self.api.get("/api/v1/nodes")["items"]}
        names = [f"{prefix}-{index}" for index in range(count)]
        for name in names:
            if name not in there:
                self.api.create("/api/v1/nodes", node_manifest(name, pods=self._pods_per_node))
        self.wait_for("the nodes", self._are_nodes_ready)
        return names

    def kubeconfig_with_rights(self, name: str, rules: Sequence[Manifest], *, namespace: str = "default") -> Path:
        """A kubeconfig for a new service account that may do exactly this, in all namespaces."""
        self.api.create("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": name}})
        self.apply(cluster_role_manifest(name, rules), service_account_binding_manifest(name, name, name, "default"))
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        answer = self.api.create(f"/api/v1/namespaces/default/serviceaccounts/{name}/token", request)
        return self.write_kubeconfig(name, token=answer["status"]["token"], namespace=namespace)

    def write_kubeconfig(
        self, user: str = "admin", *, context: str = "test", namespace: str = "default", token: str = "", name: str = ""
    ) -> Path:
        """A kubeconfig file of ours for one of the users; `name` when several are wanted for one user."""
        return write_kubeconfig(
            self.folder / f"{name or user}.kubeconfig",
            port=self.port,
            certificate=self.certificate,
            token=token or self._tokens[user],
            user=user,
            context=context,
            namespace=namespace,
            server_name=SERVER_NAME,
        )

    def requests_of(self, user: str) -> list[Manifest]:
        """What the API server's audit log says a user (not an admin) has asked: `verb`, `requestURI`, `responseStatus`."""
        lines = (self.folder / "audit.log").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["user"].get("username") == user]

    # ── the programs ────────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        (self.folder / "certificates").mkdir(parents=True, exist_ok=True)
        groups = {"admin": "system:masters"}
        lines = [f'{token},{user},{user},"{groups.get(user, "people")}"' for user, token in self._tokens.items()]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        (self.folder / "audit-policy.yaml").write_text(_AUDIT_POLICY)
        key = ["openssl", "genrsa", "-out", str(self.folder / "sa.key"), "2048"]
        subprocess.run(key, check=True, capture_output=True)

    def _start(self, name: str, *arguments: str) -> None:
        under = self.api_server_runs_under if name == "kube-apiserver" else ()
        command: list[str | Path] = [*under, self._programs.control_plane, name, *arguments]
        self._children[name] = Child(name, command, self.folder / f"{name}.log")

    def _start_kwok(self) -> None:
        stages = self.folder / "stages.yaml"
        stages.write_text("\n---\n".join(path.read_text() for path in sorted(_STAGES.glob("*.yaml"))))
        command: list[str | Path] = [self._programs.kwok, *flags.kwok_flags(self.admin_kubeconfig, stages, self._ports)]
        self._children["kwok"] = Child("kwok", command, self.folder / "kwok.log", env={"HOME": str(self.folder)})
        self.add_nodes(self._nodes)

    def _set_up_rights(self) -> None:
        for user in ("oncall", "pods-only"):
            self.write_kubeconfig(user)
        self.wait_for("the cluster role view", lambda: self._has("/apis/rbac.authorization.k8s.io/v1/clusterroles/view"))
        self.wait_for(
            "the default service account", lambda: self._has("/api/v1/namespaces/default/serviceaccounts/default")
        )
        roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        self.api.create(roles, cluster_role_manifest("pods-only", PODS_ONLY))
        self.api.create(bindings, cluster_role_binding_manifest("oncall", "view", "oncall"))
        self.api.create(bindings, cluster_role_binding_manifest("pods-only", "pods-only", "pods-only"))

    def _is_ready(self) -> bool:
        return self.certificate.exists() and self._has("/readyz")

    def _has(self, path: str) -> bool:
        try:
            self.api.get(path)
        except (OSError, RefusedByApiError):
            return False
        return True

    def _are_nodes_ready(self) -> bool:
        nodes = self.api.get("/api/v1/nodes")["items"]
        return bool(nodes) and all(is_ready(node) for node in nodes)


def is_ready(item: Manifest) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in item["status"].get("conditions", ()))
