"""Plans and journals for tests, and a runner that holds one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients.runner_lock import boot_id, host_name
from domain.journal import AbortAsked, Ended, JournalFact, Planned, RunnerStarted, StepBegan, StepEnded, StepTold
from domain.operations import OperationState, Place, Plan, Step, StepState
from domain.workloads import WorkloadKey, WorkloadKind


def plan(operation_id: str = "7KQ2MXPA", *, created_at: float = 1_800_000_000.0) -> Plan:
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [{"name": "c", "image": "shop:v1.8.2"}]}}
    patch = [
        {"op": "test", "path": "/metadata/generation", "value": 42},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    steps = (
        Step("lock", "lock", "take the lock", {"duration_s": 15}, undo="unlock", is_write=True),
        Step("patch", "patch", "patch the template (test: generation 42)", {"operations": patch}, is_write=True),
        Step("rollout", "rollout", "watch it to the end", timeout_s=600.0),
        Step("unlock", "unlock", "let the lock go", is_always_run=True, is_write=True),
    )
    return Plan(
        id=operation_id,
        action="rollback",
        place=Place("practice", "shop", "https://127.0.0.1:6443", is_production=True),
        workload=WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend"),
        who="ops@jump1",
        reason="crash loop after v1.9.0",
        created_at=created_at,
        summary="roll back shop-backend from v1.9.0 to v1.8.2",
        steps=steps,
        expected_s=40.0,
        details={"from": "v1.9.0", "digest": None, "counts": [1, 2.5, True]},
        warnings=("Argo CD owns it",),
    )


def story(operation_id: str = "7KQ2MXPA", *, pid: int = 4242, host: str = "jump1", boot_id: str = "b") -> list[JournalFact]:
    """Of a whole rollback, taken up once."""
    return [
        Planned(1.0, plan(operation_id)),
        RunnerStarted(2.0, pid, host, boot_id),
        StepBegan(3.0, "lock"),
        StepEnded(3.5, "lock", StepState.DONE, "held", result={"uid": "l-1"}),
        StepBegan(4.0, "patch"),
        RunnerStarted(9.0, pid + 1, host, boot_id),
        StepEnded(9.5, "patch", StepState.ALREADY, 'seen: "quarterdeck.dev/operation"', result={"generation": 43}),
        StepBegan(10.0, "rollout"),
        StepTold(11.0, "rollout", "4/6 ready — ½", 0.66),
        AbortAsked(12.0, "oncall@jump2"),
        StepEnded(13.0, "rollout", StepState.FAILED, "aborted", "resume it"),
        StepEnded(14.0, "unlock", StepState.SKIPPED),
        Ended(15.0, OperationState.FAILED, "not verified: 4/6", "quarterdeck ops resume 7KQ2MXPA"),
    ]


def here(operation_id: str = "7KQ2MXPA") -> list[JournalFact]:
    """As this process would have written it."""
    return story(operation_id, pid=os.getpid(), host=host_name(), boot_id=boot_id())


_ROOT = Path(__file__).parents[2]
_RUNNER = """
import os
import sys
import time
from pathlib import Path
from clients.journal_file import JournalFile
from clients.runner_lock import boot_id, host_name
from domain.journal import Planned, RunnerStarted, StepBegan
from tests.clients.journals import plan
journal = JournalFile.create(Path(sys.argv[1]), Planned(1.0, plan()))
journal.write(RunnerStarted(2.0, os.getpid(), host_name(), boot_id()))
journal.write(StepBegan(3.0, "lock"))
print("running", flush=True)
time.sleep(60)
"""


@contextmanager
def runner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun the operation of `plan()` and does no more."""
    command = [sys.executable, "-c", _RUNNER, str(folder)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
