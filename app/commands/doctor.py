"""`quarterdeck doctor`: what is configured, reachable and permitted, and what to do about what is not."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import replace

from app.commands.checks import Check, State, failed
from app.commands.checks_around import look_around
from app.commands.checks_cluster import access_checks, api_checks, right_checks
from app.commands.checks_here import configuration_checks, host_checks, scope_check, secret_checks, terminal_checks
from app.commands.signs import say, signs
from app.config import Config, load_config
from app.options import Options
from app.resolve_scope import resolve_scope, wanted_context
from domain import exit_codes
from domain.errors import QuarterdeckError


def run(options: Options, arguments: Namespace) -> int:
    return asyncio.run(_run(options, arguments.output == "json"))


async def _run(options: Options, is_json: bool) -> int:
    found: list[Check] = []
    group = ""
    async for check in _checks(options):
        found.append(check)
        if not is_json:
            group = _print(check, group)
    code = next((check.exit_code for check in found if check.state is State.BAD), exit_codes.OK)
    if is_json:
        import msgspec

        say(msgspec.json.format(msgspec.json.encode({"schema": 1, "exit_code": code, "checks": found}), indent=2).decode())
    else:
        say()
        say(_summary(found))
    return code


async def _checks(options: Options) -> AsyncIterator[Check]:
    for check in (*host_checks(), *terminal_checks()):
        yield check
    config = Config()
    try:
        config = load_config(options)
    except QuarterdeckError as error:
        yield failed("configuration", "quarterdeck.toml", error)
        options = replace(options, no_config=True, config_file="", environment="")
    else:
        for check in (*configuration_checks(config), *secret_checks(config)):
            yield check
    async for check in _cluster_checks(options, config):
        yield check


async def _cluster_checks(options: Options, config: Config) -> AsyncIterator[Check]:
    from clients.kubernetes.cluster import Cluster
    from clients.kubernetes.kubeconfig import load_access

    try:
        access = load_access(wanted_context(options, config))
        scope = resolve_scope(options, config, access)
    except QuarterdeckError as error:
        yield failed("kubeconfig", "context", error)
        return
    yield scope_check(scope)
    for check in access_checks(access):
        yield check
    # Nothing here changes anything, whatever the environment allows.
    cluster = Cluster(access, is_read_only=True)
    try:
        answers = await api_checks(cluster)
        for check in answers:
            yield check
        if any(check.state is State.BAD for check in answers):
            return
        async for check in right_checks(cluster, scope):
            yield check
        async for check in look_around(cluster, config, scope):
            yield check
    finally:
        await cluster.close()


def _print(check: Check, group: str) -> str:
    shown = signs()
    sign = {State.GOOD: shown.good, State.WARNING: shown.warning, State.BAD: shown.bad}[check.state]
    if check.group != group:
        say(f"{'' if not group else chr(10)}{check.group}")
    width = max(map(len, (shown.good, shown.bad)))
    say(f"  {sign:<{width}} {check.name}: {check.detail}")
    if check.hint:
        say(f"  {'':<{width}}   {'->' if shown.good == 'ok' else '→'} {check.hint}")
    return check.group


def _summary(found: list[Check]) -> str:
    bad = sum(check.state is State.BAD for check in found)
    warnings = sum(check.state is State.WARNING for check in found)
    if bad:
        return f"{bad} to mend, {warnings} to know."
    return f"All that is needed works; {warnings} to know." if warnings else "All is well."
