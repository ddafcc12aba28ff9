"""What a pod template asks for: containers, images, probes and limits, and the template's own text for comparing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class ContainerRole(StrEnum):
    INIT = "init"
    SIDECAR = "sidecar"
    """An init container with `restartPolicy: Always`."""
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class Probe:
    """Times are seconds with Kubernetes' defaults already filled in; `path` is "" for a probe that is not HTTP."""

    kind: str
    """"readiness", "liveness" or "startup"."""
    path: str
    port: str
    """A number or a port name, as written."""
    scheme: str
    initial_delay_s: int
    period_s: int
    failure_threshold: int
    timeout_s: int

    @property
    def window_s(self) -> int:
        """After how many seconds from the container's start a failing probe is no longer just early (VERDICT: SUSPECT)."""
        return self.initial_delay_s + self.failure_threshold * self.period_s


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    name: str
    role: ContainerRole
    image: str
    probes: tuple[Probe, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    """(name, number); the name may be ""."""
    cpu_limit_m: int | None = None
    """Millicores."""
    memory_limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class PodTemplate:
    containers: tuple[ContainerSpec, ...] = ()
    text: str = "{}"
    """The template as JSON, as the server gave it: only for comparing. What is decoded from it must be sanitised."""

    @property
    def main_images(self) -> tuple[str, ...]:
        return tuple(c.image for c in self.containers if c.role is ContainerRole.MAIN)

    @property
    def readiness_window_s(self) -> int:
        """How long a pod of this template may take to become ready before that is suspicious; 0 where no probe says."""
        windows = [p.window_s for c in self.containers for p in c.probes if p.kind == "readiness"]
        starts = [p.window_s for c in self.containers for p in c.probes if p.kind == "startup"]
        return max(windows, default=0) + max(starts, default=0)


@dataclass(frozen=True, slots=True)
class ImageName:
    """registry/repository:tag@digest, taken apart for people."""

    repository: str
    tag: str
    digest: str

    @property
    def short(self) -> str:
        """`shop-backend:v1.9.0`, or with a short digest where there is no tag."""
        name = self.repository.rsplit("/", 1)[-1]
        if self.tag:
            return f"{name}:{self.tag}"
        return f"{name}@{self.digest[7:15]}" if self.digest else name

    @property
    def version(self) -> str:
        """What tells this image from the next one: the tag, else the short digest, else `latest`."""
        return self.tag or (self.digest[7:15] if self.digest else "latest")


@lru_cache(maxsize=2048)
def image_name(reference: str) -> ImageName:
    rest, _, digest = reference.partition("@")
    head, colon, tail = rest.rpartition(":")
    if colon and "/" not in tail:
        return ImageName(head, tail, digest)
    return ImageName(rest, "", digest)
