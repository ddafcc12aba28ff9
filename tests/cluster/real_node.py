"""A control plane of its own with one real node: a real kubelet, containerd, runc, and pods that are processes.

Everything of the node lives in a process namespace and a mount namespace of its own: when the tests die, the kernel kills
it with every pod in it, and its mounts go too. Needs root.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster.build import Programs
from tests.cluster.control_plane import ControlPlane, is_ready
from tests.cluster.image import REPOSITORY, SANDBOX_IMAGE, write_archive
from tests.cluster.manifests import Manifest, deployment_manifest
from tests.cluster.processes import Child, free_ports
from tests.requirements import BUSYBOX, CNI_FOLDER

NODE = "real-1"

_RUN = """\
set -e
unset XDG_RUNTIME_DIR
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
containerd --config {folder}/containerd.toml >{folder}/containerd.log 2>&1 &
until ctr --address /run/containerd.sock version >/dev/null 2>&1; do sleep 0.1; done
ctr --address /run/containerd.sock -n k8s.io images import --snapshotter native {folder}/images.tar \
    >{folder}/import.log 2>&1
{control_plane} kubelet --config={folder}/kubelet.json --kubeconfig={kubeconfig} --hostname-override={node} \
    --root-dir={folder}/kubelet --cert-dir={folder}/kubelet-certificates &
wait $!
"""

_CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"

[grpc]
address = "/run/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{sandbox}"
restrict_oom_score_adj = true
disable_apparmor = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni}"
conf_dir = "{folder}/cni"
"""


def demo_deployment(
    name: str,
    replicas: int = 1,
    namespace: str = "default",
    *,
    version: str = "v1",
    environment: Mapping[str, str] | None = None,
) -> Manifest:
    """The demo application of `demo_image/`. Environment: CRASH=N ends with N, START_DELAY_S=N is ready so much later."""
    manifest = deployment_manifest(name, f"{REPOSITORY}:{version}", replicas, namespace, environment=environment, grace_s=2)
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    container["imagePullPolicy"] = "Never"
    container["readinessProbe"]["periodSeconds"] = 1
    return manifest


class RealNode:
    """Use it as a context manager. `control_plane` is its own; no kwok is in it."""

    def __init__(self, programs: Programs) -> None:
        self.control_plane = ControlPlane(programs, nodes=0)
        self._programs = programs
        self._child: Child | None = None
        (self._kubelet_port,) = free_ports(1)
        number = random.randrange(1, 255)
        self._bridge, self._subnet = f"qd-pods{number}", f"10.77.{number}.0/24"

    @property
    def folder(self) -> Path:
        return self.control_plane.folder / "node"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_files()
        self.control_plane.api_server_runs_under = self._with_own_hosts()
        self.control_plane.extra_api_server_flags = (
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=Hostname",
        )
        self.control_plane.start()
        try:
            command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", str(self.folder / "run.sh")]
            self._child = Child("node", command, self.folder / "kubelet.log")
            self.control_plane.wait_for("the real node", self._is_node_ready)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        containers = self._container_ids()
        if self._child is not None:
            self._child.stop(grace_s=0)
            self._child = None
        subprocess.run(["ip", "link", "delete", self._bridge], capture_output=True, check=False)
        _remove_control_groups(containers)
        self.control_plane.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def logs(self) -> str:
        names = ("kubelet.log", "containerd.log", "import.log")
        texts = [(self.folder / name).read_text(errors="replace") for name in names if (self.folder / name).exists()]
        return "\n".join(text[-3000:] for text in texts)

    def _container_ids(self) -> list[str]:
        tasks = self.folder / "containerd-state" / "io.containerd.runtime.v2.task" / "k8s.io"
        return [path.name for path in tasks.iterdir()] if tasks.exists() else []

    def _write_files(self) -> None:
        folder = self.folder
        write_archive(folder / "images.tar", BUSYBOX)
        (folder / "containerd.toml").write_text(_CONTAINERD.format(folder=folder, sandbox=SANDBOX_IMAGE, cni=CNI_FOLDER))
        (folder / "kubelet.json").write_text(json.dumps(self._kubelet_configuration()))
        (folder / "hosts").write_text(f"127.0.0.1 localhost {NODE}\n")
        (folder / "cni").mkdir(exist_ok=True)
        (folder / "cni" / "10-pods.conflist").write_text(json.dumps(self._network()))
        values = {"folder": folder, "control_plane": self._programs.control_plane, "node": NODE}
        (folder / "run.sh").write_text(_RUN.format(kubeconfig=self.control_plane.admin_kubeconfig, **values))

    def _with_own_hosts(self) -> tuple[str, ...]:
        """The API server goes to a kubelet by its node's name, and refuses a node address on loopback."""
        script = f'mount --bind {self.folder}/hosts /etc/hosts && exec "$@"'
        return ("unshare", "--mount", "sh", "-c", script, "sh")

    def _kubelet_configuration(self) -> Manifest:
        disks = ("nodefs.available", "nodefs.inodesFree", "imagefs.available")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "127.0.0.1",
            "port": self._kubelet_port,
            "readOnlyPort": 0,
            "healthzPort": 0,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": "unix:///run/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "evictionHard": dict.fromkeys(("memory.available", *disks), "0%"),
            "imageGCHighThresholdPercent": 100,
            "makeIPTablesUtilChains": False,
            "resolvConf": "",
            "clusterDNS": ["10.0.0.10"],
            "podLogsDir": f"{self.folder}/pod-logs",
            "volumePluginDir": f"{self.folder}/volume-plugins",
        }

    def _network(self) -> Manifest:
        ipam = {"type": "host-local", "dataDir": str(self.folder / "addresses"), "ranges": [[{"subnet": self._subnet}]]}
        bridge = {"type": "bridge", "bridge": self._bridge, "isGateway": True, "ipam": ipam}
        return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}

    def _is_node_ready(self) -> bool:
        if self._child is None or not self._child.is_running:
            raise RuntimeError(f"the node ended:\n{self.logs()}")
        return any(is_ready(node) for node in self.control_plane.api.get("/api/v1/nodes")["items"])


def _remove_control_groups(containers: Iterable[str]) -> None:
    """The kernel leaves the control groups of killed containers behind, empty."""
    for parent in Path("/sys/fs/cgroup").glob("**/k8s.io"):
        for container in containers:
            with contextlib.suppress(OSError):
                (parent / container).rmdir()
