"""`quarterdeck _practice`: the practice cluster as a process of its own, for as long as the one that started it lives."""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import Namespace
from pathlib import Path

from app.options import Options


def run(_options: Options, arguments: Namespace) -> int:
    if arguments.until_stdin_ends:
        threading.Thread(target=_end_with_parent, daemon=True, name="watch the parent").start()
    from practice.serve import run as serve

    return serve(
        scenario=arguments.scenario,
        seed=arguments.seed,
        speed=arguments.speed,
        pods=arguments.pods,
        kubeconfig=Path(arguments.kubeconfig),
    )


def _end_with_parent() -> None:
    """The other end of standard input is held by the parent alone: it closes however the parent ends, killed or not."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
