"""Pods in every state that the printing rules tell apart: as they travel, with what kubectl prints of them.

Written from the rules and checked against a real kubectl by `test_pods_as_kubectl_prints_them`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

STARTED = "2026-11-23T15:00:05Z"
ENDED = "2026-11-23T15:10:00Z"
RUNNING: Json = {"running": {"startedAt": STARTED}}
FINISHED: Json = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": STARTED, "finishedAt": ENDED}}
FAILED: Json = {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": STARTED, "finishedAt": ENDED}}
READY: tuple[Json, ...] = ({"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"})
NOT_READY: tuple[Json, ...] = ({"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"})
NOT_INITIALIZED: tuple[Json, ...] = ({"type": "Initialized", "status": "False"}, {"type": "Ready", "status": "False"})


def waiting(reason: str) -> Json:
    return {"waiting": {"reason": reason, "message": f"because of {reason}"}}


def ended(code: int, reason: str = "", signal: int = 0) -> Json:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal, "finishedAt": ENDED}}


def container(
    state: Json, *, ready: bool = False, restarts: int = 0, last: Json | None = None, started: bool | None = None
) -> Json:
    return {"state": state, "ready": ready, "restartCount": restarts, "lastState": last or {}, "started": started}


OK = container(RUNNING, ready=True, started=True)


@dataclass(frozen=True)
class Shape:
    """`init` and `main` are container statuses; a container of `init` named in `sidecars` (by index) is a sidecar."""

    name: str
    ready: str
    status: str
    restarts: int = 0
    is_faulty: bool = False
    init: tuple[Json, ...] = ()
    main: tuple[Json, ...] = ()
    sidecars: frozenset[int] = frozenset()
    phase: str = "Running"
    reason: str = ""
    conditions: tuple[Json, ...] = READY
    is_deleted: bool = False
    has_restart_time: bool = False
    more: Json = field(default_factory=dict)

    @property
    def spec(self) -> Json:
        mains = self.main or ({},)
        init = [
            {"name": f"i{n}", "image": "app:1"} | ({"restartPolicy": "Always"} if n in self.sidecars else {})
            for n in range(len(self.init))
        ]
        return {"initContainers": init, "containers": [{"name": f"c{n}", "image": "app:1"} for n in range(len(mains))]}

    @property
    def status_object(self) -> Json:
        named = {"image": "app:1", "imageID": ""}
        return {
            "phase": self.phase,
            "reason": self.reason,
            "conditions": list(self.conditions),
            "initContainerStatuses": [{"name": f"i{n}", **named, **c} for n, c in enumerate(self.init)],
            "containerStatuses": [{"name": f"c{n}", **named, **c} for n, c in enumerate(self.main)],
        }


_CRASHED = container(waiting("CrashLoopBackOff"), restarts=4, last=FAILED)
_SIDECAR = container(RUNNING, ready=True, started=True, restarts=2, last=FAILED)

SHAPES = (
    Shape("running", "1/1", "Running", main=(OK,)),
    Shape("two-containers", "2/2", "Running", main=(OK, OK)),
    Shape("not-ready", "0/1", "Running", main=(container(RUNNING),), conditions=NOT_READY),
    Shape("creating", "0/1", "ContainerCreating", main=(container(waiting("ContainerCreating")),), phase="Pending"),
    Shape("pending", "0/1", "Pending", phase="Pending", conditions=()),
    Shape(
        "unschedulable",
        "0/1",
        "Pending",
        phase="Pending",
        conditions=({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"},),
        is_faulty=True,
    ),
    Shape(
        "gated",
        "0/1",
        "SchedulingGated",
        phase="Pending",
        conditions=({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},),
    ),
    Shape(
        "pull", "0/1", "ImagePullBackOff", main=(container(waiting("ImagePullBackOff")),), phase="Pending", is_faulty=True
    ),
    Shape("crash", "0/1", "CrashLoopBackOff", 4, True, main=(_CRASHED,), conditions=NOT_READY, has_restart_time=True),
    Shape(
        "one-of-two", "1/2", "CrashLoopBackOff", 4, True, main=(OK, _CRASHED), conditions=NOT_READY, has_restart_time=True
    ),
    Shape(
        "first-speaks",
        "0/2",
        "ErrImagePull",
        4,
        True,
        main=(container(waiting("ErrImagePull")), _CRASHED),
        has_restart_time=True,
    ),
    Shape("completed", "0/1", "Completed", main=(container(FINISHED),), phase="Succeeded", conditions=NOT_READY),
    Shape("error", "0/1", "Error", main=(container(FAILED),), phase="Failed", conditions=NOT_READY, is_faulty=True),
    Shape(
        "exit-code", "0/1", "ExitCode:7", main=(container(ended(7)),), phase="Failed", conditions=NOT_READY, is_faulty=True
    ),
    Shape("signal", "0/1", "Signal:9", main=(container(ended(137, signal=9)),), phase="Failed", is_faulty=True),
    Shape("oom", "0/1", "OOMKilled", main=(container(ended(137, "OOMKilled")),), conditions=NOT_READY, is_faulty=True),
    Shape("completed-beside-running", "1/2", "Running", main=(OK, container(FINISHED))),
    Shape("completed-not-ready", "1/2", "NotReady", main=(OK, container(FINISHED)), conditions=NOT_READY),
    Shape("evicted", "0/1", "Evicted", phase="Failed", reason="Evicted", conditions=(), is_faulty=True),
    Shape("restarted-long-ago", "1/1", "Running", 1, main=(OK | {"restartCount": 1},)),
    Shape(
        "init-first", "0/1", "Init:0/2", init=(container(RUNNING), container(waiting("PodInitializing"))), phase="Pending"
    ),
    Shape(
        "init-second",
        "0/1",
        "Init:1/2",
        init=(container(FINISHED), container(RUNNING)),
        phase="Pending",
        conditions=NOT_INITIALIZED,
    ),
    Shape(
        "init-crash",
        "0/1",
        "Init:CrashLoopBackOff",
        4,
        True,
        init=(_CRASHED,),
        main=(container(waiting("PodInitializing")),),
        phase="Pending",
        conditions=NOT_INITIALIZED,
        has_restart_time=True,
    ),
    Shape(
        "init-error",
        "0/1",
        "Init:Error",
        init=(container(FAILED),),
        phase="Pending",
        conditions=NOT_INITIALIZED,
        is_faulty=True,
    ),
    Shape(
        "init-exit-code",
        "0/1",
        "Init:ExitCode:5",
        init=(container(ended(5)),),
        phase="Pending",
        conditions=NOT_INITIALIZED,
        is_faulty=True,
    ),
    Shape(
        "init-signal",
        "0/1",
        "Init:Signal:15",
        init=(container(ended(143, signal=15)),),
        phase="Pending",
        conditions=NOT_INITIALIZED,
        is_faulty=True,
    ),
    Shape("init-done", "1/1", "Running", init=(container(FINISHED, restarts=3, last=FAILED),), main=(OK,)),
    Shape("sidecar", "2/2", "Running", 2, init=(_SIDECAR,), main=(OK,), sidecars=frozenset({0}), has_restart_time=True),
    Shape(
        "sidecar-starting",
        "0/2",
        "Init:0/1",
        init=(container(RUNNING, started=False),),
        main=(container(waiting("PodInitializing")),),
        sidecars=frozenset({0}),
        phase="Pending",
        conditions=NOT_INITIALIZED,
    ),
    Shape(
        "sidecar-then-init",
        "1/2",
        "Init:1/2",
        2,
        True,
        init=(_SIDECAR, container(RUNNING)),
        main=(container(waiting("PodInitializing")),),
        sidecars=frozenset({0}),
        phase="Pending",
        conditions=NOT_INITIALIZED,
        has_restart_time=True,
    ),
    Shape(
        "sidecar-crash",
        "1/2",
        "Init:CrashLoopBackOff",
        4,
        True,
        init=(_CRASHED | {"started": False},),
        main=(OK,),
        sidecars=frozenset({0}),
        conditions=NOT_READY,
        has_restart_time=True,
    ),
    Shape("terminating", "1/1", "Terminating", main=(OK,), is_deleted=True),
    Shape("terminating-crashed", "0/1", "Terminating", 4, main=(_CRASHED,), is_deleted=True, has_restart_time=True),
    Shape("deleted-when-done", "0/1", "Completed", main=(container(FINISHED),), phase="Succeeded", is_deleted=True),
    Shape("node-lost", "1/1", "Unknown", main=(OK,), reason="NodeLost", is_deleted=True, is_faulty=True),
    Shape("node-lost-not-deleted", "1/1", "NodeLost", main=(OK,), reason="NodeLost", is_faulty=True),
)
