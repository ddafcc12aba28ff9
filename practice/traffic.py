"""What Prometheus has scraped: counters of every pod of the shop, every 15 seconds, with an hour of past.

Requests go to the pods that are ready, in equal shares; how many fail and how long they take is up to the image."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from practice import shop
from practice.clock import Clock
from practice.images import Image, Registry
from practice.kinds import PODS
from practice.objects import Json, controller_of, labels_of, name_of, namespace_of, uid_of
from practice.replica_sets import is_ready
from practice.store import Store

SCRAPE_S = 15.0
_PAST_S = 3600.0
_KEPT = 1200
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, math.inf)
"""Seconds."""
_LN20 = math.log(20)
NAMES = (
    "up",
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "http_request_duration_seconds_sum",
    "kube_pod_container_status_restarts_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
)
Labels = dict[str, str]


@dataclass(slots=True)
class PodSeries:
    """Cumulative counts of one container; all lists are as long as `times`."""

    labels: Labels
    image: Image
    app: str
    times: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    ups: list[float] = field(default_factory=list)
    ended: float = math.inf

    def add(self, at: float, load: float, restarts: int, is_up: bool) -> None:
        """`load` is requests per second since the scrape before."""
        gap = at - self.times[-1] if self.times else SCRAPE_S
        had = self.requests[-1] if self.requests else 0.0
        failed = self.errors[-1] if self.errors else 0.0
        used = self.cpu[-1] if self.cpu else 0.0
        self.times.append(at)
        self.requests.append(had + load * gap)
        self.errors.append(failed + load * gap * self.image.errors)
        self.restarts.append(float(restarts))
        self.cpu.append(used + gap * self.image.cpu_m / 1000 * (1.0 if is_up else 0.2))
        self.ups.append(float(is_up))
        if len(self.times) > _KEPT:
            for each in (self.times, self.requests, self.errors, self.restarts, self.cpu, self.ups):
                del each[: len(each) - _KEPT]

    def share_below(self, seconds: float) -> float:
        """The share of requests that take no longer: exponential, with the image's p95 where it should be."""
        return 1.0 if math.isinf(seconds) else 1.0 - math.exp(-seconds * _LN20 / self.image.p95_s)

    def series(self, name: str) -> Iterator[tuple[Labels, list[float], float]]:
        """(labels, values, factor): the series' values are `values` times `factor`."""
        base = {"__name__": name, **self.labels}
        match name:
            case "up":
                yield base, self.ups, 1.0
            case "kube_pod_container_status_restarts_total":
                yield {**base, "job": "kube-state-metrics"}, self.restarts, 1.0
            case "process_cpu_seconds_total":
                yield base, self.cpu, 1.0
            case "process_resident_memory_bytes":
                yield base, [1.0] * len(self.times), self.image.memory_mib * 1024.0 * 1024.0
            case "http_requests_total":
                good = [all_ - bad for all_, bad in zip(self.requests, self.errors, strict=True)]
                yield {**base, "status": "200", "method": "GET"}, good, 1.0
                yield {**base, "status": "500", "method": "GET"}, self.errors, 1.0
            case "http_request_duration_seconds_bucket":
                for bound in BUCKETS:
                    le = "+Inf" if math.isinf(bound) else f"{bound:g}"
                    yield {**base, "le": le}, self.requests, self.share_below(bound)
            case "http_request_duration_seconds_count":
                yield base, self.requests, 1.0
            case "http_request_duration_seconds_sum":
                yield base, self.requests, self.image.p95_s / _LN20


class Traffic:
    def __init__(self, store: Store, registry: Registry, clock: Clock, seed: int) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._seed = seed
        self.pods: dict[str, PodSeries] = {}

    def begin(self) -> None:
        """Makes up the past hour from the pods that are there, then scrapes on."""
        now = self._clock.now()
        for number in range(int(_PAST_S / SCRAPE_S), 0, -1):
            self._scrape(now - number * SCRAPE_S)
        self._scrape_on()

    def _scrape_on(self) -> None:
        self._scrape(self._clock.now())
        self._clock.call_in(SCRAPE_S, self._scrape_on)

    def _scrape(self, at: float) -> None:
        found = [pod for namespace in (shop.NAMESPACE, shop.MONITORING) for pod in self._store.each(PODS, namespace)]
        serving: dict[str, int] = {}
        for pod in found:
            if is_ready(pod):
                app = labels_of(pod).get("app", "")
                serving[app] = serving.get(app, 0) + 1
        seen = set()
        for pod in found:
            for status in (pod.get("status") or {}).get("containerStatuses") or ():
                key = f"{uid_of(pod)}/{status['name']}"
                seen.add(key)
                series = self.pods.get(key) or self._begun(key, pod, status)
                part = shop.part_of(series.app)
                is_up = is_ready(pod)
                load = part.requests_per_s * self._wave(at) / serving[series.app] if part is not None and is_up else 0.0
                series.add(at, load, status["restartCount"], is_up)
        for key, series in self.pods.items():
            if key not in seen and math.isinf(series.ended):
                series.ended = at
        self._forget(at)

    def _begun(self, key: str, pod: Json, status: Json) -> PodSeries:
        app = labels_of(pod).get("app", name_of(pod))
        owner = controller_of(pod)
        labels = {
            "namespace": namespace_of(pod),
            "pod": name_of(pod),
            "container": status["name"],
            "job": app,
            "app": app,
            "uid": uid_of(pod),
            "instance": f"{name_of(pod)}:{shop.PORT}",
            "created_by_name": owner["name"] if owner else "",
        }
        series = self.pods[key] = PodSeries(labels, self._registry.find(status["image"]), app)
        return series

    def _forget(self, at: float) -> None:
        for key in [key for key, series in self.pods.items() if series.ended < at - _PAST_S]:
            del self.pods[key]

    def _wave(self, at: float) -> float:
        """How busy the shop is: about 1."""
        noise = hashlib.blake2s(f"{self._seed}/{int(at // SCRAPE_S)}".encode(), digest_size=1).digest()[0] / 255
        return 1 + 0.06 * math.sin(at * 2 * math.pi / 1800) + 0.04 * (noise - 0.5)

    def exposition(self, pod: str) -> str:
        """What /metrics of that pod says."""
        lines: list[str] = []
        for series in self.pods.values():
            if series.labels["pod"] != pod or not series.times:
                continue
            for name in NAMES:
                if name == "up" or name.startswith("kube_"):
                    continue
                kind = "gauge" if name.endswith("bytes") else "counter"
                family = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
                if name.endswith("_bucket"):
                    lines.append(f"# TYPE {family} histogram")
                elif not name.startswith("http_request_duration"):
                    lines.append(f"# TYPE {name} {kind}")
                for labels, values, factor in series.series(name):
                    own = {key: value for key, value in labels.items() if key in ("le", "status", "method")}
                    inside = ",".join(f'{key}="{value}"' for key, value in own.items())
                    lines.append(
                        f"{name}{{{inside}}} {values[-1] * factor:.6g}" if inside else f"{name} {values[-1] * factor:.6g}"
                    )
        return "\n".join(lines) + "\n"
