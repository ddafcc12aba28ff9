"""Credential plugins (`aws eks get-token`, `gke-gcloud-auth-plugin`, `kubelogin`, …) by their own protocol.

The kubernetes package's loader runs them too, but cannot be used for it: it sets no time limit, hands over the terminal,
swallows every failure (the next answer is then a puzzling 403 for system:anonymous), dead-locks on much stderr, and renews
nothing. So we speak client.authentication.k8s.io ourselves:
https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clients.kubernetes.credentials import Credential, is_header_safe
from clients.kubernetes.plugin_process import PluginProcess
from domain.errors import ConfigError, UnauthorizedError
from domain.sanitise import sanitise

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_RENEW_BEFORE_S = 10.0
_CLUSTER_KEYS = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
_CONFIG_EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True, slots=True)
class PluginCommand:
    """What `users[].user.exec` says. `folder` is where a relative command is looked for: the kubeconfig's."""

    command: str
    api_version: str
    args: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    install_hint: str = ""
    needs_terminal: bool = False
    cluster: Mapping[str, Any] | None = field(default=None, repr=False)
    file: Path = Path()

    @property
    def name(self) -> str:
        return sanitise(Path(self.command).name)


class ExecPlugin(Credential):
    is_instant = False

    def __init__(self, plugin: PluginCommand, *, timeout_s: float = 30.0) -> None:
        super().__init__()
        self.plugin = plugin
        self._timeout_s = timeout_s
        self._certificate: tuple[str, str] | None = None
        self._process: PluginProcess | None = None

    def client_certificate(self) -> tuple[str, str] | None:
        return self._certificate

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _obtain(self) -> tuple[str, float]:
        plugin = self.plugin
        if plugin.needs_terminal:
            raise UnauthorizedError(
                f"The credential plugin {plugin.name} wants a terminal (interactiveMode: Always), and this screen has it",
                "Log in with it in another terminal first, or set `interactiveMode: IfAvailable` for it.",
            )
        self._process = PluginProcess(self._command_line(), self._environ())
        try:
            output, last_words, code = self._process.run(self._timeout_s)
        except TimeoutError as error:
            raise self._failed(f"did not answer within {self._timeout_s:g} s and was stopped", last_words="") from error
        except FileNotFoundError as error:
            hint = sanitise(plugin.install_hint, 300) or f"Install {plugin.name}, or put its folder on PATH."
            raise self._unusable("is not there", hint) from error
        except OSError as error:
            raise self._unusable(f"cannot be started: {error.strerror}", "Check that it may be executed.") from error
        finally:
            self._process = None
        if code != 0:
            raise self._failed(f"failed (exit {code})", last_words)
        return self._read(output, last_words)

    def _read(self, output: bytes, last_words: str) -> tuple[str, float]:
        try:
            answer = json.loads(output)
            status = answer["status"]
            token = status.get("token") or ""
            certificate, key = status.get("clientCertificateData") or "", status.get("clientKeyData") or ""
            expires_at = _expiry(status.get("expirationTimestamp"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._failed("did not answer with an ExecCredential", last_words) from error
        if answer.get("apiVersion") != self.plugin.api_version:
            spoken = sanitise(str(answer.get("apiVersion")), 80)
            raise self._failed(f"speaks {spoken}, the kubeconfig says {self.plugin.api_version}", last_words)
        if not token and not (certificate and key):
            raise self._failed("gave neither a token nor a certificate with its key", last_words)
        if not isinstance(token, str) or not is_header_safe(token):
            raise self._failed("gave a token with characters that no token has", last_words)
        self._certificate = (str(certificate), str(key)) if certificate and key else None
        kept_s = float("inf") if expires_at is None else expires_at - time.time() - _RENEW_BEFORE_S
        return (f"Bearer {token}" if token else ""), kept_s

    def _failed(self, what: str, last_words: str) -> UnauthorizedError:
        said = f": {last_words}" if last_words else ""
        by_hand = sanitise(" ".join((self.plugin.command, *self.plugin.args)), 200)
        return UnauthorizedError(
            f"The credential plugin {self.plugin.name} {what}{said}",
            f"Run it by hand to see why, or log in again: {by_hand}",
        )

    def _unusable(self, what: str, hint: str) -> ConfigError:
        key = "users[].user.exec.command"
        return ConfigError(f"The credential plugin {self.plugin.name} {what}", hint, file=str(self.plugin.file), key=key)

    def _command_line(self) -> tuple[str, ...]:
        command = self.plugin.command
        if os.sep in command:
            command = str(self.plugin.file.parent / command)
        return (command, *self.plugin.args)

    def _environ(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": False}
        if self.plugin.cluster is not None:
            spec["cluster"] = self.plugin.cluster
        asked = {"apiVersion": self.plugin.api_version, "kind": "ExecCredential", "spec": spec}
        return {**os.environ, **self.plugin.environ, "KUBERNETES_EXEC_INFO": json.dumps(asked)}


def exec_plugin(values: Any, cluster: Mapping[str, Any], file: Path, user: str) -> ExecPlugin:
    """From `users[].user.exec`; ConfigError names what is wrong with it."""
    who = f"{file}: user {sanitise(user)!r}: exec"
    if not isinstance(values, dict) or not isinstance(values.get("command"), str) or not values["command"]:
        raise ConfigError(f"{who} names no command", "Write the plugin's name there.", file=str(file), key="exec.command")
    version = values.get("apiVersion")
    if version not in _VERSIONS:
        raise ConfigError(
            f"{who} has an apiVersion that is not known: {sanitise(str(version), 80)}",
            f"Update the plugin and write {_VERSIONS[0]} there.",
            file=str(file),
            key="exec.apiVersion",
        )
    listed = values.get("env") or []
    environ = {str(e["name"]): str(e["value"]) for e in listed if isinstance(e, dict) and "name" in e and "value" in e}
    return ExecPlugin(
        PluginCommand(
            command=values["command"],
            api_version=version,
            args=tuple(str(arg) for arg in values.get("args") or ()),
            environ=environ,
            install_hint=str(values.get("installHint") or ""),
            needs_terminal=values.get("interactiveMode") == "Always",
            cluster=_cluster_info(cluster, file) if values.get("provideClusterInfo") is True else None,
            file=file,
        )
    )


def _cluster_info(cluster: Mapping[str, Any], file: Path) -> dict[str, Any]:
    info = {key: cluster[key] for key in _CLUSTER_KEYS if cluster.get(key)}
    if "certificate-authority-data" not in info and cluster.get("certificate-authority"):
        import base64

        authority = file.parent / str(cluster["certificate-authority"])
        info["certificate-authority-data"] = base64.b64encode(authority.read_bytes()).decode()
    for extension in cluster.get("extensions") or ():
        if isinstance(extension, dict) and extension.get("name") == _CONFIG_EXTENSION:
            info["config"] = extension.get("extension")
    return info


def _expiry(text: Any) -> float | None:
    if not text:
        return None
    when = datetime.fromisoformat(str(text))
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
