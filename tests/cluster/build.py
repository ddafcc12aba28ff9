"""Builds the real Kubernetes that the tests run against, once for each version: `python -m tests.cluster.build`.

Needs Go only when the cache holds nothing yet. Standard library only, so that it can run before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.processes import DIES_WITH_ITS_PARENT

KUBERNETES = "1.34.4"
KWOK = "0.8.0"
_SOURCE = Path(__file__).parent / "controlplane"
_REPORT_EVERY_S = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the built programs are. `control_plane` takes the program's name as its first argument."""

    folder: Path

    @property
    def control_plane(self) -> Path:
        return self.folder / "controlplane"

    @property
    def kwok(self) -> Path:
        return self.folder / "kwok"

    @property
    def kubectl(self) -> Path:
        return self.folder / "kubectl"

    @property
    def are_built(self) -> bool:
        return all(path.exists() for path in (self.control_plane, self.kwok, self.kubectl))


def real_home() -> Path:
    """The home folder from before the tests shut it out (tests/conftest.py)."""
    return Path(os.environ.get("QUARTERDECK_TEST_REAL_HOME") or Path.home())


def cache_folder() -> Path:
    configured = os.environ.get("QUARTERDECK_TEST_CACHE")
    return Path(configured) if configured else real_home() / ".cache" / "quarterdeck-tests"


def programs() -> Programs:
    """Where the programs of exactly these sources belong, built or not."""
    content = b"".join((_SOURCE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    digest = hashlib.sha256(content).hexdigest()[:10]
    return Programs(cache_folder() / f"kubernetes-{KUBERNETES}-kwok-{KWOK}-{digest}")


def find_go() -> str | None:
    return shutil.which("go")


def reason_missing() -> str:
    """Why there is no control plane and none can be built; empty when there is one or Go can build it."""
    if programs().are_built or find_go():
        return ""
    return "no Go on PATH to build the control plane with, and no built one in the cache"


def build(say: Say) -> Programs:
    """The programs, built now unless they are there. Whoever comes second waits for the first.

    Raises RuntimeError with the compiler's last lines when a build fails.
    """
    built = programs()
    if built.are_built:
        return built
    built.folder.mkdir(parents=True, exist_ok=True)
    with locked(built.folder / ".lock", say):
        if not built.are_built:
            _build_all(built, say)
    return built


@contextlib.contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for the control plane that another process is building")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_all(built: Programs, say: Say) -> None:
    minor = KUBERNETES.split(".")[1]
    values = {"gitVersion": f"v{KUBERNETES}", "gitMajor": "1", "gitMinor": minor}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]
    flags = " ".join(["-s", "-w", *stamps])
    go = find_go()
    if go is None:
        raise RuntimeError(reason_missing())
    say(f"building Kubernetes {KUBERNETES} and kwok {KWOK} once, 5 to 10 minutes on 2 cores; kept in {built.folder}")
    compile_ours = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o"]
    _run("control plane", [*compile_ours, f"{built.control_plane}.new", "."], say)
    _run("kubectl", [*compile_ours, f"{built.kubectl}.new", "k8s.io/kubernetes/cmd/kubectl"], say)
    install = [go, "install", "-v", "-trimpath", "-ldflags", "-s -w", f"sigs.k8s.io/kwok/cmd/kwok@v{KWOK}"]
    _run("kwok", install, say, GOBIN=str(built.folder / "new"))
    (built.folder / "new" / "kwok").rename(built.kwok)
    (built.folder / "new").rmdir()
    for path in (built.control_plane, built.kubectl):
        path.with_name(f"{path.name}.new").rename(path)


def _run(what: str, command: list[str], say: Say, **more_environment: str) -> None:
    environment = {**os.environ, "HOME": str(real_home()), "GOWORK": "off", **more_environment}
    command = [*DIES_WITH_ITS_PARENT, *command]
    started = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=_SOURCE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        reader.start()
        while not _has_ended(process):
            say(f"{what}: {len(lines)} packages after {time.monotonic() - started:.0f} s")
        reader.join()
    if process.returncode:
        raise RuntimeError(f"building the {what} failed:\n{''.join(lines[-15:])}")
    say(f"{what}: built in {time.monotonic() - started:.0f} s")


def _has_ended(process: subprocess.Popen[str]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REPORT_EVERY_S)
        return True
    return False


if __name__ == "__main__":
    missing = reason_missing()
    if missing:
        sys.exit(f"control plane: {missing}")
    print(build(lambda text: print(text, file=sys.stderr, flush=True)).folder)
