"""Writes a container image by hand: busybox, a demo application of a few lines of shell, and nothing to pull."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = "quarterdeck.test/demo"
VERSIONS = ("v1", "v2")
SANDBOX_IMAGE = "quarterdeck.test/sandbox:v1"
_APPLICATION = Path(__file__).parent / "demo_image"
_APPLETS = (
    "sh",
    "cat",
    "echo",
    "env",
    "false",
    "head",
    "id",
    "kill",
    "ls",
    "nc",
    "ps",
    "rm",
    "sleep",
    "stty",
    "tail",
    "touch",
    "true",
    "tty",
)
_WAIT_FOREVER = "trap 'exit 0' TERM INT; while true; do sleep 3600 & wait $!; done"


def write_archive(path: Path, busybox: Path) -> None:
    """An OCI archive with the demo application's versions and the image of pod sandboxes, for `ctr images import`."""
    layer = _layer(busybox)
    blobs = [layer]
    index = []
    images = {f"{REPOSITORY}:{version}": (["/app/start"], version) for version in VERSIONS}
    images[SANDBOX_IMAGE] = (["/bin/sh", "-c", _WAIT_FOREVER], "")
    for name, (entrypoint, version) in images.items():
        config = _encoded(_config(layer, entrypoint, version))
        manifest = _encoded(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
            }
        )
        blobs += [config, manifest]
        descriptor = _descriptor(manifest, "application/vnd.oci.image.manifest.v1+json")
        index.append({**descriptor, "annotations": {"io.containerd.image.name": name}})
    with tarfile.open(path, "w") as archive:
        _add(archive, "oci-layout", _encoded({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _encoded({"schemaVersion": 2, "manifests": index}))
        for blob in blobs:
            _add(archive, f"blobs/sha256/{_sha256(blob)}", blob)


def _layer(busybox: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        for folder in ("app", "bin", "dev", "etc", "proc", "sys", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(entry)
        _add(layer, "bin/busybox", busybox.read_bytes(), mode=0o755)
        for applet in _APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            layer.addfile(entry)
        for script in sorted(_APPLICATION.iterdir()):
            _add(layer, f"app/{script.name}", script.read_bytes(), mode=0o755)
        _add(layer, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
    return content.getvalue()


def _config(layer: bytes, entrypoint: Sequence[str], version: str) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "Env": ["PATH=/bin:/app", f"VERSION={version}"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}"]},
    }


def _descriptor(blob: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{_sha256(blob)}", "size": len(blob)}


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def _sha256(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()
