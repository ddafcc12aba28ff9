"""A real HTTP server on loopback whose paths a test fills in: answers, slow ones, endless ones, redirects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Exchange(BaseHTTPRequestHandler):
    """One request and what a test's `Play` makes of it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        stage = self.server
        assert isinstance(stage, Stage)
        stage.seen.append((self.path, {name.title(): text for name, text in self.headers.items()}))
        stage.has_been_asked.set()
        path = self.path.partition("?")[0]
        play = stage.plays.get(path) or next(
            (p for k, p in stage.plays.items() if k.endswith("*") and path.startswith(k[:-1])), None
        )
        try:
            (play or answer(404, "404 page not found"))(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


Play = Callable[[Exchange], None]


class Stage(ThreadingHTTPServer):
    """`seen` holds (path, headers) of every request; `is_over` is set when the test ends, so that no play outlives it."""

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), Exchange)
        self.plays: dict[str, Play] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.has_been_asked = threading.Event()
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def staged() -> Iterator[Stage]:
    stage = Stage()
    thread = threading.Thread(target=stage.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stage
    finally:
        stage.is_over.set()
        stage.shutdown()
        stage.server_close()
        thread.join()


def answer(status: int, body: str | bytes, headers: dict[str, str] | None = None) -> Play:
    raw = body.encode() if isinstance(body, str) else body

    def play(exchange: Exchange) -> None:
        exchange.send_response(status)
        for name, value in (headers or {}).items():
            exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(raw)))
        exchange.end_headers()
        if exchange.command != "HEAD":
            exchange.wfile.write(raw)

    return play


def redirect(target: str) -> Play:
    return answer(302, "", {"Location": target})


def never(exchange: Exchange) -> None:
    """Takes the request and says nothing until the test is over."""
    assert isinstance(exchange.server, Stage)
    exchange.server.is_over.wait(60)
    exchange.close_connection = True


def dripping(exchange: Exchange) -> None:
    """A good head, then a byte every 50 ms: no single read ever times out."""
    assert isinstance(exchange.server, Stage)
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000000")
    exchange.end_headers()
    while not exchange.server.is_over.wait(0.05):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()


def endless(exchange: Exchange) -> None:
    """A body that never ends."""
    assert isinstance(exchange.server, Stage)
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(2**40))
    exchange.end_headers()
    while not exchange.server.is_over.is_set():
        exchange.wfile.write(b'{"status": "healthy", ' + b" " * 65536)
