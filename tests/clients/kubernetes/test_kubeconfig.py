"""A kubeconfig is read as kubectl reads it, and what is wrong with one is said with file, key and next step."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.kubernetes.credentials import Anonymous, BasicAuth, StaticToken, TokenFile
from clients.kubernetes.exec_plugin import ExecPlugin
from clients.kubernetes.kubeconfig import context_names, load_access
from clients.kubernetes.package_auth import AuthProvider
from domain.errors import ConfigError

ROOT = Path(__file__).parents[3]
V1 = "client.authentication.k8s.io/v1"


def config(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **context: Any) -> dict[str, Any]:
    return {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", **context}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }


def written(folder: Path, document: object, name: str = "config") -> dict[str, str]:
    """JSON is YAML. Returns the environment that names it."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return {"KUBECONFIG": str(file)}


def test_everything_plain_is_taken_over(tmp_path: Path) -> None:
    cluster = {
        "server": "https://rancher.example.com/k8s/clusters/c-1/",
        "tls-server-name": "kubernetes",
        "proxy-url": "socks5://bastion:1080",
        "insecure-skip-tls-verify": True,
        "disable-compression": True,
    }
    access = load_access(environ=written(tmp_path, config({"token": " t "}, cluster, namespace="shop")))
    assert (access.context, access.cluster, access.user, access.namespace) == ("one", "c", "u", "shop")
    assert (access.server, access.path_prefix, access.host) == (
        "https://rancher.example.com",
        "/k8s/clusters/c-1",
        "rancher.example.com",
    )
    assert (access.tls_server_name, access.proxy_url, access.is_tls_unverified) == (
        "kubernetes",
        "socks5://bastion:1080",
        True,
    )
    assert not access.is_gzip_wanted
    assert access.credential.authorization() == "Bearer t"


@pytest.mark.parametrize(
    ("user", "kind", "header"),
    [
        ({}, Anonymous, ""),
        ({"token": "t"}, StaticToken, "Bearer t"),
        ({"tokenFile": "sub/token", "token": "other"}, TokenFile, "Bearer filed"),
        ({"username": "a", "password": "b"}, BasicAuth, "Basic YTpi"),
        ({"exec": {"apiVersion": V1, "command": "x"}}, ExecPlugin, None),
        ({"auth-provider": {"name": "oidc", "config": {}}}, AuthProvider, None),
    ],
)
def test_each_kind_of_user(tmp_path: Path, user: dict[str, Any], kind: type[object], header: str | None) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "token").write_text("filed\n")
    credential = load_access(environ=written(tmp_path, config(user))).credential
    assert type(credential) is kind
    if header is not None:
        assert credential.authorization() == header


def test_whom_the_kubeconfig_says_to_act_as_is_sent_along(tmp_path: Path) -> None:
    user = {"token": "t", "as": "ops", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"Scopes/X": ["v"]}}
    assert load_access(environ=written(tmp_path, config(user))).impersonation == (
        ("Impersonate-User", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes%2Fx", "v"),
    )


def test_a_context_without_a_user_is_anonymous(tmp_path: Path) -> None:
    assert (
        type(load_access(environ=written(tmp_path, config(user=None) | {"users": None, **_no_user()})).credential)
        is Anonymous
    )


def _no_user() -> dict[str, Any]:
    return {"contexts": [{"name": "one", "context": {"cluster": "c"}}]}


def test_paths_are_relative_to_the_file_that_holds_them(tmp_path: Path) -> None:
    for name in ("ca.crt", "c.crt", "c.key"):
        (tmp_path / name).write_text("x")
    user = {"client-certificate": "c.crt", "client-key": "c.key"}
    access = load_access(environ=written(tmp_path, config(user, {"certificate-authority": "ca.crt"})))
    assert (access.ca_file, access.client_cert_file, access.client_key_file) == (
        tmp_path / "ca.crt",
        tmp_path / "c.crt",
        tmp_path / "c.key",
    )


def test_data_beats_files(tmp_path: Path) -> None:
    pem = base64.b64encode(b"PEM").decode()
    cluster = {"certificate-authority-data": pem, "certificate-authority": "not-there"}
    user = {"client-certificate-data": pem, "client-key-data": pem, "client-certificate": "not-there"}
    access = load_access(environ=written(tmp_path, config(user, cluster)))
    assert (access.ca_pem, access.client_cert_pem, access.client_key_pem, access.ca_file) == ("PEM", "PEM", "PEM", None)


def test_of_several_files_the_first_definition_of_a_name_wins(tmp_path: Path) -> None:
    first = {
        "contexts": [{"name": "two", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://first:1"}}],
    }
    written(tmp_path, first, "first")
    written(tmp_path, config({"token": "t"}), "second")
    environ = {"KUBECONFIG": os.pathsep.join(str(tmp_path / n) for n in ("missing", "first", "second", "first"))}
    assert context_names(environ=environ) == ("one", "two")
    access = load_access(environ=environ)
    assert (access.context, access.server, access.credential.authorization()) == ("one", "https://first:1", "Bearer t")
    assert load_access("two", environ=environ).file == str(tmp_path / "first")


def test_without_kubeconfig_set_the_home_folder_is_looked_in(tmp_path: Path) -> None:
    written(tmp_path, config(), ".kube/config")
    assert load_access(environ={"HOME": str(tmp_path)}).context == "one"


@pytest.mark.parametrize(
    ("document", "context", "words", "key", "hint"),
    [
        pytest.param(None, None, "There is no kubeconfig", "KUBECONFIG", "quarterdeck demo", id="missing"),
        pytest.param(config(), "two", "There is no context 'two'", "--context", "Contexts there are: one.", id="context"),
        pytest.param({**config(), "current-context": "x"}, None, "no context 'x'", "current-context", "one", id="current"),
        pytest.param({**config(), "current-context": ""}, None, "no current context", "current-context", "one", id="none"),
        pytest.param("contexts: [\n  - {", None, "line 2 is not valid YAML", "", "Correct that line", id="YAML"),
        pytest.param("a: !!python/object/apply:os.system [x]", None, "is not valid YAML", "", "Correct", id="python tag"),
        pytest.param("[" * 5000, None, "not valid YAML|nested too deeply", "", "Correct|anew", id="depth"),
        pytest.param("just text", None, "is not a kubeconfig", "", "KUBECONFIG", id="text"),
        pytest.param(
            {**config(), "clusters": {"c": {}}}, None, "clusters must be a list", "clusters", "config view", id="map"
        ),
        pytest.param(
            {**config(), "clusters": []}, None, "cluster names 'c', which is not", "cluster", "one there is: none", id="c"
        ),
        pytest.param(
            {**config(), "users": []}, None, "user names 'u', which is not defined", "user", "Define it", id="user"
        ),
        pytest.param(config(cluster={"server": ""}), None, "server is missing", "server", "https://host:6443", id="server"),
        pytest.param(
            config(cluster={"server": "ftp://x"}), None, "not an http(s) address", "server", "https://", id="scheme"
        ),
        pytest.param(config(cluster={"server": ["x"]}), None, "must be text", "server", "one value", id="a list"),
        pytest.param(
            config(cluster={"insecure-skip-tls-verify": "yes"}),
            None,
            "true or false",
            "insecure-skip-tls-verify",
            "true",
            id="bool",
        ),
        pytest.param(
            config(cluster={"certificate-authority": "ca.crt"}),
            None,
            "which is not there",
            "certificate-authority",
            "Put",
            id="ca",
        ),
        pytest.param(
            config(cluster={"certificate-authority-data": "ä"}),
            None,
            "base64",
            "certificate-authority-data",
            "again",
            id="b64",
        ),
        pytest.param(
            config(cluster={"certificate-authority-data": "eA==", "insecure-skip-tls-verify": True}),
            None,
            "together with a certificate authority",
            "insecure-skip-tls-verify",
            "Remove one",
            id="ca and insecure",
        ),
        pytest.param(config(cluster={"proxy-url": "ftp://x"}), None, "not known", "proxy-url", "socks5", id="proxy"),
        pytest.param(
            config({"client-certificate-data": "eA=="}), None, "client-key is missing", "client-key", "both", id="key"
        ),
        pytest.param(
            config({"tokenFile": "t"}), None, "which is not there", "tokenFile", "Put the file back", id="token file"
        ),
        pytest.param(config({"token": "a\nb"}), None, "no token has", "token", "Copy", id="token with a line break"),
        pytest.param(config({"as": "a\r\nX: y"}), None, "must be plain text", "as", "name of the user", id="as"),
        pytest.param(config({"as-groups": ["x"]}), None, "as is missing", "as", "together with a user", id="groups alone"),
        pytest.param(
            config({"auth-provider": {"name": "gcp"}}), None, "gcp is no longer", "auth-provider", "plugin", id="gcp"
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_key_and_next_step(
    tmp_path: Path, document: object, context: str | None, words: str, key: str, hint: str
) -> None:
    environ = {"KUBECONFIG": str(tmp_path / "config")} if document is None else written(tmp_path, document)
    with pytest.raises(ConfigError) as caught:
        load_access(context, environ=environ)
    error = caught.value
    assert any(word in error.message for word in words.split("|")), error.message
    assert any(word in error.hint for word in hint.split("|")), error.hint
    assert (error.file, error.key, error.exit_code) == (str(tmp_path / "config"), key, 2)


def test_names_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    evil = "a\x1b]52;c;aGk=\x07"
    document = config()
    document["contexts"][0]["name"] = document["current-context"] = evil
    environ = written(tmp_path, document)
    (shown,) = context_names(environ=environ)
    assert "\x1b" not in shown
    assert load_access(shown, environ=environ).context == shown


def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_access(environ={"KUBECONFIG": str(tmp_path)})


def test_a_plain_kubeconfig_and_a_first_page_import_nothing_heavy(tmp_path: Path) -> None:
    environ = written(tmp_path, config({"token": "t"}, {"server": "http://127.0.0.1:1"}))
    program = """
import sys
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.first_page import read_first_page
from domain.streams import Source
assert read_first_page(load_access(), Source.PODS, "") is None
heavy = {"kubernetes", "aiohttp", "httpx", "asyncio", "textual", "requests", "urllib3", "email.mime"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environ}, check=True, timeout=30)


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    pem = base64.b64encode(b"s3cr3t").decode()
    user = {"token": "s3cr3t", "client-certificate-data": pem, "client-key-data": pem}
    access = load_access(environ=written(tmp_path, config(user, {"proxy-url": "http://me:s3cr3t@proxy:1"})))
    assert "s3cr3t" not in repr(access)


def test_in_a_cluster_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "mounted"), ("ca.crt", "PEM"), ("namespace", "shop\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("clients.kubernetes.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    access = load_access(environ=environ)
    assert (access.server, access.namespace, access.ca_file) == ("https://[fd00::1]:443", "shop", tmp_path / "ca.crt")
    assert access.credential.authorization() == "Bearer mounted"
