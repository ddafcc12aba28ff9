"""From the command line to the first painted row: the cluster is asked before Textual is imported, not after.

Order, with what it costs: kubeconfig and configuration (20 ms); first pages asked for in threads; Textual imported (130 ms)
while they arrive; first paint; only then the streaming client (aiohttp, 110 ms), in a thread.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.options import Options
from domain.errors import ConfigError
from domain.facts import Fact
from domain.streams import Source

if TYPE_CHECKING:
    from app.config import Config
    from clients.kubernetes.access import ClusterAccess
    from domain.scope import Scope

FIRST_SOURCES = (Source.PODS, Source.DEPLOYMENTS)
"""What the first paint shows."""
FIRST_ROWS = 60
_WAIT_FOR_FIRST_PAGE_S = 0.15
"""How much longer than Textual's import a first paint waits for rows: an empty frame and then rows is two paints."""


@dataclass
class FirstPages:
    """The first rows of each source, read in a thread each."""

    access: ClusterAccess
    namespace: str
    _facts: list[Fact] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for source in FIRST_SOURCES:
            thread = threading.Thread(target=self._read, args=(source,), daemon=True, name=f"first page of {source}")
            thread.start()
            self._threads.append(thread)

    def take(self) -> list[Fact]:
        for thread in self._threads:
            thread.join(_WAIT_FOR_FIRST_PAGE_S)
        return list(self._facts)

    def _read(self, source: Source) -> None:
        from clients.kubernetes.first_page import read_first_page

        page = read_first_page(self.access, source, self.namespace, limit=FIRST_ROWS)
        if page is not None:
            self._facts.append(page)


@dataclass(frozen=True)
class Beginning:
    """What is known when the screen opens."""

    options: Options
    access: ClusterAccess
    scope: Scope
    config: Config
    pages: FirstPages


def open_scope(options: Options) -> tuple[ClusterAccess, Scope, Config]:
    """Who is asked, what is looked at, and how; ConfigError for whatever cannot be used."""
    from app.config import load_config
    from app.resolve_scope import resolve_scope, wanted_context
    from clients.kubernetes.kubeconfig import load_access

    config = load_config(options)
    access = load_access(wanted_context(options, config))
    return access, resolve_scope(options, config, access), config


def begin(options: Options) -> Beginning:
    """Blocking, before any screen: ConfigError for whatever cannot be used."""
    access, scope, config = open_scope(options)
    pages = FirstPages(access, scope.namespace)
    pages.start()
    return Beginning(options, access, scope, config, pages)


def run(options: Options) -> int:
    """Open the screen; the exit code."""
    gc.disable()  # nothing made during the start is garbage; the session collects and freezes once it has loaded
    beginning = begin(options)
    _prepare_environment(beginning.config)
    from textual.app import InvalidThemeError

    from app.quarterdeck_app import QuarterdeckApp
    from app.terminal import Terminal
    from widgets import palette

    try:
        app = QuarterdeckApp(beginning)
    except InvalidThemeError as error:
        raise ConfigError(
            f"There is no theme {beginning.config.theme!r}.",
            "Take `ansi-dark` or `ansi-light`, or a theme of Textual: nord, gruvbox, dracula, textual-dark …",
            file=beginning.config.file,
            key="screen.theme",
        ) from error
    if _is_ascii(beginning.config):
        palette.use_ascii()
        Terminal.encoding = "ascii"
    gc.enable()
    # Without the mouse the terminal's own selection goes on working: names get copied in an incident.
    app.run(mouse=False)
    return app.return_code or 0


def _is_ascii(config: Config) -> bool:
    """As configured, else where the locale cannot say anything else."""
    if config.is_ascii is not None:
        return config.is_ascii
    return "utf" not in (getattr(sys.__stdout__, "encoding", None) or "").lower()


def _prepare_environment(config: Config) -> None:
    """Textual reads these when it is imported."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # each animated frame is a packet on the line
    os.environ.setdefault("TEXTUAL_FPS", "60")
    if config.theme.startswith("ansi"):
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "standard")
