"""Rolls a release back with the real helm, once, and finds out from the release's history what has come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from actions.ports import Executor, Ports, Run, StepCheck, StepFailed
from domain.ages import short_duration
from domain.errors import ConflictError, OutsideError, UnreachableError
from domain.helm import Release, ReleaseRevision, ReleaseStatus
from domain.helm_ports import Helm
from domain.operation_ports import CommandResult
from domain.operations import Json, Step

_TOLD_EVERY_S = 5.0
_LOOK_EVERY_S = 1.0
_BEGINS_WITHIN_S = 10.0
"""A helm that was started writes its new revision within so long; before that nothing shows it."""


def helm_step(
    namespace: str,
    release: str,
    *,
    to: int,
    newest: int,
    newest_status: str,
    history_max: int = 10,
    helm_timeout_s: float = 300.0,
    undo: str = "",
) -> Step:
    """`newest` and its status are what the plan was made from: with anything else nothing is done."""
    arguments = {
        "namespace": namespace,
        "release": release,
        "to": to,
        "newest": newest,
        "newest_status": newest_status,
        "history_max": history_max,
        "helm_timeout_s": helm_timeout_s,
    }
    words = f"helm rollback {release} {to} --wait (test: newest revision is {newest}, {newest_status})"
    # Helm's own limit is for each thing it waits for: a hook, then the rollout.
    return Step("helm", "helm", words, arguments, undo=undo, timeout_s=helm_timeout_s * 2 + 60, is_write=True)


class HelmRollbacks(Executor):
    kind = "helm"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        helm = _helm(ports)
        release = await helm.read(*_where(step))
        begun = _ours(release, step, run.plan.id)
        if begun is not None and begun.status is ReleaseStatus.DEPLOYED:
            return _result(begun)
        if begun is None or (helm.is_running(run.plan.id) is None and not _is_old(begun, step, ports.clock.now(), 0)):
            _refuse_if_changed(release, step)
        await run.before_write()
        done = await _run(helm, step, run)
        return await self._come_to(helm, step, run, done, before=release.newest.number)

    async def _come_to(self, helm: Helm, step: Step, run: Run, done: CommandResult, *, before: int) -> Mapping[str, Json]:
        """By the history, whatever helm said: its exit code says nothing about what is stored."""
        try:
            release = await helm.read(*_where(step))
        except OutsideError as error:
            raise UnreachableError(
                f"helm has ended, and its history cannot be read: {error.message}", error.hint
            ) from error
        ours = _ours(release, step, run.plan.id)
        if ours is None or ours.number <= before:
            said = _said(done.output) or "helm said nothing"
            raise StepFailed(f"helm has made no new revision: {said}", "Nothing was changed. Try it by hand.")
        if ours.status is ReleaseStatus.DEPLOYED:
            return _result(ours)
        if ours.status.is_pending:
            raise UnreachableError(f"revision {ours.number} is {ours.status}", "Look at it: `helm history`.", system="Helm")
        raise _failed(ours, step, done.output)

    async def check(self, ports: Ports, step: Step, run: Run) -> StepCheck:
        """A helm that lives is waited for. One that was killed has left its revision pending: that has not happened."""
        helm = _helm(ports)
        looked_s = 0.0
        while True:
            release = await helm.read(*_where(step))
            ours = _ours(release, step, run.plan.id)
            if ours is not None and not ours.status.is_pending:
                if ours.status is ReleaseStatus.DEPLOYED:
                    return StepCheck(True, _result(ours))
                raise _failed(ours, step, ())
            is_alive = helm.is_running(run.plan.id)
            if not is_alive and (is_alive is False or _is_old(ours, step, ports.clock.now(), looked_s)):
                return self._not_done(release, ours, step)
            if run.time_left_s <= _LOOK_EVERY_S:
                words = f"revision {ours.number} is {ours.status}" if ours else "helm is at work"
                return StepCheck(None, message=words, hint="Wait until helm has ended, then resume.")
            run.tell("helm is still at work" if is_alive else "waiting whether a helm on another host is at work")
            await ports.clock.sleep(_LOOK_EVERY_S)
            looked_s += _LOOK_EVERY_S

    def _not_done(self, release: Release, ours: ReleaseRevision | None, step: Step) -> StepCheck:
        if ours is None:
            _refuse_if_changed(release, step)
        return StepCheck(False)


def _helm(ports: Ports) -> Helm:
    if ports.helm is None:
        raise StepFailed("nothing here can run helm", "This is a defect: please report it.")
    return ports.helm


def _where(step: Step) -> tuple[str, str]:
    return str(step.arguments["namespace"]), str(step.arguments["release"])


def _ours(release: Release, step: Step, operation: str) -> ReleaseRevision | None:
    """The newest revision where this operation has made it. Helm 4 lets us sign it; of Helm 3 it is the rollback to our
    target that follows on what the plan was made from, and nothing else does."""
    newest, planned = release.newest, int(step.arguments["newest"])
    if newest.number <= planned or newest.goes_back_to != int(step.arguments["to"]):
        return None
    between = [r for r in release.revisions if planned < r.number <= newest.number]
    is_signed = "(quarterdeck " in newest.description
    if is_signed:
        return newest if f"(quarterdeck {operation})" in newest.description else None
    # More than one is what a helm that was killed has left, and the one after it.
    return newest if all(r.goes_back_to == newest.goes_back_to for r in between) else None


def _refuse_if_changed(release: Release, step: Step) -> None:
    newest, planned = release.newest, int(step.arguments["newest"])
    if newest.number == planned and str(newest.status) == step.arguments["newest_status"]:
        return
    about = f" ({newest.description})" if newest.description else ""
    message = (
        f"{release.name} was changed since this was planned: revision {newest.number} is {newest.status}{about},"
        f" it was revision {planned}, {step.arguments['newest_status']}"
    )
    raise ConflictError(
        message, "Nothing was changed by this operation. Look at its history, then plan it again.", system="Helm"
    )


def _is_old(ours: ReleaseRevision | None, step: Step, now: float, looked_s: float) -> bool:
    """Whether no helm can be at work on it, where nobody can say so."""
    if ours is None:
        return looked_s >= _BEGINS_WITHIN_S
    return ours.changed_at is not None and now - ours.changed_at > 2 * float(step.arguments["helm_timeout_s"])


async def _run(helm: Helm, step: Step, run: Run) -> CommandResult:
    """Told now and then; ending this does not end helm."""
    limit_s = float(step.arguments["helm_timeout_s"])
    running = asyncio.ensure_future(
        helm.rollback(
            *_where(step),
            int(step.arguments["to"]),
            operation=run.plan.id,
            timeout_s=limit_s,
            history_max=int(step.arguments["history_max"]),
        )
    )
    began_s = asyncio.get_running_loop().time()
    try:
        while True:
            await asyncio.wait({running}, timeout=_TOLD_EVERY_S)
            if running.done():
                return running.result()
            run.tell(f"helm waits for it, {short_duration(asyncio.get_running_loop().time() - began_s)}")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _result(revision: ReleaseRevision) -> Mapping[str, Json]:
    return {"revision": revision.number, "message": f"{revision.words} is deployed"}


def _failed(revision: ReleaseRevision, step: Step, output: Sequence[str]) -> StepFailed:
    said = _said(output) or revision.description
    message = f"revision {revision.number} is {revision.status}: {said}"
    hint = "Look at its pods; `quarterdeck helm history` has the revisions."
    return StepFailed(message, hint, result={"revision": revision.number})


def _said(output: Sequence[str]) -> str:
    """Helm's own sentence on what went wrong."""
    errors = [line.removeprefix("Error: ") for line in output if line.startswith("Error: ")]
    return (errors or list(output) or [""])[-1][:500]
