"""Tells every other Quarterdeck, in a ConfigMap beside the lock, what goes on, how far it is and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from actions.ports import Executor, Ports, Run, StepCheck
from actions.steps.config_maps import read_data, write_data
from domain.operation_record import OperationRecord, position_data, read_record, record_data
from domain.operations import Json, Operation, OperationState, Step, StepState
from domain.report import outcome_of


class Records(Executor):
    kind = "record"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        state, line = _state(step, run)
        if step.arguments.get("is_end"):
            found = await read_data(ports, *_where(step))
            if found is not None and found.get("operation") != run.plan.id:
                return {"message": "another operation has been recorded since"}
        data = record_data(run.operation, run.who, state, line)
        await write_data(ports, run, *_where(step), lambda _: data)
        return {"message": "recorded"}

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        data = await read_data(ports, *_where(step)) or {}
        is_ours = data.get("operation") == run.plan.id
        return StepCheck(is_ours and data.get("state") == _state(step, run)[0])


async def find_record(ports: Ports, namespace: str, name: str) -> OperationRecord | None:
    """What is known in the cluster of the newest operation; None for none."""
    return read_record(await read_data(ports, namespace, name) or {})


async def write_position(ports: Ports, operation: Operation) -> None:
    """Only into a record that is of this operation and not over; ConflictError otherwise."""
    step = next((s.step for s in operation.steps if s.step.kind == "record" and s.state is StepState.DONE), None)
    if step is None:
        return
    tests = (("operation", operation.plan.id), ("state", str(OperationState.RUNNING)))
    patch = [{"op": "test", "path": f"/data/{name}", "value": value} for name, value in tests]
    patch += [{"op": "replace", "path": f"/data/{k}", "value": v} for k, v in position_data(operation).items()]
    await ports.cluster.patch("ConfigMap", *_where(step), patch)


def _state(step: Step, run: Run) -> tuple[OperationState, str]:
    if not step.arguments.get("is_end"):
        return OperationState.RUNNING, ""
    outcome = outcome_of(run.operation)
    return outcome.state, outcome.line


def _where(step: Step) -> tuple[str, str]:
    return str(step.arguments["namespace"]), str(step.arguments["name"])
