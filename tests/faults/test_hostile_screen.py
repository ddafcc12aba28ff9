"""Every text an API server can send, made hostile, through the whole program: no byte that a terminal obeys comes out."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from practice.serve import PracticeCluster
from tests.terminals import QUARTERDECK, TestTerminal

EVIL = (
    "\x1b]52;c;UE5XRA==\x07\x1b]0;pwned\x07\x1b[2J\x1b[?1049l\x9b31m\x90q\x9c\u202e\u2066\u200b\x00\x7f\x08\r\n"
    "[@click=app.quit]x[/][/[/red][link=file:///etc/passwd]y[/link]{0}%s"
)
_OBEYED: dict[str, bytes | re.Pattern[bytes]] = {
    "clipboard": b"\x1b]52",
    "title": b"\x1b]0;pwned",
    "C1 control": re.compile(b"\xc2[\x80-\x9f]"),
    "reading direction": re.compile(b"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"),
    "zero width": "\u200b".encode(),
    "NUL": b"\x00",
    "DEL": b"\x7f",
}
_KEPT = frozenset(
    [
        "apiVersion",
        "kind",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "continue",
        "namespace",
        "startedAt",
        "finishedAt",
        "lastTransitionTime",
        "lastUpdateTime",
        "lastTimestamp",
        "firstTimestamp",
        "eventTime",
        "cpu",
        "memory",
        "time",
        "timestamp",
        "window",
        "phase",
        "status",
        "restartPolicy",
    ]
)
"""What is not text: an identity, a moment, a quantity, a word with a fixed set of values."""
_RESOURCES = re.compile(r"/(pods|events|deployments|replicasets|statefulsets|daemonsets|controllerrevisions|services)$")


def made_hostile(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        is_free = key in ("labels", "annotations")
        return {k + (EVIL if is_free and k != "pod-template-hash" else ""): made_hostile(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [made_hostile(item, key) for item in value]
    return value + EVIL if isinstance(value, str) and key not in _KEPT else value


class _Handler(BaseHTTPRequestHandler):
    """Lists are hostile, watches stay silent, everything else is one hostile text."""

    protocol_version = "HTTP/1.1"
    lists: dict[str, Any]
    until: threading.Event

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if "watch=1" in query or "watch=true" in query:
            self._head(200, "application/json", None)
            self.until.wait(60)
            self.close_connection = True
        elif (found := _RESOURCES.search(path)) is not None:
            self._say("application/json", json.dumps(made_hostile(self.lists[found[1]])))
        elif path.endswith("/log"):
            self._say("text/plain", f"2026-11-24T00:00:00.000000001Z a line {EVIL}\n")
        elif "/proxy/" in path:
            checks = {"status": "healthy" + EVIL, "version": EVIL, "checks": {"database" + EVIL: "ok" + EVIL}}
            self._say("application/json", json.dumps(checks))
        else:
            self._say("application/json", json.dumps(made_hostile(self.lists["pods"]["items"][0])))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say("application/json", json.dumps({"status": {"allowed": True, "userInfo": {"username": "oncall" + EVIL}}}))

    def _say(self, kind: str, text: str) -> None:
        body = text.encode("utf-8", "surrogatepass")
        self._head(200, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
async def lists() -> dict[str, Any]:
    """What the practice cluster has in the midst of a crash loop."""
    async with PracticeCluster("crash-loop", speed=20, tls=False) as cluster:
        await asyncio.sleep(2)
        token = yaml.safe_load(cluster.kubeconfig_path.read_text())["users"][0]["user"]["token"]

        def read(path: str) -> Any:
            request = urllib.request.Request(cluster.url + path, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)

        core, apps = "/api/v1/namespaces/shop-practice", "/apis/apps/v1/namespaces/shop-practice"
        paths = {name: f"{core}/{name}" for name in ("pods", "events", "services")}
        names = ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions")
        paths |= {name: f"{apps}/{name}" for name in names}
        return {name: await asyncio.to_thread(read, path) for name, path in paths.items()}


@pytest.fixture
def kubeconfig(lists: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    until = threading.Event()
    handler = type("Handler", (_Handler,), {"lists": lists, "until": until})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"""apiVersion: v1
kind: Config
current-context: practice
contexts: [{{name: practice, context: {{cluster: c, user: u, namespace: shop-practice}}}}]
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{server.server_port}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
"""
    )
    yield path
    until.set()
    server.shutdown()
    server.server_close()
    thread.join()


VIEWS = ("", "l", "p", "d", "y", "2d", "2y", "2l", "3 \x1b[B\r", "4z", "5\r", "6z", "?", ":ns ", "/x")
"""What is typed, each from a fresh start on the watch."""


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_the_bytes_that_reach_the_terminal_obey_nothing(kubeconfig: Path, size: tuple[int, int]) -> None:
    columns, rows = size
    env = {"KUBECONFIG": str(kubeconfig)}
    with TestTerminal(QUARTERDECK, columns=columns, rows=rows, env=env) as terminal:
        terminal.wait_for("CrashLoopBackOff")
        for keys in VIEWS:
            terminal.press(keys)
            for _ in range(12):
                terminal.read(0.05)
            terminal.press("\x1b")
            terminal.read(0.3)
            terminal.press("\x1b")
            terminal.read(0.3)
        assert terminal.process.poll() is None
        found = {name for name, what in _OBEYED.items() if _is_in(what, bytes(terminal.raw))}
        assert not found
        terminal.press("\x03")
        assert terminal.wait_end() == 0


def _is_in(what: bytes | re.Pattern[bytes], raw: bytes) -> bool:
    return what in raw if isinstance(what, bytes) else what.search(raw) is not None
