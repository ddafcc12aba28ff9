"""The real parts that some tests need, why one is missing, and whether that is a skip or a failure.

`QUARTERDECK_REQUIRE` names the parts that must be there: `all`, or a list such as `control-plane,prometheus`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import build, build_helm

CNI_FOLDER = Path("/usr/lib/cni")
BUSYBOX = Path("/bin/busybox")

MARKS = {"cluster": "control-plane", "node": "node", "prometheus": "prometheus"}
"""Mark -> part. Any other part: `@pytest.mark.real("tmux")`."""


def need(part: str) -> None:
    """Go on when the part is there; else skip, or fail when QUARTERDECK_REQUIRE asks for it."""
    reason = reason_missing(part)
    if not reason:
        return
    if is_required(part):
        pytest.fail(f"QUARTERDECK_REQUIRE asks for {part}: {reason}", pytrace=False)
    pytest.skip(f"{part}: {reason}")


def is_required(part: str) -> bool:
    wanted = {word.strip() for word in os.environ.get("QUARTERDECK_REQUIRE", "").split(",")}
    return "all" in wanted or part in wanted


def reason_missing(part: str) -> str:
    """Empty when the part is there. A part without a check of its own is a program on PATH."""
    return _CHECKS.get(part, lambda: _programs_missing(part))()


def _programs_missing(*names: str) -> str:
    missing = [name for name in names if not shutil.which(name)]
    return f"no {', '.join(missing)} on PATH" if missing else ""


def _node_missing() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a real node needs Linux and root"
    reason = build.reason_missing() or _programs_missing("containerd", "ctr", "runc", "unshare", "ip")
    if reason:
        return reason
    for path, package in ((CNI_FOLDER / "bridge", "containernetworking-plugins"), (BUSYBOX, "busybox-static")):
        if not path.exists():
            return f"no {path} (Debian package {package})"
    return ""


_CHECKS: dict[str, Callable[[], str]] = {
    "control-plane": build.reason_missing,
    "node": _node_missing,
    "helm": build_helm.reason_missing,
    "registry": lambda: _programs_missing("docker-registry"),
}
