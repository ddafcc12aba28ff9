"""Starts the practice cluster: in this process for tests, or as a child process for `quarterdeck demo`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from practice.certificate import loopback_certificate
from practice.kubeconfig import write_kubeconfig
from practice.scenarios import Scenario, load
from practice.server import ApiServer, Asked
from practice.world import World

_HOST = "127.0.0.1"
_STOP_S = 0.2
_PARENT_S = 1.0
"""How often a child process looks whether its parent is still there: it must not outlive it."""


class PracticeCluster:
    """A cluster on loopback while the `async with` block lasts. `scenario` is a name or a Scenario; `speed` practice
    seconds pass in one real second; `pods` adds an idle fleet in namespace `fleet`; `tls` False serves plain HTTP."""

    def __init__(
        self,
        scenario: str | Scenario = "healthy",
        *,
        seed: int = 1,
        speed: float = 1.0,
        pods: int = 0,
        kubeconfig: Path | None = None,
        tls: bool = True,
        port: int = 0,
    ) -> None:
        self.scenario = load(scenario) if isinstance(scenario, str) else scenario
        self.world = World(self.scenario, seed=seed, speed=speed, pods=pods)
        self.api = ApiServer(self.world)
        self.url = ""
        self.prometheus_url = ""
        self._kubeconfig = kubeconfig
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._has_tls = tls
        self._port = port
        self._runners: list[web.AppRunner] = []

    @property
    def kubeconfig_path(self) -> Path:
        if self._kubeconfig is None:
            raise RuntimeError("the practice cluster has not been started")
        return self._kubeconfig

    @property
    def asked(self) -> list[Asked]:
        """Every request so far, oldest first (the last 10,000)."""
        return list(self.api.asked)

    async def __aenter__(self) -> Self:
        certificate, key = loopback_certificate() if self._has_tls else ("", "")
        context = _tls(certificate, key) if self._has_tls else None
        port = await self._listen(self.api.application(), self._port, context)
        self.url = f"{'https' if self._has_tls else 'http'}://{_HOST}:{port}"
        self.prometheus_url = f"http://{_HOST}:{await self._listen(self.world.prometheus.application(), 0, None)}"
        if self._kubeconfig is None:
            self._folder = tempfile.TemporaryDirectory(prefix="quarterdeck-practice-")
            self._kubeconfig = Path(self._folder.name) / "kubeconfig"
        write_kubeconfig(self._kubeconfig, self.url, certificate)
        self.world.begin()
        self.world.clock.start()
        return self

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.world.clock.stop()
        self.world.store.cut_watches()
        for runner in self._runners:
            await runner.cleanup()
        if self._folder is not None:
            self._folder.cleanup()

    async def _listen(self, app: web.Application, port: int, context: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_S)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, _HOST, port, ssl_context=context)
        await site.start()
        return int(runner.addresses[0][1])


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-practice-") as folder:
        path = Path(folder) / "pair.pem"
        path.touch(mode=0o600)
        path.write_text(certificate + key, encoding="ascii")
        context.load_cert_chain(path)
    return context


def run(
    *, scenario: str = "healthy", seed: int = 1, speed: float = 1.0, pods: int = 0, kubeconfig: Path | None = None
) -> int:
    """Serves until a signal, or until the parent process is gone; prints `ready URL` when it can be used. The exit code."""
    return asyncio.run(_run(PracticeCluster(scenario, seed=seed, speed=speed, pods=pods, kubeconfig=kubeconfig)))


async def _run(cluster: PracticeCluster) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, stop.set)
    async with cluster:
        print(f"ready {cluster.url}", flush=True)
        parent = os.getppid()
        while not stop.is_set() and os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PARENT_S)
    return 0
