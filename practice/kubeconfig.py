"""The kubeconfig that leads to the practice cluster, for us and for kubectl alike."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from practice.objects import Json
from practice.shop import NAMESPACE

CONTEXT = "practice"


def write_kubeconfig(path: Path, url: str, certificate: str, *, user: str = "oncall") -> None:
    """JSON, which is YAML too; readable by its owner only. `certificate` is PEM, "" for plain HTTP."""
    cluster: Json = {"server": url}
    if certificate:
        cluster["certificate-authority-data"] = base64.b64encode(certificate.encode()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": f"practice-{user}"}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user, "namespace": NAMESPACE}}],
        "current-context": CONTEXT,
        "preferences": {},
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
