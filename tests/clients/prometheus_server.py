"""Debian's Prometheus, scraping every second what a test exposes."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.http_stage import Exchange, Stage, staged

_CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}
scrape_configs:
  - job_name: demo
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Exposed:
    """What the demo application exposes: counters that grow by a rate a second, and gauges."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.rates: dict[str, float] = {}
        self.values: dict[str, float] = {}

    def text(self) -> str:
        age = time.monotonic() - self.began
        lines = [f"{series} {rate * age}" for series, rate in dict(self.rates).items()]
        return "\n".join(lines + [f"{series} {value}" for series, value in dict(self.values).items()]) + "\n"

    def play(self, exchange: Exchange) -> None:
        raw = self.text().encode()
        exchange.send_response(200)
        exchange.send_header("Content-Type", "text/plain; version=0.0.4")
        exchange.send_header("Content-Length", str(len(raw)))
        exchange.end_headers()
        exchange.wfile.write(raw)


@contextmanager
def real_prometheus(folder: Path, exposed: Exposed, address: str = "127.0.0.1") -> Iterator[str]:
    """Its URL, once it answers on `address`."""
    program = shutil.which("prometheus")
    assert program is not None
    with staged() as stage:
        stage.plays["/metrics"] = exposed.play
        port = _free_port()
        (folder / "prometheus.yml").write_text(_CONFIG.format(port=stage.server_port))
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}:{port}",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(address, port, stage)
            yield f"http://{address}:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_ready(address: str, port: int, stage: Stage) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection(address, port, timeout=2)
            connection.request("GET", "/-/ready")
            is_ready = connection.getresponse().status == 200
            connection.close()
        except OSError:
            is_ready = False
        if is_ready and len(stage.seen) > 2:
            return
        time.sleep(0.05)
    raise TimeoutError("Prometheus did not come up")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
