"""One object as YAML: what kubectl shows, less the bookkeeping, and never a secret's value."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.objects import as_yaml
from domain.errors import NotFoundError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import deployment_manifest

SECRET = "hunter2-hunter2"


def test_a_secret_shows_its_keys_and_sizes() -> None:
    value = base64.b64encode(SECRET.encode()).decode()
    applied = json.dumps({"data": {"password": value}, "stringData": {"x": SECRET}})
    text = as_yaml(
        {
            "kind": "Secret",
            "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
            "data": {"password": value, "broken": "%"},
            "stringData": {"plain": SECRET},
        }
    )
    assert SECRET not in text and value not in text
    assert "password: ••• (15 bytes)" in text and "plain: ••• (15 bytes)" in text


def test_a_config_map_reads_line_by_line_and_keeps_its_words() -> None:
    thing = {"kind": "ConfigMap", "metadata": {"managedFields": [1]}, "data": {"run.sh": "#!/bin/sh\necho hi\n", "n": "5"}}
    text = as_yaml(thing)
    assert "run.sh: |\n    #!/bin/sh\n    echo hi\n" in text and "managedFields" not in text
    assert yaml.safe_load(text) == {"kind": "ConfigMap", "metadata": {}, "data": thing["data"]}


@pytest.mark.parametrize(
    "evil", ["\x1b]52;c;aGk=\x07", "a\x9b2Jb", "x\u202ey\u200b", "two\n\x1b[2Jlines", "[@click=app.quit]x[/]"]
)
def test_an_object_cannot_write_on_the_terminal(evil: str) -> None:
    text = as_yaml({"kind": "ConfigMap", "data": {evil: evil}})
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b"]


@pytest.mark.cluster
async def test_objects_of_a_real_server(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.create_deployment(deployment_manifest("web", "web:v1", 1, namespace))
    control_plane.api.create(
        f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "s"}, "stringData": {"p": SECRET}}
    )
    cluster = Cluster(load_access(environ={"KUBECONFIG": str(control_plane.admin_kubeconfig)}), is_read_only=True)
    try:
        shown: dict[str, Any] = yaml.safe_load(await cluster.read_yaml("Deployment", namespace, "web"))
        printed = json.loads(control_plane.kubectl("get", "deploy", "web", "-n", namespace, "-o", "json"))
        assert shown["spec"] == printed["spec"]
        assert SECRET not in await cluster.read_yaml("Secret", namespace, "s")
        assert "kwok" in await cluster.read_yaml("Node", "", (await _nodes(control_plane))[0])
        assert namespace in await cluster.read_namespaces()
        (service,) = [s for s in await cluster.read_services("default") if s.name == "kubernetes"]
        assert service.ports == (("https", 443),)
        for kind, name in (("Deployment", "missing"), ("Widget", "web")):
            with pytest.raises(NotFoundError):
                await cluster.read_yaml(kind, namespace, name)
    finally:
        await cluster.close()


async def _nodes(plane: ControlPlane) -> list[str]:
    return [item["metadata"]["name"] for item in plane.api.get("/api/v1/nodes")["items"]]
