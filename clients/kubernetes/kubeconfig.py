"""Reads kubeconfig files as kubectl does, without the kubernetes package: the screen's start cannot wait for its import.

Rules are client-go's `tools/clientcmd`: `KUBECONFIG` may name several files, of each name the first definition wins,
of `current-context` the first that is set; paths are relative to the file that holds them.
"""

from __future__ import annotations

import base64
import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.credentials import Anonymous, BasicAuth, Credential, StaticToken, TokenFile, is_header_safe
from clients.kubernetes.impersonation import impersonation
from domain.errors import ConfigError
from domain.sanitise import sanitise

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MOST_BYTES = 16 * 2**20
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One named cluster, user or context, and the file it came from."""

    name: str
    file: Path
    values: Mapping[str, Any]
    kind: str

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if value is None:
            return ""
        if isinstance(value, bool | int | float):
            value = str(value)
        if not isinstance(value, str):
            raise self.error(key, "must be text", "Write one value there.")
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false", "Write true or false, without quotes.")
        return value

    def path(self, key: str) -> Path | None:
        text = self.text(key)
        if not text:
            return None
        path = self.file.parent / Path(text)
        if not path.is_file():
            raise self.error(key, f"names {path}, which is not there", "Put the file back, or correct its path.")
        return path

    def pem(self, key: str) -> str:
        text = self.text(key)
        if not text:
            return ""
        try:
            return base64.b64decode(text, validate=False).decode("ascii")
        except ValueError as error:
            raise self.error(key, "is not base64 of a PEM file", "Copy the whole value again.") from error

    def error(self, key: str, what: str, hint: str) -> ConfigError:
        place = f"{self.kind} {sanitise(self.name)!r}: {key}"
        return ConfigError(f"{self.file}: {place} {sanitise(what)}", hint, file=str(self.file), key=key)


@dataclass(slots=True)
class _Merged:
    files: list[Path]
    clusters: dict[str, _Entry]
    users: dict[str, _Entry]
    contexts: dict[str, _Entry]
    current: str = ""


def load_access(context: str | None = None, *, environ: Mapping[str, str] | None = None) -> ClusterAccess:
    """The access that `context` (else the current one) gives; inside a cluster without a kubeconfig, the pod's own.

    ConfigError names the file, the key and what to do.
    """
    environ = os.environ if environ is None else environ
    merged = _merge(environ)
    if merged is None:
        if context is None and environ.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").is_file():
            return _in_cluster(environ)
        raise _no_kubeconfig(environ)
    entry = _find_context(merged, context)
    cluster = _referred(entry, "cluster", merged.clusters)
    user = _referred(entry, "user", merged.users) if entry.text("user") else None
    return _access(entry, cluster, user)


def context_names(*, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Every context there is, sorted; none where there is no kubeconfig. ConfigError where one cannot be read."""
    merged = _merge(os.environ if environ is None else environ)
    return tuple(sorted(sanitise(name) for name in merged.contexts)) if merged else ()


def _paths(environ: Mapping[str, str]) -> tuple[Path, ...]:
    named = environ.get("KUBECONFIG", "")
    if named:
        return tuple(dict.fromkeys(Path(p).absolute() for p in named.split(os.pathsep) if p))
    home = environ.get("HOME")
    return ((Path(home) if home else Path.home()) / ".kube" / "config",)


def _no_kubeconfig(environ: Mapping[str, str]) -> ConfigError:
    paths = ", ".join(str(path) for path in _paths(environ))
    hint = "Set KUBECONFIG to your kubeconfig, or try `quarterdeck demo`, which needs none."
    return ConfigError(f"There is no kubeconfig: {sanitise(paths)} does not exist", hint, file=paths, key="KUBECONFIG")


def _merge(environ: Mapping[str, str]) -> _Merged | None:
    merged = _Merged([], {}, {}, {})
    for path in _paths(environ):
        document = _read(path)
        if document is None:
            continue
        merged.files.append(path)
        for kind, known in (("cluster", merged.clusters), ("user", merged.users), ("context", merged.contexts)):
            for entry in _entries(document, kind, path):
                known.setdefault(entry.name, entry)
        current = document.get("current-context")
        if not merged.current and isinstance(current, str):
            merged.current = current
    return merged if merged.files else None


def _read(path: Path) -> Mapping[str, Any] | None:
    import yaml

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", "Check its owner and mode (`ls -l`).", file=str(path)
        ) from error
    if len(raw) > _MOST_BYTES:
        raise ConfigError(f"{path} is too large to be a kubeconfig", "Set KUBECONFIG to the right file.", file=str(path))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(raw, Loader=loader)
    except yaml.YAMLError as error:
        where, what = _yaml_place(error)
        raise ConfigError(
            f"{path}{where} is not valid YAML: {what}", "Correct that line, or write the file anew.", file=str(path)
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply", "Write the file anew.", file=str(path)) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is not a kubeconfig", "Set KUBECONFIG to the right file.", file=str(path))
    return document


def _yaml_place(error: Exception) -> tuple[str, str]:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark else ""
    return where, sanitise(str(getattr(error, "problem", None) or "it cannot be parsed"), 200)


def _entries(document: Mapping[str, Any], kind: str, path: Path) -> list[_Entry]:
    listed = document.get(f"{kind}s") or []
    entries: list[_Entry] = []
    for item in listed if isinstance(listed, list) else [None]:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str | int):
            raise ConfigError(
                f"{path}: {kind}s must be a list of entries with a name",
                "Compare with `kubectl config view`.",
                file=str(path),
                key=f"{kind}s",
            )
        values = item.get(kind)
        entries.append(_Entry(str(item["name"]), path, values if isinstance(values, dict) else {}, kind))
    return entries


def _find_context(merged: _Merged, wanted: str | None) -> _Entry:
    name = wanted if wanted is not None else merged.current
    files = ", ".join(str(path) for path in merged.files)
    names = ", ".join(sorted(sanitise(n) for n in merged.contexts)) or "none"
    if not name:
        raise ConfigError(
            f"{files}: no current context is set",
            f"Choose one with --context, or with `kubectl config use-context`. Contexts: {names}.",
            file=files,
            key="current-context",
        )
    # Names are shown sanitised, so a shown name must find its context too.
    entry = merged.contexts.get(name) or next((e for n, e in merged.contexts.items() if sanitise(n) == name), None)
    if entry is None:
        key = "--context" if wanted is not None else "current-context"
        raise ConfigError(
            f"There is no context {sanitise(name)!r} in {files}", f"Contexts there are: {names}.", file=files, key=key
        )
    return entry


def _referred(context: _Entry, kind: str, known: Mapping[str, _Entry]) -> _Entry:
    name = context.text(kind)
    entry = known.get(name)
    if entry is None:
        what = f"names {name!r}, which is not defined" if name else "is missing"
        names = ", ".join(sorted(sanitise(n) for n in known)) or "none"
        raise context.error(kind, what, f"Define it under {kind}s, or name one there is: {names}.")
    return entry


def _access(context: _Entry, cluster: _Entry, user: _Entry | None) -> ClusterAccess:
    server, prefix = _server(cluster)
    is_unverified = cluster.flag("insecure-skip-tls-verify")
    ca_pem = cluster.pem("certificate-authority-data")
    ca_file = None if ca_pem else cluster.path("certificate-authority")
    if is_unverified and (ca_pem or ca_file):
        raise cluster.error(
            "insecure-skip-tls-verify",
            "is set together with a certificate authority",
            "Remove one of the two; keep the certificate authority if you can.",
        )
    cert_pem, key_pem, cert_file, key_file = _client_certificate(user)
    return ClusterAccess(
        context=sanitise(context.name),
        cluster=sanitise(cluster.name),
        user=sanitise(user.name) if user else "",
        namespace=sanitise(context.text("namespace")) or "default",
        server=server,
        path_prefix=prefix,
        ca_pem=ca_pem,
        ca_file=ca_file,
        client_cert_pem=cert_pem,
        client_key_pem=key_pem,
        client_cert_file=cert_file,
        client_key_file=key_file,
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=_proxy(cluster),
        is_tls_unverified=is_unverified,
        is_gzip_wanted=not cluster.flag("disable-compression"),
        credential=_credential(user, cluster, context) if user else Anonymous(),
        impersonation=impersonation(user.values, user.error) if user else (),
        file=str(context.file),
    )


def _server(cluster: _Entry) -> tuple[str, str]:
    text = cluster.text("server")
    if not text:
        raise cluster.error("server", "is missing", "Write the API server's address, for instance https://host:6443.")
    if "://" not in text:
        text = f"https://{text}"
    url = urllib.parse.urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise cluster.error("server", "is not an http(s) address", "Write it as https://host:6443.")
    return f"{url.scheme}://{url.netloc}", url.path.rstrip("/")


def _proxy(cluster: _Entry) -> str:
    text = cluster.text("proxy-url")
    if text and urllib.parse.urlsplit(text).scheme not in _PROXY_SCHEMES:
        raise cluster.error("proxy-url", "has a scheme that is not known", f"Use one of {', '.join(_PROXY_SCHEMES)}.")
    return text


def _client_certificate(user: _Entry | None) -> tuple[str, str, Path | None, Path | None]:
    if user is None:
        return "", "", None, None
    cert_pem, key_pem = user.pem("client-certificate-data"), user.pem("client-key-data")
    cert_file = None if cert_pem else user.path("client-certificate")
    key_file = None if key_pem else user.path("client-key")
    if bool(cert_pem or cert_file) != bool(key_pem or key_file):
        missing = "client-key" if cert_pem or cert_file else "client-certificate"
        raise user.error(missing, "is missing", "A client certificate needs both its certificate and its key.")
    return cert_pem, key_pem, cert_file, key_file


def _credential(user: _Entry, cluster: _Entry, context: _Entry) -> Credential:
    """The order is client-go's: a token file beats a token, both beat basic auth; plugins come last."""
    if token_file := user.path("tokenFile"):
        return TokenFile(token_file)
    if token := user.text("token").strip():
        if not is_header_safe(token):
            raise user.error("token", "holds characters that no token has", "Copy the token again.")
        return StaticToken(token)
    if username := user.text("username"):
        return BasicAuth(username, user.text("password"))
    if "exec" in user.values:
        from clients.kubernetes.exec_plugin import exec_plugin

        return exec_plugin(user.values["exec"], cluster.values, user.file, user.name)
    if "auth-provider" in user.values:
        from clients.kubernetes.package_auth import AuthProvider

        return AuthProvider(user.name, user.values, user.file)
    return Anonymous()


def _in_cluster(environ: Mapping[str, str]) -> ClusterAccess:
    from clients.kubernetes.package_auth import InCluster

    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    namespace_file = SERVICE_ACCOUNT / "namespace"
    return ClusterAccess(
        context="in-cluster",
        cluster="in-cluster",
        user="",
        namespace=sanitise(namespace_file.read_text().strip()) if namespace_file.is_file() else "default",
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca_file=SERVICE_ACCOUNT / "ca.crt",
        credential=InCluster(SERVICE_ACCOUNT, environ),
    )
