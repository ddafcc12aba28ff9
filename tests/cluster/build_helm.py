"""Builds the real Helm that the tests run, once for each version: `python -m tests.cluster.build_helm`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.build import Say, cache_folder, find_go, locked, real_home
from tests.cluster.processes import DIES_WITH_ITS_PARENT

VERSIONS = {3: "3.22.0", 4: "4.3.1"}
"""Helm's two lines: what people have, and what they get."""


def helm(major: int) -> Path:
    """Where it belongs, built or not."""
    return cache_folder() / f"helm-{VERSIONS[major]}" / "helm"


def reason_missing() -> str:
    """Why there is no Helm and none can be built; empty when there is one or Go can build it."""
    if all(helm(major).exists() for major in VERSIONS) or find_go():
        return ""
    return "no Go on PATH to build helm with, and no built one in the cache"


def build(say: Say) -> None:
    """Whoever comes second waits for the first. RuntimeError with the compiler's last lines."""
    for major, version in VERSIONS.items():
        path = helm(major)
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent / ".lock", say):
            if not path.exists():
                say(f"building helm {version} once, about 2 minutes; kept in {path.parent}")
                _install(major, version, path)


def _install(major: int, version: str, path: Path) -> None:
    go = find_go()
    if go is None:
        raise RuntimeError(reason_missing())
    module = f"helm.sh/helm/v{major}"
    # `go install` leaves out the version that a release's own build stamps in.
    command = [
        *DIES_WITH_ITS_PARENT,
        "nice",
        go,
        "install",
        "-trimpath",
        "-ldflags",
        "-s -w",
        f"{module}/cmd/helm@v{version}",
    ]
    new = path.parent / "new"
    done = subprocess.run(
        command,
        env={**os.environ, "HOME": str(real_home()), "GOWORK": "off", "GOBIN": str(new)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"building helm {version} failed:\n{done.stderr[-2000:]}")
    (new / "helm").rename(path)
    new.rmdir()


if __name__ == "__main__":
    missing = reason_missing()
    if missing:
        sys.exit(f"helm: {missing}")
    build(lambda text: print(text, file=sys.stderr, flush=True))
