"""Smoke tests (SOP 9.1): addresses that must answer, and a command that must end well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.ports import Executor, Ports, Run, StepFailed
from actions.steps.following import first_rollout
from actions.steps.health import new_pods
from actions.steps.making import key_of
from domain.fleet import Fleet
from domain.health import HealthAnswer, HealthEndpoint, direct_endpoint, proxy_path
from domain.operations import Json, Step
from domain.rollouts import Rollout
from domain.templates import ContainerRole

_TRY_EVERY_S = 2.0
_MOST_LINES = 50


class SmokeAddresses(Executor):
    """As `curl -f`: an answer of 2xx is a pass, whatever stands in it."""

    kind = "smoke_http"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        urls = [str(u) for u in step.arguments["urls"]]
        if ports.health is None:
            raise StepFailed("nothing here can ask an address", "This is a defect: please report it.")
        for tries_left in reversed(range(max(1, int(step.arguments["tries"])))):
            failed = await self._failed(ports, step, run, urls)
            if not failed:
                return {"passed": len(urls), "total": len(urls), "message": f"{len(urls)}/{len(urls)} passed"}
            if not tries_left or run.time_left_s <= _TRY_EVERY_S:
                break
            run.tell(f"{failed[0]}; trying again")
            await run.sleep(_TRY_EVERY_S)
        result = {"passed": len(urls) - len(failed), "total": len(urls), "failed": failed}
        raise StepFailed(f"smoke test failed: {failed[0]}", "Try it by hand.", result=result)

    async def _failed(self, ports: Ports, step: Step, run: Run, urls: Sequence[str]) -> list[str]:
        endpoints: dict[str, HealthEndpoint] = {u: direct_endpoint(u) for u in urls if not u.startswith("/")}
        if len(endpoints) < len(urls):
            fleet, rollout = await first_rollout(ports, run, key_of(step.arguments))
            base = _base(fleet, rollout, str(step.arguments["service"]))
            endpoints |= {u: _proxied(base, rollout, u) for u in urls if u.startswith("/")}
        missing = [f"{u}: there is no pod or service to ask" for u, e in endpoints.items() if not e.url]
        assert ports.health is not None
        answers = await ports.health.ask([e for e in endpoints.values() if e.url])
        return missing + [_words(a) for a in answers if a.status_code is None or not 200 <= a.status_code < 300]


class SmokeCommands(Executor):
    kind = "smoke_command"

    async def carry_out(self, ports: Ports, step: Step, run: Run) -> Mapping[str, Json]:
        argv = [str(a) for a in step.arguments["argv"]]
        run.tell(f"running {' '.join(argv)}")
        done = await ports.commands.run(argv, timeout_s=run.time_left_s, env=dict(step.arguments["env"]))
        output = list(done.output[-_MOST_LINES:])
        result: dict[str, Json] = {"passed": 1, "total": 1, "exit_code": done.exit_code, "output": output}
        if done.exit_code == 0:
            return {**result, "message": f"passed in {done.took_s:.0f} s"}
        how = f"ended with {done.exit_code}" if done.exit_code is not None else f"was not done within {step.timeout_s:g} s"
        last = next((line for line in reversed(output) if line.strip()), "")
        message = f"{argv[0]} {how}" + (f": {last}" if last else "")
        hint = f"Read all it said: quarterdeck ops show {run.plan.id}."
        raise StepFailed(message, hint, result=result | {"passed": 0})


def _base(fleet: Fleet, rollout: Rollout, service: str) -> tuple[str, str, str]:
    """(services | pods, name, port) to ask."""
    if service:
        name, _, port = service.partition(":")
        return "services", name, port
    pods = new_pods(fleet, rollout)
    main = [c for c in rollout.workload.template.containers if c.role is ContainerRole.MAIN]
    ports = [str(number) for c in main for _, number in c.ports] + [p.port for c in main for p in c.probes if p.path]
    return "pods", pods[0].name if pods else "", ports[0] if ports else ""


def _proxied(base: tuple[str, str, str], rollout: Rollout, path: str) -> HealthEndpoint:
    kind, name, port = base
    url = proxy_path(rollout.workload.namespace, kind, name, port, path) if name else ""
    return HealthEndpoint(path, url, kind.removesuffix("s"), where=name)


def _words(answer: HealthAnswer) -> str:
    return (
        f"{answer.endpoint.title}: {answer.status_code if answer.status_code is not None else answer.error or 'no answer'}"
    )
