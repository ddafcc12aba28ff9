"""One operation a workload: its Lease is held from the first step to the last."""

from __future__ import annotations

from collections.abc import Mapping

from actions.ports import Executor, Ports, Run, StepCheck, StepFailed
from actions.steps.making import holder_of
from actions.steps.record import find_record
from actions.stopping import LockLostError
from domain.errors import ConflictError
from domain.operation_ports import LeaseState
from domain.operation_record import ACTION, OperationRecord, lease_sentence
from domain.operations import Json, Step, StepState
from domain.sanitise import sanitise
from domain.template_patch import BY, OPERATION, REASON

_TRY_EVERY_S = 1.0


class Locks(Executor):
    """Refuses with who holds it, for what, since when. What a dead runner left locked is waited for where the plan takes
    it over, where its operation is recorded as over, or where it is this very operation."""

    kind = "lock"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        while True:
            await run.before_write()
            try:
                lease = await _acquire(ports, step, run)
                break
            except ConflictError as error:
                found = await ports.leases.read(step.arguments["namespace"], step.arguments["lease"])
                record = await find_record(ports, step.arguments["namespace"], step.arguments["lease"])
                if not _is_waited_for(step, run, found, record) or run.time_left_s < _TRY_EVERY_S:
                    raise _refusal(step, found, record) from error
                run.tell(f"waiting for the lock of {_who(found)} to expire")
                await run.sleep(_TRY_EVERY_S)
        run.hold(lease, step.arguments["namespace"])
        return {"holder": lease.holder, "message": f"locked for {run.who}"}

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        found = await ports.leases.read(step.arguments["namespace"], step.arguments["lease"])
        if found is None or found.holder != holder_of(run.who, run.plan.id):
            return StepCheck(False)
        run.hold(found, step.arguments["namespace"])
        return StepCheck(True, {"holder": found.holder})

    async def take_up(self, ports: Ports, step: Step, run: Run) -> None:
        """LockLostError: another operation has it by now, or another runner of this one lives."""
        if any(s.step.kind == "unlock" and s.state is not StepState.WAITING for s in run.operation.steps):
            return
        while True:
            try:
                lease = await _acquire(ports, step, run)
                break
            except ConflictError as error:
                found = await ports.leases.read(step.arguments["namespace"], step.arguments["lease"])
                if found is not None and _operation(found) != run.plan.id:
                    raise LockLostError(f"{_who(found)} has taken the lock over") from error
                if run.time_left_s < _TRY_EVERY_S:
                    raise LockLostError(f"another runner of this operation, of {_who(found)}, is alive") from error
                run.tell(f"waiting for the lock of {_who(found)} to expire")
                await ports.clock.sleep(_TRY_EVERY_S)
        run.hold(lease, step.arguments["namespace"])


class Unlocks(Executor):
    kind = "unlock"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        await run.before_write()
        lease = await run.let_go()
        if lease is None:
            lease = await ports.leases.read(step.arguments["namespace"], step.arguments["lease"])
        if lease is not None and lease.holder == holder_of(run.who, run.plan.id):
            await ports.leases.release(lease, step.arguments["namespace"])
            return {"message": "unlocked"}
        return {"message": "was not locked by this operation any more"}

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        await run.let_go()
        found = await ports.leases.read(step.arguments["namespace"], step.arguments["lease"])
        return StepCheck(found is None or found.holder != holder_of(run.who, run.plan.id))


async def _acquire(ports: Ports, step: Step, run: Run) -> LeaseState:
    plan = run.plan
    annotations = {OPERATION: plan.id, BY: run.who, ACTION: plan.action, REASON: plan.reason[:1024]}
    holder = holder_of(run.who, plan.id)
    place = step.arguments["namespace"], step.arguments["lease"]
    return await ports.leases.acquire(*place, holder, int(step.arguments["duration_s"]), annotations)


def _is_waited_for(step: Step, run: Run, found: LeaseState | None, record: OperationRecord | None) -> bool:
    if found is None or _operation(found) == run.plan.id or step.arguments.get("take_over_reason"):
        return True
    return record is not None and record.operation == _operation(found) and record.is_over


def _refusal(step: Step, found: LeaseState | None, record: OperationRecord | None) -> StepFailed:
    operation = _operation(found) if found is not None else ""
    if record is not None and record.operation == operation:
        message = record.sentence
    elif found is not None and found.holder:
        message = lease_sentence(found)
    else:
        message = f"somebody was quicker to lock {step.arguments['workload']}"
    hint = f"Follow it: quarterdeck ops attach {operation}." if operation else "Wait for it."
    hint += " Where its runner is dead, resume it or take it over with a reason."
    return StepFailed(message, hint, result={"is_refused": True})


def _operation(lease: LeaseState) -> str:
    return sanitise(lease.annotations.get(OPERATION, "") or lease.holder.partition("/")[2], 40)


def _who(lease: LeaseState | None) -> str:
    return sanitise(lease.holder.partition("/")[0], 200) if lease is not None and lease.holder else "somebody"
