"""Writes what was done as a Kubernetes Event, where everybody with kubectl sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actions.ports import Executor, Ports, Run, StepCheck
from domain.errors import NotFoundError
from domain.operations import Json, OperationState, Step
from domain.report import outcome_of

_LONGEST_MESSAGE = 1024
"""`core/v1` Event: the API server refuses a longer one."""


class Events(Executor):
    """One an operation: its name is made from the operation's id, so that the API server refuses a second."""

    kind = "event"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        await run.before_write()
        await ports.cluster.create(_body(ports, step, run))
        return {"name": _name(step, run), "message": "event written"}

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        try:
            await ports.cluster.read("Event", step.arguments["namespace"], _name(step, run))
        except NotFoundError:
            return StepCheck(False)
        return StepCheck(True, {"name": _name(step, run)})


def _name(step: Step, run: Run) -> str:
    return f"{step.arguments['workload'][:200]}.quarterdeck-{run.plan.id.lower()}"


def _body(ports: Ports, step: Step, run: Run) -> dict[str, Any]:
    given, plan = step.arguments, run.plan
    outcome = outcome_of(run.operation)
    reason = f" Reason: {plan.reason}" if plan.reason else ""
    message = f"{run.who}: {plan.summary}. {outcome.line}.{reason} (operation {plan.id})"
    now = datetime.fromtimestamp(ports.clock.now(), UTC)
    seconds = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(step, run), "namespace": given["namespace"]},
        "involvedObject": {
            "apiVersion": given["api_version"],
            "kind": given["kind"],
            "namespace": given["namespace"],
            "name": given["workload"],
            "uid": given["uid"],
        },
        "type": "Normal" if outcome.state is OperationState.SUCCEEDED else "Warning",
        "reason": given["reason"],
        "action": plan.action,
        "message": message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…",
        "source": {"component": "quarterdeck"},
        "reportingComponent": "quarterdeck",
        "reportingInstance": run.who[:128],
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "count": 1,
    }
