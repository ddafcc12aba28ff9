"""A shell inside a container, on the terminal that the screen gives up meanwhile. The watching goes on underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import QuarterdeckError, RefusedError
from domain.fleet import Fleet
from domain.pods import Pod
from domain.targets import Target
from domain.templates import ContainerRole

if TYPE_CHECKING:
    from app.quarterdeck_app import QuarterdeckApp

COMMAND = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
"""As k9s: the better shell where there is one."""


async def open_shell(app: QuarterdeckApp, target: Target) -> None:
    pod, container = container_for(app.session.fleet, target)
    print_above = f"shell in {pod.name}, container {container}; `exit` or Ctrl-d comes back\r\n"
    trouble: QuarterdeckError | None = None
    code: int | None = None
    with app.suspend():
        # An exception must not leave this block: Textual would never take its terminal back.
        try:
            code = await app.session.cluster.open_shell(pod.namespace, pod.name, container, COMMAND, greeting=print_above)
        except QuarterdeckError as error:
            trouble = error
    app.paint_everything()
    if trouble is not None:
        raise trouble
    if code:
        app.say(f"The shell in {pod.name} ended with exit code {code}.", "warn")


def container_for(fleet: Fleet, target: Target) -> tuple[Pod, str]:
    """The selected pod, or one of the workload's; its first main container that runs. RefusedError where none does."""
    rollout = fleet.rollouts.get(target.workload) if target.workload else None
    uids = (target.pod_uid,) if target.pod_uid else (*rollout.new_pods, *rollout.old_pods) if rollout else ()
    for uid in uids:
        pod = fleet.pods.get(uid)
        for state in pod.containers if pod else ():
            is_wanted = state.name == target.container if target.container else state.role is ContainerRole.MAIN
            if pod and is_wanted and state.state == "running":
                return pod, state.name
    raise RefusedError("No container of it runs now.", "`p` shows the log of its last run.")
