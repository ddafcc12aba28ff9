"""One container on its node: its runs so far, and its status as the kubelet reports it."""

from __future__ import annotations

from dataclasses import dataclass, field

from practice.images import Image, digest_of, image_id
from practice.objects import Json, rfc3339


@dataclass(slots=True)
class Run:
    """From `started` to `finished` (epoch seconds; None: still running)."""

    started: float
    finished: float | None = None
    exit_code: int = 0
    reason: str = ""


@dataclass(slots=True)
class Container:
    spec: Json
    image: Image
    is_init: bool = False
    runs: list[Run] = field(default_factory=list)
    waiting: str = "ContainerCreating"
    """The waiting reason while nothing runs; "" while it runs, or has ended and is being looked at."""
    message: str = ""
    is_ready: bool = False
    pulls_failed: int = 0
    restarts: int = 0
    step: int = 0
    """Raised by everything that ends what was planned for it, so that late timers know they are late."""

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def reference(self) -> str:
        return str(self.spec["image"])

    @property
    def path(self) -> str:
        return f"spec.{'initContainers' if self.is_init else 'containers'}{{{self.name}}}"

    @property
    def is_running(self) -> bool:
        return bool(self.runs) and self.runs[-1].finished is None

    @property
    def is_done(self) -> bool:
        """An init container that did its work."""
        return self.is_init and bool(self.runs) and self.runs[-1].finished is not None and self.runs[-1].exit_code == 0

    def status(self) -> Json:
        ended = bool(self.runs) and not self.is_running
        status: Json = {
            "name": self.name,
            "ready": self.is_ready or self.is_done,
            "restartCount": self.restarts,
            "image": self.reference,
            "imageID": image_id(self.reference) if self.runs else "",
            "started": self.is_running,
        }
        if self.is_running:
            state: Json = {"running": {"startedAt": rfc3339(self.runs[-1].started)}}
        elif self.waiting:
            state = {"waiting": {"reason": self.waiting}}
            if self.message:
                state["waiting"]["message"] = self.message
        else:
            state = self._terminated(len(self.runs) - 1)
        status["state"] = state
        last = len(self.runs) - (1 if ended and self.waiting else 2)
        status["lastState"] = self._terminated(last) if last >= 0 else {}
        if self.runs:
            status["containerID"] = self._id(len(self.runs) - 1)
        return status

    def _terminated(self, index: int) -> Json:
        run = self.runs[index]
        return {
            "terminated": {
                "exitCode": run.exit_code,
                "reason": run.reason,
                "startedAt": rfc3339(run.started),
                "finishedAt": rfc3339(run.finished or run.started),
                "containerID": self._id(index),
            }
        }

    def _id(self, index: int) -> str:
        return "containerd://" + digest_of(f"{self.reference}{self.runs[index].started}{self.name}{index}")[7:]
