"""What differs between two templates, said in people's words, and never with a secret's value in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.compare import MASK, Difference, compare
from domain.templates import PodTemplate


def pod_template(
    container: dict[str, Any] | None = None, *, metadata: dict[str, Any] | None = None, **spec: Any
) -> PodTemplate:
    main = {"name": "web", "image": "web:v1"} | (container or {})
    return PodTemplate((), json.dumps({"metadata": metadata or {}, "spec": {"containers": [main]} | spec}))


def env(**values: Any) -> dict[str, Any]:
    return {"env": [{"name": n} | (v if isinstance(v, dict) else {"value": v}) for n, v in values.items()]}


def secret_ref(name: str, key: str) -> dict[str, Any]:
    return {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


CASES = [
    ("image", {"image": "web:v1"}, {"image": "web:v2"}, [("image", "web", "web:v1", "web:v2")]),
    ("env added", {}, env(FEATURE_X="on"), [("env", "web FEATURE_X", None, "on")]),
    ("env removed", env(FEATURE_X="on"), {}, [("env", "web FEATURE_X", "on", None)]),
    ("env emptied", env(LEVEL="debug"), env(LEVEL=""), [("env", "web LEVEL", "debug", "")]),
    ("env reordered", env(A="1", B="2"), env(B="2", A="1"), []),
    (
        "secret by name",
        env(DB_PASSWORD="hunter2"),
        env(DB_PASSWORD="hunter3"),
        [("env", "web DB_PASSWORD", MASK, f"{MASK} (changed)")],
    ),
    ("secret added", {}, env(apiKey="abc"), [("env", "web apiKey", None, MASK)]),
    (
        "secret by value",
        {},
        env(THING="eyJhbGciOi.payload.signature"),
        [("env", "web THING", None, MASK)],
    ),
    (
        "password in a URL",
        env(DB="postgres://app:hunter2@db/shop"),
        env(DB="postgres://app:hunter2@db2/shop"),
        [("env", "web DB", f"postgres://{MASK}@db/shop", f"postgres://{MASK}@db2/shop")],
    ),
    (
        "password in a URL, changed only",
        env(DB="postgres://app:hunter2@db/shop"),
        env(DB="postgres://app:hunter3@db/shop"),
        [("env", "web DB", f"postgres://{MASK}@db/shop", f"postgres://{MASK}@db/shop (changed)")],
    ),
    (
        "references are shown",
        env(DB_PASSWORD=secret_ref("db", "password")),
        env(DB_PASSWORD=secret_ref("db", "password-2")),
        [("env", "web DB_PASSWORD", "secret db, key password", "secret db, key password-2")],
    ),
    (
        "from a secret to a plain value",
        env(TOKEN=secret_ref("db", "token")),
        env(TOKEN="abc"),
        [("env", "web TOKEN", "secret db, key token", MASK)],
    ),
    (
        "env from",
        {"envFrom": [{"configMapRef": {"name": "conf"}}]},
        {"envFrom": [{"configMapRef": {"name": "conf-2", "optional": True}, "prefix": "X_"}]},
        [
            ("env from", "web config map conf", "all keys", None),
            ("env from", "web config map conf-2 (optional)", None, "X_"),
        ],
    ),
    (
        "resources",
        {"resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}},
        {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}},
        [("resources", "web limits cpu", "500m", "1"), ("resources", "web requests cpu", None, "100m")],
    ),
    (
        "probes",
        {"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 10}},
        {"readinessProbe": {"httpGet": {"path": "/health/ready", "port": 8080}, "periodSeconds": 10}},
        [("probe", "web readiness httpGet.path", "/health", "/health/ready")],
    ),
    (
        "ports",
        {"ports": [{"containerPort": 80}]},
        {"ports": [{"containerPort": 81, "name": "http"}]},
        [("port", "web 80/TCP", "unnamed", None), ("port", "web 81/TCP", None, "http")],
    ),
    (
        "command",
        {"command": ["npm", "start"]},
        {"command": ["npm", "run", "serve"]},
        [("command", "web", "npm start", "npm run serve")],
    ),
    (
        "secrets in arguments",
        {"args": ["--db-password=hunter2", "--port=1"]},
        {"args": ["--db-password=hunter2", "--port=2", "--token", "hunter3"]},
        [("args", "web", f"--db-password={MASK} --port=1", f"--db-password={MASK} --port=2 --token {MASK}")],
    ),
    (
        "mounts",
        {"volumeMounts": [{"name": "conf", "mountPath": "/etc/conf"}]},
        {"volumeMounts": [{"name": "conf", "mountPath": "/etc/conf", "readOnly": True}]},
        [("mount", "web /etc/conf", "conf", "conf (readOnly true)")],
    ),
    (
        "other fields",
        {"securityContext": {"runAsUser": 0}},
        {"securityContext": {"runAsUser": 1000}},
        [("container", "web securityContext.runAsUser", "0", "1000")],
    ),
    (
        "another container",
        {"name": "web"},
        {"name": "app"},
        [
            ("image", "app", None, "web:v1"),
            ("image", "web", "web:v1", None),
            ("container", "app", None, "there"),
            ("container", "web", "there", None),
        ],
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "found"), CASES, ids=[case[0] for case in CASES])
def test_containers_are_compared(
    name: str, old: dict[str, Any], new: dict[str, Any], found: list[tuple[str, str, str | None, str | None]]
) -> None:
    assert compare(pod_template(old), pod_template(new)) == tuple(Difference(*f) for f in found)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            pod_template(serviceAccountName="default", serviceAccount="default"),
            pod_template(serviceAccountName="web", serviceAccount="web"),
            [("service account", "", "default", "web")],
        ),
        (pod_template(), pod_template(nodeSelector={"pool": "fast"}), [("node selector", "pool", None, "fast")]),
        (
            pod_template(volumes=[{"name": "c", "configMap": {"name": "conf"}}, {"name": "t", "emptyDir": {}}]),
            pod_template(volumes=[{"name": "c", "secret": {"secretName": "conf"}}, {"name": "t", "emptyDir": {}}]),
            [("volume", "c", "config map conf", "secret conf")],
        ),
        (
            pod_template(metadata={"labels": {"app": "web", "pod-template-hash": "1"}}),
            pod_template(metadata={"labels": {"app": "web", "pod-template-hash": "2"}, "creationTimestamp": None}),
            [],
        ),
        (
            pod_template(metadata={"annotations": {"kubectl.kubernetes.io/restartedAt": "a"}}),
            pod_template(metadata={"annotations": {"kubectl.kubernetes.io/restartedAt": "b", "vault/token": "x"}}),
            [("annotation", "kubectl.kubernetes.io/restartedAt", "a", "b"), ("annotation", "vault/token", None, MASK)],
        ),
        (
            pod_template(terminationGracePeriodSeconds=30),
            pod_template(terminationGracePeriodSeconds=60),
            [("pod", "terminationGracePeriodSeconds", "30", "60")],
        ),
        (
            pod_template(initContainers=[{"name": "migrate", "image": "m:1"}]),
            pod_template(initContainers=[{"name": "migrate", "image": "m:2"}]),
            [("image", "init migrate", "m:1", "m:2")],
        ),
    ],
)
def test_pods_are_compared(
    old: PodTemplate, new: PodTemplate, found: list[tuple[str, str, str | None, str | None]]
) -> None:
    assert compare(old, new) == tuple(Difference(*f) for f in found)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "null",
        "[" * 10_000 + "]" * 10_000,
        '{"spec": null}',
        '{"spec": {"containers": null}}',
        '{"spec": {"containers": [null, 1, {"name": null, "env": {}, "ports": [null], "command": 5}]}}',
        '{"spec": {"containers": [{"name": "a", "image": 18446744073709551616, "name": "b"}]}}',
        '{"metadata": {"labels": [], "annotations": "x"}, "spec": {"volumes": [{}]}}',
    ],
    ids=lambda text: text[:40],
)
def test_strange_templates_are_no_error(text: str) -> None:
    assert compare(PodTemplate((), text), pod_template())
    assert compare(PodTemplate((), text), PodTemplate((), text)) == ()


def test_what_is_said_is_safe_to_show() -> None:
    nasty = "\x1b]52;c;aGk=\x07\u202e[@click=app.quit]"
    (difference,) = compare(pod_template(), pod_template(env(**{f"A{nasty}": nasty})))
    assert "\x1b" not in difference.where
    assert difference.new == "␛]52;c;aGk=␇[@click=app.quit]"


def test_many_differences_are_cut_and_counted() -> None:
    labels = {f"l{i}": "x" for i in range(10_000)}
    differences = compare(pod_template(), pod_template(metadata={"labels": labels}))
    assert len(differences) == 1001
    assert differences[-1].where == "9000 more differences are not shown"
