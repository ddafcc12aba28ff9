"""The servers that must give the same answers."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.build import programs
from tests.cluster.control_plane import ControlPlane
from tests.practice.calls import Answer, Caller
from tests.practice.child import practice_child


@dataclass(frozen=True, slots=True)
class Server:
    """`api` may do everything; `user` is its name. `shut_out` is a token whose owner may not touch deployments."""

    name: str
    api: Caller
    user: str
    shut_out: Caller
    shut_out_user: str
    kubeconfig: Path
    program: str

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True, seconds: float = 60) -> str:
        """What kubectl prints on both of its outputs."""
        run = self._run(arguments, stdin, seconds)
        assert not check or run.returncode == 0, f"kubectl {' '.join(arguments)}: {run.stdout}{run.stderr}"
        return run.stdout + run.stderr

    def kubectl_fails(self, *arguments: str) -> str:
        run = self._run(arguments, "", 60)
        assert run.returncode != 0, run.stdout
        return run.stderr

    def _run(self, arguments: tuple[str, ...], stdin: str, seconds: float) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(
            [self.program, *arguments],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def must(self, answer: Answer, status: int = 200) -> Answer:
        assert answer.status == status, answer.text
        return answer


def kubectl_program() -> str:
    """The real kubectl; "" where there is none."""
    built = programs().kubectl
    return str(built) if built.exists() else shutil.which("kubectl") or ""


@contextmanager
def practice_server(folder: Path) -> Iterator[Server]:
    scenario = Path(__file__).with_name("quick.toml")
    with practice_child(folder, str(scenario), speed=8) as child:
        yield Server(
            "practice",
            child.api,
            "oncall",
            child.api.with_token("practice-ci"),
            "ci",
            child.kubeconfig,
            kubectl_program(),
        )


def control_plane_server(cluster: ControlPlane) -> Server:
    context = ssl.create_default_context(cafile=str(cluster.certificate))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    api = Caller(cluster.port, "admin-token", context)
    kubeconfig, kubectl = cluster.admin_kubeconfig, kubectl_program()
    return Server("control-plane", api, "admin", api.with_token("pods-only-token"), "pods-only", kubeconfig, kubectl)
