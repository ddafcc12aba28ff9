"""Changes pods at a steady rate from a process of its own: `python -m tests.bench.load`, its orders as JSON on stdin."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

from tests.cluster.kube_api import KubeApi

_AT_ONCE = 4


def main() -> None:
    """Orders: port, certificate, token, paths (of pods' statuses), rate (a second), seconds. Answers with what was sent."""
    orders = json.load(sys.stdin)
    api = KubeApi(orders["port"], Path(orders["certificate"]), orders["token"])
    sent = [0] * _AT_ONCE
    began = time.monotonic()
    threads = [
        threading.Thread(target=_send, args=(api, orders, began, worker, sent), daemon=True) for worker in range(_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.monotonic() - began
    print(json.dumps({"sent": sum(sent), "rate": sum(sent) / took_s}))


def _send(api: KubeApi, orders: dict[str, Any], began: float, worker: int, sent: list[int]) -> None:
    """Every pod belongs to one worker, so that its last count is the highest."""
    chance = random.Random(worker)
    paths = orders["paths"][worker::_AT_ONCE]
    counts = dict.fromkeys(paths, 0)
    gap = _AT_ONCE / orders["rate"]
    due = began + gap * worker / _AT_ONCE
    until = began + orders["seconds"]
    while due < until and (now := time.monotonic()) < until:
        time.sleep(max(0.0, due - now))
        path = chance.choice(paths)
        counts[path] += 1
        patch = [{"op": "replace", "path": "/status/containerStatuses/0/restartCount", "value": counts[path]}]
        api.request("PATCH", path, cast(dict[str, Any], patch), content_type="application/json-patch+json")
        sent[worker] += 1
        due += gap


if __name__ == "__main__":
    main()
