"""Changes a workload, once: fenced by uid and generation, and told apart by the operation's id in an annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.ports import Executor, Ports, Run, StepCheck
from domain.changed_by import changed_by
from domain.errors import ConflictError
from domain.operation_ports import ClusterObject
from domain.operations import Json, Step
from domain.template_patch import BY, OPERATION, REASON, template_fingerprint

_MOST_TRIES = 5
_LONGEST_REASON = 1024


class Patches(Executor):
    kind = "patch"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        for tries_left in reversed(range(_MOST_TRIES)):
            found = await _read(ports, step)
            if found.annotations.get(OPERATION) == run.plan.id:
                return _result(found, step)
            _refuse_if_changed(found, step)
            await run.before_write()
            try:
                return _result(await ports.cluster.patch(*_where(step), _operations(found, step, run)), step)
            except ConflictError:
                if not tries_left:
                    raise
                # Nothing was written, so it may be sent again, unless reading it now says who was first.
                await run.sleep(0.2)
        raise AssertionError("the last try returns or raises")

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        """By the operation's id. ConflictError: somebody else has changed it, and ours cannot be applied any more."""
        found = await _read(ports, step)
        if found.annotations.get(OPERATION) == run.plan.id:
            return StepCheck(True, _result(found, step))
        _refuse_if_changed(found, step)
        return StepCheck(False)


async def _read(ports: Ports, step: Step) -> ClusterObject:
    return await ports.cluster.read(*_where(step))


def _where(step: Step) -> tuple[str, str, str]:
    return str(step.arguments["kind"]), str(step.arguments["namespace"]), str(step.arguments["workload"])


def _refuse_if_changed(found: ClusterObject, step: Step) -> None:
    name, planned = step.arguments["workload"], step.arguments["generation"]
    if found.uid != step.arguments["uid"]:
        raise ConflictError(f"{name} was deleted and made anew since this was planned", "Plan it again.")
    if found.generation != planned:
        by = changed_by(found.body)
        who = f" by {by}" if by else ""
        message = f"{name} was changed since this was planned{who}: generation {found.generation}, not {planned}"
        raise ConflictError(message, "Nothing was changed by this operation. Look at what it is now, then plan it again.")


def _operations(found: ClusterObject, step: Step, run: Run) -> list[dict[str, Any]]:
    """The plan's own, with what is missing of tests and trace."""
    operations = [dict(o) for o in step.arguments["operations"]]
    tested = {o["path"] for o in operations if o["op"] == "test"}
    tests = [
        {"op": "test", "path": path, "value": step.arguments[name]}
        for path, name in (("/metadata/uid", "uid"), ("/metadata/generation", "generation"))
        if path not in tested
    ]
    trace = {OPERATION: run.plan.id, BY: run.who, REASON: run.plan.reason[:_LONGEST_REASON]}
    wanted = {name: value for name, value in {**trace, **step.arguments.get("annotations", {})}.items() if value}
    missing = {name: value for name, value in wanted.items() if name not in _annotated(operations)}
    added: list[dict[str, Any]] = []
    has_map = "annotations" in found.body["metadata"] or any(o["path"] == "/metadata/annotations" for o in operations)
    if missing and has_map:
        added = [{"op": "add", "path": f"/metadata/annotations/{_escaped(n)}", "value": v} for n, v in missing.items()]
    elif missing:
        # Nothing but the resourceVersion guards a map that does not exist yet.
        tests.append({"op": "test", "path": "/metadata/resourceVersion", "value": found.resource_version})
        added = [{"op": "add", "path": "/metadata/annotations", "value": missing}]
    return [*tests, *operations, *added]


def _annotated(operations: Sequence[Mapping[str, Any]]) -> set[str]:
    names: set[str] = set()
    for operation in operations:
        if operation["op"] not in ("add", "replace"):
            continue
        if operation["path"] == "/metadata/annotations":
            names.update(operation["value"])
        elif operation["path"].startswith("/metadata/annotations/"):
            names.add(operation["path"].rpartition("/")[2].replace("~1", "/").replace("~0", "~"))
    return names


def _escaped(name: str) -> str:
    """RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def _result(found: ClusterObject, step: Step) -> Mapping[str, Json]:
    """`generation` and `template` say which rollout is ours; where only the scale was changed `template` is the same."""
    template = found.body.get("spec", {}).get("template")
    fingerprint = template_fingerprint(template) if template else ""
    return {
        "generation": found.generation,
        "template": fingerprint,
        "message": f"patched, generation {found.generation}",
    }
