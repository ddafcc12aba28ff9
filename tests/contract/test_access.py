"""Who is asking, may they, and what can be asked for."""

from __future__ import annotations

import pytest

from tests.contract.manifests import deployment
from tests.contract.servers import Server
from tests.practice.calls import TABLE

_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def test_everybody_learns_their_name(server: Server) -> None:
    answer = server.must(
        server.api.post(_WHO, {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}), 201
    )
    assert answer.json["status"]["userInfo"]["username"] == server.user


def test_rights_can_be_asked_for_before_they_are_needed(server: Server, namespace: str) -> None:
    wish = {"namespace": namespace, "verb": "patch", "group": "apps", "resource": "deployments"}
    asked = {"spec": {"resourceAttributes": wish}}
    assert server.must(server.api.post(_ACCESS, asked), 201).json["status"]["allowed"] is True
    assert server.must(server.shut_out.post(_ACCESS, asked), 201).json["status"]["allowed"] is False


def test_a_refusal_names_user_verb_and_resource(server: Server, namespace: str) -> None:
    answer = server.must(server.shut_out.get(f"/apis/apps/v1/namespaces/{namespace}/deployments"), 403).json
    assert answer["reason"] == "Forbidden" and answer["details"] == {"group": "apps", "kind": "deployments"}
    assert answer["message"] == (
        f'deployments.apps is forbidden: User "{server.shut_out_user}" cannot list resource "deployments" '
        f'in API group "apps" in the namespace "{namespace}"'
    )
    everywhere = server.must(server.shut_out.get("/apis/apps/v1/deployments"), 403).json
    assert everywhere["message"].endswith('in API group "apps" at the cluster scope')
    one = server.must(server.shut_out.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web"), 403).json
    assert one["message"].startswith('deployments.apps "web" is forbidden: User ')


def test_a_wrong_token_and_no_token_are_different_things(server: Server, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    wrong = server.must(server.api.with_token("wrong").get(path), 401).json
    assert (wrong["reason"], wrong["message"]) == ("Unauthorized", "Unauthorized")
    none = server.must(server.api.with_token("").get(path), 403).json
    assert 'User "system:anonymous" cannot list resource "pods"' in none["message"]


def test_the_server_is_alive_and_says_what_it_is(server: Server) -> None:
    for path in ("/livez", "/readyz", "/healthz"):
        assert server.must(server.api.get(path)).text == "ok"
    assert server.must(server.api.get("/version")).json["gitVersion"].startswith("v1.34")
    assert "date" in server.api.get("/livez").headers
    assert server.api.get("/api").headers["audit-id"]


@pytest.mark.parametrize("accept", ["application/json", _AGGREGATED])
def test_what_is_served_can_be_discovered(server: Server, accept: str) -> None:
    core, groups = (
        server.must(server.api.get("/api", accept=accept)).json,
        server.must(server.api.get("/apis", accept=accept)).json,
    )
    if accept == _AGGREGATED:
        assert core["kind"] == groups["kind"] == "APIGroupDiscoveryList"
        apps = next(item for item in groups["items"] if item["metadata"]["name"] == "apps")
        names = {resource["resource"]: resource for resource in apps["versions"][0]["resources"]}
        assert "patch" in names["deployments"]["verbs"]
        assert {each["subresource"] for each in names["deployments"]["subresources"]} == {"scale", "status"}
    else:
        assert core["versions"] == ["v1"]
        assert "apps" in [group["name"] for group in groups["groups"]]
        names = {each["name"]: each for each in server.api.get("/apis/apps/v1").json["resources"]}
        assert names["deployments"]["shortNames"] == ["deploy"] and "deployments/scale" in names


@pytest.mark.parametrize(
    ("resource", "columns"),
    [
        ("api/v1/{}/pods", "Name Ready Status Restarts Age IP* Node* Nominated-Node* Readiness-Gates*"),
        ("apis/apps/v1/{}/deployments", "Name Ready Up-to-date Available Age Containers* Images* Selector*"),
        ("apis/apps/v1/{}/replicasets", "Name Desired Current Ready Age Containers* Images* Selector*"),
        ("apis/apps/v1/{}/statefulsets", "Name Ready Age Containers* Images*"),
        (
            "apis/apps/v1/{}/daemonsets",
            "Name Desired Current Ready Up-to-date Available Node-Selector Age Containers* Images* Selector*",
        ),
        (
            "api/v1/{}/events",
            "Last-Seen Type Reason Object Subobject* Source* Message First-Seen* Count* Name*",
        ),
        ("api/v1/{}/services", "Name Type Cluster-IP External-IP Port(s) Age Selector*"),
        ("api/v1/{}/configmaps", "Name Data Age"),
        ("api/v1/{}/secrets", "Name Type Data Age"),
        ("apis/apps/v1/{}/controllerrevisions", "Name Controller Revision Age"),
        ("apis/coordination.k8s.io/v1/{}/leases", "Name Holder Age"),
        ("api/v1/namespaces", "Name Status Age"),
        (
            "api/v1/nodes",
            "Name Status Roles Age Version Internal-IP* External-IP* OS-Image* Kernel-Version* Container-Runtime*",
        ),
    ],
)
def test_tables_have_the_columns_that_kubectl_prints(server: Server, namespace: str, resource: str, columns: str) -> None:
    path = "/" + resource.format(f"namespaces/{namespace}")
    table = server.must(server.api.get(path, accept=TABLE)).json
    assert table["kind"] == "Table"
    names = [each["name"].replace(" ", "-") + "*" * (each["priority"] > 0) for each in table["columnDefinitions"]]
    assert " ".join(names) == columns


def test_rows_carry_as_much_of_the_object_as_was_asked_for(server: Server, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    server.must(server.api.post(path, deployment("web", replicas=0)), 201)
    kinds = {}
    for include in ("None", "Metadata", "Object"):
        row = server.must(server.api.get(path, accept=TABLE, includeObject=include)).json["rows"][0]
        kinds[include] = (row.get("object") or {}).get("kind")
    assert kinds == {"None": None, "Metadata": "PartialObjectMetadata", "Object": "Deployment"}
