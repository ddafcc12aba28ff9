"""Marks a version good or bad, for every host that looks at this namespace."""

from __future__ import annotations

from collections.abc import Mapping

from actions.ports import Executor, Ports, Run, StepCheck
from actions.steps.config_maps import read_data, write_data
from actions.steps.making import key_of
from domain.marks import MARKS_NAME, Mark, Standing, format_marks, merge_mark, parse_marks
from domain.operations import Json, Step


class Marks(Executor):
    kind = "mark"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        mark = _mark(ports, step, run)
        if not (mark.template_hash or mark.digest):
            return {"message": "nobody could say which version it is: not marked"}
        namespace = mark.workload.namespace

        def changed(data: Mapping[str, str]) -> Mapping[str, str]:
            return {**data, **format_marks(merge_mark(parse_marks(data, namespace), mark))}

        await write_data(ports, run, namespace, MARKS_NAME, changed)
        return {"message": f"{mark.image or mark.template_hash} is marked {mark.standing}"}

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        mark = _mark(ports, step, run)
        found = parse_marks(await read_data(ports, mark.workload.namespace, MARKS_NAME) or {}, mark.workload.namespace)
        return StepCheck(any(m.operation == mark.operation and _version(m) == _version(mark) for m in found))


def _mark(ports: Ports, step: Step, run: Run) -> Mark:
    given = step.arguments
    version = given if given["template_hash"] else {**run.results.get("rollout", {})}
    return Mark(
        workload=key_of(given),
        standing=Standing(given["standing"]),
        template_hash=str(version.get("template_hash", "")),
        digest=str(given["digest"] or version.get("digest", "")),
        at=ports.clock.now(),
        by=run.who,
        operation=run.plan.id,
        reason=str(given["reason"] or run.plan.reason)[:400],
        image=str(given["image"] or version.get("image", "")),
    )


def _version(mark: Mark) -> tuple[object, ...]:
    return mark.workload, mark.standing, mark.template_hash or mark.digest
