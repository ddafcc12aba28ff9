"""A chart as small as one can be, and the real helm to install it with."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.build_helm import helm
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import Manifest, deployment_manifest

CANARY = "canary-helm-9f31c7"
"""In a value, a Secret and a variable of the chart: nothing of ours may ever show it."""


class Chart:
    """The chart `shop`: a Deployment of the image in its values, a Secret and a ConfigMap. `major` is which helm."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path, major: int) -> None:
        self.plane = plane
        self.namespace = namespace
        self.program = helm(major)
        self._folder = folder / "chart"
        self._templates = self._folder / "templates"
        self._templates.mkdir(parents=True)
        deployment = deployment_manifest("web", "IMAGE", 2, namespace, environment={"DATABASE_PASSWORD": CANARY})
        # No pod of kwok's can be asked how it is.
        for probe in ("readinessProbe", "livenessProbe"):
            deployment["spec"]["template"]["spec"]["containers"][0].pop(probe)
        text = json.dumps(deployment).replace("IMAGE", "{{ .Values.image }}")
        secret: Manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "web"},
            "stringData": {"a": "SECRET"},
        }
        self._templates.joinpath("web.yaml").write_text(text)
        self._templates.joinpath("secret.yaml").write_text(json.dumps(secret).replace("SECRET", "{{ .Values.password }}"))
        self._templates.joinpath("config.yaml").write_text(
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {tag: "{{ .Values.image }}"}\n'
        )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KUBECONFIG": str(self.plane.admin_kubeconfig),
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
        }

    def deploy(self, image: str, *, version: str = "1.0.0", wait: bool = True, password: str = CANARY) -> None:
        """`helm upgrade --install`; AssertionError with its stderr."""
        done = self.start(image, version=version, wait=wait, password=password)
        _, errors = done.communicate(timeout=120)
        assert done.returncode == 0, errors

    def start(
        self, image: str, *, version: str = "1.0.0", wait: bool = True, password: str = CANARY, timeout: str = "60s"
    ) -> subprocess.Popen[str]:
        self._folder.joinpath("Chart.yaml").write_text(
            f"apiVersion: v2\nname: shop\nversion: {version}\nappVersion: {image.rpartition(':')[2]}\n"
        )
        values = ["--set", f"image={image},password={password}"]
        command = [self.program, "upgrade", "--install", "shop", self._folder, "-n", self.namespace, *values]
        return subprocess.Popen(
            [*map(str, command), "--timeout", timeout, *(["--wait"] if wait else [])],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def history(self) -> Mapping[int, tuple[str, str]]:
        """Revision -> (status, description), as helm itself tells."""
        command = [str(self.program), "history", "shop", "-n", self.namespace, "-o", "json"]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=True)
        return {int(line["revision"]): (line["status"], line["description"]) for line in json.loads(done.stdout)}

    def image(self) -> str:
        found: str = self.plane.deployment("web", self.namespace)["spec"]["template"]["spec"]["containers"][0]["image"]
        return found.rpartition(":")[2]
