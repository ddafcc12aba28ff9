"""A real image registry (Debian's docker-registry), and a token server as its published description has it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.cluster.processes import Child, free_ports, wait_until

USER, PASSWORD = "ops", "practice"
IDENTITY_TOKEN = "identity-canary"
SERVICE, ISSUER = "registry.practice", "practice-token-server"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_BCRYPT = "$2y$05$abcdefghijklmnopqrstuuKn7uzIKAg0L/dJan11LD1ZWjz/sDC/."
"""Of PASSWORD."""


@dataclass(frozen=True, slots=True)
class Registry:
    host: str
    ca_file: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def push(self, repository: str, tag: str, text: str = "") -> str:
        """An image of one empty layer; its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"text": text}}}).encode()
        content = {"mediaType": "application/vnd.oci.image.config.v1+json", **self._blob(repository, config)}
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": content, "layers": []}
        return self._put(repository, tag, body, MANIFEST)

    def push_index(self, repository: str, tag: str, digest: str, size: int) -> str:
        """An image of several platforms."""
        entry = {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": size,
            "platform": {"architecture": "amd64", "os": "linux"},
        }
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        return self._put(repository, tag, body, INDEX)

    def size_of(self, repository: str, reference: str) -> int:
        return len(self._ask("GET", f"/v2/{repository}/manifests/{reference}", b"", {"Accept": MANIFEST})[2])

    def _blob(self, repository: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        _, headers, _ = self._ask("POST", f"/v2/{repository}/blobs/uploads/")
        place = urlsplit(headers["Location"])
        self._ask("PUT", f"{place.path}?{place.query}&digest={digest}", content)
        return {"digest": digest, "size": len(content)}

    def _put(self, repository: str, tag: str, body: dict[str, Any], kind: str) -> str:
        raw = json.dumps(body).encode()
        _, headers, _ = self._ask("PUT", f"/v2/{repository}/manifests/{tag}", raw, {"Content-Type": kind})
        return headers["Docker-Content-Digest"]

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection: http.client.HTTPConnection
        if self.ca_file:
            context = ssl.create_default_context(cafile=self.ca_file)
            connection = http.client.HTTPSConnection(self.host, context=context, timeout=10)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, f"{method} {path}: {answer.status} {content!r}"
        return answer.status, answer.headers, content


@contextmanager
def running(folder: Path, *, auth: dict[str, Any] | None = None, tls: dict[str, str] | None = None) -> Iterator[str]:
    """`host:port` of a registry with this configuration."""
    (port,) = free_ports(1)
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "practice", **({"tls": tls} if tls else {})},
    }
    if auth:
        config["auth"] = auth
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    child = Child("registry", ["docker-registry", "serve", folder / "config.yml"], folder / "registry.log")
    try:
        wait_until(f"the registry: {child.last_lines()}", lambda: _is_open(port), timeout_s=20)
        yield f"127.0.0.1:{port}"
    finally:
        child.stop(grace_s=0)


def _is_open(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def basic_auth(folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(f"{USER}:{_BCRYPT}\n")
    return {"htpasswd": {"realm": "practice", "path": str(folder / "htpasswd")}}


def basic_header(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class TokenServer(ThreadingHTTPServer):
    """GET with basic auth or none (auth/token.md), POST with a refresh token (auth/oauth.md); nobody may see `secret/…`
    but USER. `asked` holds (method, who, scope)."""

    daemon_threads = True

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.key = key
        self.certificate = certificate
        self.asked: list[tuple[str, str, str]] = []

    @property
    def realm(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"

    def auth(self, bundle: Path) -> dict[str, Any]:
        return {"token": {"realm": self.realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(bundle)}}

    def token(self, who: str, scopes: list[str]) -> str:
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            is_seen = bool(who) or not name.startswith("secret/")
            allowed = [action for action in actions.split(",") if is_seen and (who or action == "pull")]
            access.append({"type": kind, "name": name, "actions": allowed})
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(self.certificate).decode()]}
        claims = {"iss": ISSUER, "sub": who, "aud": SERVICE, "exp": now + 300, "nbf": now - 60, "iat": now}
        signed = ".".join((_packed(head), _packed({**claims, "jti": f"{now}-{len(self.asked)}", "access": access})))
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _packed(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class _Exchange(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        header = self.headers.get("Authorization", "")
        who = USER if header == basic_header()["Authorization"] else ""
        self._answer("GET", who, bool(header) and not who, parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        is_known = form.get("refresh_token") == [IDENTITY_TOKEN] and form.get("grant_type") == ["refresh_token"]
        self._answer("POST", USER if is_known else "", not is_known, form)

    def _answer(self, method: str, who: str, is_refused: bool, fields: dict[str, list[str]]) -> None:
        server = self.server
        assert isinstance(server, TokenServer)
        scopes = " ".join(fields.get("scope", [])).split()
        server.asked.append((method, who, " ".join(scopes)))
        is_refused = is_refused or fields.get("service") != [SERVICE]
        token = server.token(who, scopes)
        # The older name for those who ask by GET, the newer one by POST: both are described.
        body = (
            {"errors": [{"code": "UNAUTHORIZED"}]}
            if is_refused
            else {"token" if method == "GET" else "access_token": token}
        )
        raw = json.dumps(body).encode()
        self.send_response(401 if is_refused else 200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    """Its certificate is in `folder`/bundle.pem."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.x509.oid import NameOID

    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    (folder / "bundle.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    server = TokenServer(key, certificate.public_bytes(serialization.Encoding.DER))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
