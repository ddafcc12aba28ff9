"""Kubeconfig files for the users of a test cluster."""

from __future__ import annotations

import json
from pathlib import Path


def write_kubeconfig(
    path: Path, *, port: int, certificate: Path, token: str, user: str, context: str, namespace: str, server_name: str
) -> Path:
    """One context, current; the credential is a token. Written for its owner only."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority": str(certificate),
                    "tls-server-name": server_name,
                },
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user, "namespace": namespace}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2))
    return path
