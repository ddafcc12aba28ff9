"""What travels becomes what is shown: every field, sanitised, with what is the same shared and what is odd survived."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest

from clients.kubernetes.decoding import Codecs
from clients.kubernetes.quantities import bytes_of, millicores_of
from domain.occurrences import Occurrence
from domain.pods import Pod, PodUsage
from domain.streams import Source
from domain.templates import ContainerRole, Probe
from domain.workloads import Revision, Workload, WorkloadKind
from tests.faults.api_server import pod

EVIL = "a\x1b]52;c;aGk=\x07\u202eb\n[@click=app.quit]c[/]"
HARMLESS = "a␛]52;c;aGk=␇b [@click=app.quit]c[/]"
AT = "2026-11-23T15:00:00Z"
AT_S = 1795446000.0


def one(source: Source, thing: dict[str, Any], codecs: Codecs | None = None) -> Any:
    body = json.dumps({"metadata": {"resourceVersion": "7"}, "items": [thing]}).encode()
    (value,) = (codecs or Codecs())[source].page(body).values
    return value


def deployment(**spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "initContainers": [
                {"name": "wait", "image": "wait:1"},
                {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"},
            ],
            "containers": [
                {
                    "name": "web",
                    "image": "shop/web:1",
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "initialDelaySeconds": 3},
                    "livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 5, "failureThreshold": 9},
                }
            ],
        },
    }
    return {
        "metadata": {
            "uid": "d1",
            "name": "web",
            "namespace": "shop",
            "generation": 4,
            "creationTimestamp": AT,
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"deployment.kubernetes.io/revision": "3", "kubernetes.io/change-cause": "release 1.2"},
            "managedFields": [
                {"manager": "ci", "operation": "Update", "time": AT, "fieldsV1": {"f:spec": {"f:template": {}}}},
                {
                    "manager": "helm",
                    "operation": "Update",
                    "time": "2026-11-23T14:00:00Z",
                    "fieldsV1": {"f:spec": {"f:template": {}}},
                },
                {"manager": "ctl", "subresource": "status", "time": "2026-11-23T16:00:00Z", "fieldsV1": {"f:template": {}}},
            ],
        },
        "spec": {
            "replicas": 3,
            "template": template,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "Recreate"},
            **spec,
        },
        "status": {
            "observedGeneration": 3,
            "replicas": 4,
            "updatedReplicas": 2,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "conditions": [
                {
                    "type": "Progressing",
                    "status": "False",
                    "reason": "ProgressDeadlineExceeded",
                    "message": "too\nlate",
                    "lastTransitionTime": AT,
                    "lastUpdateTime": AT,
                }
            ],
        },
    }


def test_a_deployment() -> None:
    found = one(Source.DEPLOYMENTS, deployment(paused=True, minReadySeconds=5))
    assert isinstance(found, Workload)
    assert (found.kind, str(found.key), found.created_at) == (WorkloadKind.DEPLOYMENT, "deployment/web", AT_S)
    assert (found.generation, found.observed_generation, found.revision) == (4, 3, 3)
    assert (found.desired, found.replicas, found.updated, found.ready, found.available) == (3, 4, 2, 3, 3)
    assert (found.paused, found.strategy, found.min_ready_s, found.progress_deadline_s) == (True, "Recreate", 5, 600)
    assert (found.change_cause, found.changed_by, found.changed_at, found.managed_by) == ("release 1.2", "ci", AT_S, "Helm")
    condition = found.condition("Progressing")
    assert condition and (condition.status, condition.message, condition.changed_at) == (False, "too late", AT_S)


def test_a_pod_template() -> None:
    template = one(Source.DEPLOYMENTS, deployment()).template
    wait, proxy, web = template.containers
    assert [c.role for c in (wait, proxy, web)] == [ContainerRole.INIT, ContainerRole.SIDECAR, ContainerRole.MAIN]
    assert (web.image, web.ports, web.cpu_limit_m, web.memory_limit_bytes) == (
        "shop/web:1",
        (("http", 8080),),
        250,
        64 * 2**20,
    )
    assert web.probes == (
        Probe("readiness", "/ready", "http", "HTTP", 3, 10, 3, 1),
        Probe("liveness", "", "", "HTTP", 0, 5, 9, 1),
    )
    assert json.loads(template.text)["metadata"] == {"labels": {"app": "web"}}


def test_a_template_that_did_not_change_is_the_same_object() -> None:
    codecs = Codecs()
    before = one(Source.DEPLOYMENTS, deployment(), codecs)
    after = one(Source.DEPLOYMENTS, deployment() | {"status": {"replicas": 9}}, codecs)
    assert after.template is before.template and after != before


def test_daemon_sets_are_counted_as_they_are_scheduled() -> None:
    status = {
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "updatedNumberScheduled": 3,
        "numberReady": 2,
        "numberAvailable": 1,
    }
    found = one(Source.DAEMON_SETS, {"metadata": {"name": "ds"}, "spec": {}, "status": status})
    assert (found.desired, found.replicas, found.updated, found.ready, found.available) == (5, 4, 3, 2, 1)
    assert (found.kind, found.progress_deadline_s, found.strategy) == (WorkloadKind.DAEMON_SET, None, "RollingUpdate")


def test_a_stateful_set_says_where_it_comes_from_and_where_it_is_going() -> None:
    spec = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    status = {"currentRevision": "db-main-6d4", "updateRevision": "db-main-7f8", "replicas": 3}
    found = one(Source.STATEFUL_SETS, {"metadata": {"name": "db-main"}, "spec": spec, "status": status})
    assert (found.current_hash, found.update_hash, found.partition, found.desired) == ("6d4", "7f8", 2, 1)


OWNER = [{"kind": "Deployment", "name": "web", "uid": "d1", "controller": True}, {"kind": "X", "name": "x", "uid": "x"}]


def test_a_replica_set_is_a_revision() -> None:
    meta = {
        "uid": "r1",
        "name": "web-abc",
        "namespace": "shop",
        "ownerReferences": OWNER[::-1],
        "labels": {"pod-template-hash": "abc"},
        "annotations": {"deployment.kubernetes.io/revision": "7", "quarterdeck.dev/changed-by": "oncall"},
    }
    found = one(Source.REPLICA_SETS, {"metadata": meta, "spec": deployment()["spec"], "status": {"readyReplicas": 2}})
    assert isinstance(found, Revision)
    assert (found.owner_uid, found.number, found.template_hash, found.kind) == ("d1", 7, "abc", "ReplicaSet")
    assert (found.desired, found.ready, found.changed_by, found.template.main_images) == (3, 2, "oncall", ("shop/web:1",))


def test_a_controller_revision_is_a_revision_without_its_patch_mark() -> None:
    template = {**deployment()["spec"]["template"], "$patch": "replace"}
    meta = {
        "uid": "c1",
        "name": "db-7f8",
        "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "s1", "controller": True}],
    }
    found = one(Source.CONTROLLER_REVISIONS, {"metadata": meta, "revision": 4, "data": {"spec": {"template": template}}})
    assert (found.owner_uid, found.number, found.template_hash, found.kind) == ("s1", 4, "7f8", "ControllerRevision")
    assert "$patch" not in found.template.text and found.template.main_images == ("shop/web:1",)


@pytest.mark.parametrize(
    ("owner", "labels", "hash_"),
    [
        ("web-abc", {"pod-template-hash": "abc"}, "abc"),
        ("db", {"controller-revision-hash": "db-7f8"}, "7f8"),
        ("agent", {"controller-revision-hash": "5c6"}, "5c6"),
        ("", {}, ""),
    ],
)
def test_the_hash_that_joins_a_pod_to_its_revision(owner: str, labels: dict[str, str], hash_: str) -> None:
    thing = pod("p")
    thing["metadata"] |= {
        "labels": labels,
        "ownerReferences": [{"kind": "X", "name": owner, "uid": "o", "controller": True}],
    }
    assert one(Source.PODS, thing).template_hash == hash_


@pytest.mark.parametrize(
    ("limits", "cpu_m", "memory_bytes"),
    [
        ([{"cpu": "500m", "memory": "1Gi"}], 500, 2**30),
        ([{"cpu": "0.5", "memory": "1G"}, {"cpu": 1, "memory": 5}], 1500, 10**9 + 5),
        ([{"cpu": "1"}, {}], None, None),
        ([None], None, None),
    ],
)
def test_a_pod_has_a_limit_when_each_of_its_containers_has(
    limits: list[dict[str, Any] | None], cpu_m: int | None, memory_bytes: int | None
) -> None:
    thing = pod("p")
    thing["spec"]["containers"] = [
        {"name": f"c{n}", "resources": {"limits": limit} if limit is not None else {}} for n, limit in enumerate(limits)
    ]
    found = one(Source.PODS, thing)
    assert (found.cpu_limit_m, found.memory_limit_bytes) == (cpu_m, memory_bytes)


@pytest.mark.parametrize(
    ("times", "last_s", "first_s", "count"),
    [
        ({"lastTimestamp": AT, "firstTimestamp": "2026-11-23T14:00:00Z", "count": 5}, 0, -3600, 5),
        ({"eventTime": "2026-11-23T15:00:00.250000Z", "lastTimestamp": None, "firstTimestamp": None}, 0.25, 0.25, 1),
        ({"eventTime": AT, "series": {"count": 9, "lastObservedTime": "2026-11-23T15:01:00.000000Z"}}, 60, 0, 9),
        ({}, -60, -60, 1),
    ],
)
def test_an_event_has_the_best_of_its_times(times: dict[str, Any], last_s: float, first_s: float, count: int) -> None:
    thing = {
        "metadata": {"uid": "e", "name": "web.1", "namespace": "shop", "creationTimestamp": "2026-11-23T14:59:00Z"},
        "involvedObject": {"kind": "Pod", "name": "web", "uid": "p"},
        "reason": "BackOff",
        "type": "Warning",
        "message": "Back-off",
        "source": {"component": "kubelet"},
        **times,
    }
    found = one(Source.OCCURRENCES, thing)
    assert isinstance(found, Occurrence)
    assert (found.last_at - AT_S, found.first_at - AT_S, found.count) == (last_s, first_s, count)
    assert (found.about_kind, found.about_uid, found.source) == ("Pod", "p", "kubelet")


def test_the_usage_of_a_pod_is_that_of_its_containers() -> None:
    usage = [{"usage": {"cpu": "12345678n", "memory": "20480Ki"}}, {"usage": {"cpu": "3m", "memory": "1Mi"}}]
    found = one(Source.POD_USAGE, {"metadata": {"name": "p", "namespace": "shop"}, "timestamp": AT, "containers": usage})
    assert found == PodUsage("shop/p", "shop", "p", AT_S, 15, 22020096)


@pytest.mark.parametrize(
    ("quantity", "cores_m", "count"),
    [
        ("100m", 100, 0),
        ("1e3", 1000000, 1000),
        ("1.5Gi", 1610612736000, 1610612736),
        ("x", None, None),
        ("nan", None, None),
    ],
)
def test_quantities(quantity: str, cores_m: int | None, count: int | None) -> None:
    assert (millicores_of(quantity), bytes_of(quantity)) == (cores_m, count)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) or hasattr(value, "items"):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    if isinstance(value, tuple | list):
        return [text for part in value for text in strings(part)]
    slots = getattr(type(value), "__slots__", ())
    return [text for name in slots if name != "text" for text in strings(getattr(value, name))]


def poisoned(value: Any) -> Any:
    """Every text of it, keys of labels too, with something that a terminal would obey."""
    if isinstance(value, dict):
        return {k: v if k.endswith(("Time", "Timestamp", "At", "timestamp")) else poisoned(v) for k, v in value.items()} | {
            EVIL: EVIL
        }
    if isinstance(value, list):
        return [poisoned(v) for v in value]
    return value + EVIL if isinstance(value, str) and not value.endswith("Z") else value


@pytest.mark.parametrize(
    ("source", "thing"),
    [
        (Source.PODS, pod("p")),
        (Source.DEPLOYMENTS, deployment()),
        (Source.REPLICA_SETS, deployment()),
        (Source.CONTROLLER_REVISIONS, {"metadata": deployment()["metadata"], "data": {"spec": deployment()["spec"]}}),
        (Source.OCCURRENCES, {"metadata": {"name": "e"}, "reason": "r", "message": "m", "involvedObject": {"name": "n"}}),
        (Source.POD_USAGE, {"metadata": {"name": "e"}, "containers": [{"usage": {"cpu": "1"}}]}),
    ],
)
def test_no_text_from_outside_keeps_what_a_terminal_obeys(source: Source, thing: dict[str, Any]) -> None:
    codecs = Codecs()
    body = json.dumps({"items": [poisoned(thing)]}).encode()
    texts = [text for value in codecs[source].page(body).values for text in strings(value)]
    assert any(HARMLESS in text for text in texts)
    assert not [text for text in texts if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in text)]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"metadata": None}, id="null where an object is due"),
        pytest.param({"spec": None, "status": None}, id="no spec, no status"),
        pytest.param({"status": {"containerStatuses": None, "conditions": None, "phase": None}}, id="null lists"),
        pytest.param(
            {"status": {"phase": "Unheard", "qosClass": 5, "containerStatuses": [{"restartCount": "3"}]}}, id="words"
        ),
        pytest.param({"metadata": {"labels": {f"l{n}": "x" for n in range(10_000)}}}, id="10,000 labels"),
        pytest.param({"metadata": {"annotations": {"a": "x" * 10_000_000}}}, id="10 MB annotation"),
        pytest.param({"status": {"message": "x" * 1_000_000}}, id="1 MB message"),
        pytest.param({"status": {"containerStatuses": [{"state": {"waiting": {}, "running": None}}]}}, id="empty states"),
    ],
)
def test_what_is_odd_is_still_shown(odd: dict[str, Any]) -> None:
    found = one(Source.PODS, odd)
    assert isinstance(found, Pod)
    assert len(found.message) <= 2048


@pytest.mark.parametrize(
    "hopeless",
    [b'{"spec":[]}', b'{"status":{"containerStatuses":7}}', b'"text"', b"7"],
)
def test_what_cannot_be_read_costs_itself(hopeless: bytes) -> None:
    good = json.dumps(pod("good")).encode()
    page = Codecs()[Source.PODS].page(b'{"items":[' + hopeless + b"," + good + b"]}")
    assert [value.name for value in page.values if isinstance(value, Pod)] == ["good"]
    assert page.unreadable == 1


def test_five_thousand_pods_are_kept_in_a_few_megabytes() -> None:
    """Measured 0.9 kB a pod; the budget is 25 MB for 5,000."""
    items = [pod(f"web-{n:05d}-x7k2p", uid=f"3f0e9f0a-0000-4000-8000-{n:012d}", version=1000 + n) for n in range(5000)]
    bodies = [json.dumps({"items": items[begin : begin + 500]}).encode() for begin in range(0, 5000, 500)]
    codec = Codecs()[Source.PODS]
    del items
    gc.collect()
    tracemalloc.start()
    try:
        kept = [codec.page(body).values for body in bodies]
        gc.collect()
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, kept)) == 5000
    assert held < 10 * 2**20
