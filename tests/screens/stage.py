"""An app that shows one view, log lines for it to read, and the texts that must never be more than text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from textual.app import App
from textual.screen import Screen

from domain.fleet import Fleet
from domain.log_lines import LogLine, LogPhase, LogStream
from domain.sanitise import sanitise
from domain.targets import Target
from domain.templates import PodTemplate
from domain.workloads import WorkloadKey
from tests import builders as make
from widgets.messages import ActionRequested, CommandEntered

SIZES = ((80, 24), (120, 40))

STREAMS = (
    LogStream("shop-backend-7f9c5d68b4-k2lxv", "shop-backend", LogPhase.LIVE),
    LogStream("shop-backend-7f9c5d68b4-q8w4d", "shop-backend", LogPhase.ENDED, "exit 3"),
)

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b]52;c;aGk=\x07\x1b[?1049l\x9b31m\x90q\x9c\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\",
    "\r\x08\x0b\x0c\x00\x7f\u202egnp.exe\u2066\u200d\u2028\ufeff\ud800" + "e" + "\u0301" * 500,
    "[/] [/red] [ [@click=app.quit]x[/] [link=file:///etc/passwd]x[/link] [$x] \\[ {0} %s [bold]",
    "日本語 ｗｉｄｅ 👩‍👩‍👧 \U0001f1e9\U0001f1ea",
)


def key_of(fleet: Fleet) -> WorkloadKey:
    return next(iter(fleet.rollouts))


def workload(fleet: Fleet) -> Target:
    return Target(workload=key_of(fleet))


def newest_pod(fleet: Fleet) -> Target:
    key = key_of(fleet)
    return Target(workload=key, pod_uid=fleet.rollouts[key].new_pods[0])


def template(version: str, **env: str) -> PodTemplate:
    container = {
        "name": "shop-backend",
        "image": f"{make.REGISTRY}/shop-backend:{version}",
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": {"limits": {"memory": "512Mi" if "FEATURE_X" in env else "256Mi"}},
    }
    return replace(make.template("shop-backend", version), text=json.dumps({"spec": {"containers": [container]}}))


def log_lines(count: int, *, begin: int = 0, pods: tuple[str, ...] = ("k2lxv", "q8w4d")) -> list[LogLine]:
    texts = (
        "INFO  GET /api/cart 200 12 ms",
        "INFO  listening on :8080",
        "WARN  database pool is empty, waiting",
        "ERROR cannot reach database: dial tcp 10.1.9.4:5432: connect: connection refused",
        "INFO  GET /health/ready 503 2 ms",
    )
    return [
        LogLine(f"shop-backend-7f9c5d68b4-{pods[n % len(pods)]}", "shop-backend", f"{texts[n % 5]} #{n}", make.NOW + n / 10)
        for n in range(begin, begin + count)
    ]


def poisoned(value: Any, text: str) -> Any:
    """`value` with `text`, sanitised as the clients do it, at the end of every text in it but identities."""
    evil = sanitise(text)
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + evil
    if isinstance(value, WorkloadKey):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("uid", "owner_uid", "about_uid", "pod_uid", "template_hash", "text")
        changed = {f.name: poisoned(getattr(value, f.name), text) for f in fields(value) if f.name not in kept}
        return replace(value, **changed)
    if isinstance(value, Mapping):
        return {key: poisoned(inner, text) for key, inner in value.items()}
    if isinstance(value, tuple) and value and not all(isinstance(inner, str) for inner in value):
        return tuple(poisoned(inner, text) for inner in value)
    return value


class StageApp(App[None]):
    """Shows one view and keeps what it asks for."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.theme = "ansi-dark"
        self.first = screen
        self.asked: list[tuple[str, object]] = []
        self.commands: list[tuple[str, str]] = []
        self.answers: list[object] = []

    def on_mount(self) -> None:
        self.push_screen(self.first, self.answers.append)

    def on_action_requested(self, message: ActionRequested) -> None:
        self.asked.append((message.name, message.target))

    def on_command_entered(self, message: CommandEntered) -> None:
        self.commands.append((message.word, message.argument))


def rows(app: App[Any]) -> list[str]:
    """What stands on the screen, line by line."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def seen(app: App[Any]) -> str:
    return "\n".join(rows(app))
