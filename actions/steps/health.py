"""Asks the health endpoints of what runs now, until all is well or the time is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.ports import Executor, Ports, Run, StepFailed
from actions.steps.following import first_rollout
from actions.steps.making import key_of
from domain.fleet import Fleet
from domain.health import HealthAnswer, HealthEndpoint, endpoints_of, pod_to_ask
from domain.operations import Json, Step
from domain.pods import Pod
from domain.rollouts import Rollout

_ASK_EVERY_S = 2.0
_MOST_PODS = 5


class HealthChecks(Executor):
    """At several new pods, because one of them may be the one without a database."""

    kind = "health"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        if ports.health is None:
            return {"asked": 0, "message": "nothing here can ask"}
        key = key_of(step.arguments)
        while True:
            fleet, rollout = await first_rollout(ports, run, key)
            answers = await ports.health.ask(_endpoints(fleet, rollout, step))
            bad = [a for a in answers if not a.is_healthy]
            if not answers:
                return {"asked": 0, "message": "no health endpoint is known"}
            if not bad:
                return {**_result(answers), "message": f"{len(answers)} asked, all well"}
            if run.time_left_s <= _ASK_EVERY_S:
                raise StepFailed(_words(bad[0]), f"Look at the log of {bad[0].endpoint.where}.", result=_result(answers))
            run.tell(_words(bad[0]))
            await run.sleep(_ASK_EVERY_S)


def _endpoints(fleet: Fleet, rollout: Rollout, step: Step) -> tuple[HealthEndpoint, ...]:
    urls, service = step.arguments["urls"], step.arguments["service"]
    found: dict[str, HealthEndpoint] = {}
    for pod in new_pods(fleet, rollout)[:_MOST_PODS]:
        found |= {e.url: e for e in endpoints_of(rollout.workload, pod.name, urls=urls)}
    if not found:
        found = {e.url: e for e in endpoints_of(rollout.workload, service=service, urls=urls)}
    return tuple(found.values())


def new_pods(fleet: Fleet, rollout: Rollout) -> list[Pod]:
    """That run, the one whose word counts most first."""
    pods = [fleet.pods[uid] for uid in rollout.new_pods if uid in fleet.pods]
    ordered: list[Pod] = []
    while (pod := pod_to_ask(pods)) is not None:
        pods.remove(pod)
        ordered.append(pod)
    return ordered


def _words(answer: HealthAnswer) -> str:
    where = f"{answer.endpoint.title} at {answer.endpoint.where}" if answer.endpoint.where else answer.endpoint.title
    said = answer.error or answer.word or (f"{answer.status_code}" if answer.status_code else "no answer")
    failing = "".join(f", ✖ {c.name}" for c in answer.checks if not c.is_ok)
    return f"{where}: {said}{failing}"


def _result(answers: Sequence[HealthAnswer]) -> dict[str, Json]:
    """A named check is well where it is at every pod."""
    checks: dict[str, bool] = {}
    for answer in answers:
        for check in answer.checks:
            checks[check.name] = checks.get(check.name, True) and check.is_ok
    return {
        "asked": len(answers),
        "checks": [{"name": name, "is_ok": is_ok} for name, is_ok in checks.items()],
        "failed": [_words(a) for a in answers if not a.is_healthy],
    }
