"""`quarterdeck status`: every workload and its verdict, once."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from app.boot import open_scope
from app.commands.observing import Observation, blind_spots, observing
from app.commands.reporting import exit_code_of, status_report, worst
from app.commands.signs import Signs, note, say, signs
from app.commands.workload_name import find_workload, kind_and_name
from app.options import Options
from domain.fleet import Fleet
from domain.rollouts import Rollout
from domain.verdict import FindingClass

_SECOND_LOOK_MARGIN_S = 1.5
_HEADINGS = ("", "WORKLOAD", "IMAGE", "NEW", "OLD", "VERDICT")


def run(options: Options, arguments: Namespace) -> int:
    kind_and_name(arguments.workload)
    return asyncio.run(_run(options, arguments))


async def _run(options: Options, arguments: Namespace) -> int:
    access, scope, config = open_scope(options)
    async with observing(access, scope, config) as observation:
        rollouts = _chosen(observation.fleet, arguments.workload)
        if _is_suspicious(rollouts):
            rollouts = await _second_look(observation, arguments.workload)
        fleet = observation.fleet
    blind = blind_spots(fleet)
    if arguments.output == "json":
        import msgspec

        say(msgspec.json.format(msgspec.json.encode(status_report(fleet, rollouts, blind)), indent=2).decode())
    else:
        _print_table(fleet, rollouts, signs(config.is_ascii))
    for source, why in blind.items():
        note(f"quarterdeck: {source} could not be read ({why}): a verdict may be missing what they would show.")
    return exit_code_of(worst(rollouts))


def _chosen(fleet: Fleet, wanted: str) -> tuple[Rollout, ...]:
    if not wanted:
        return tuple(fleet.rollouts.values())
    where = f"namespace {fleet.scope.namespace}" if fleet.scope.namespace else "any namespace"
    return (fleet.rollouts[find_workload(wanted, fleet.rollouts.keys(), where)],)


def _is_suspicious(rollouts: tuple[Rollout, ...]) -> bool:
    """Something has been seen once that counts when it is seen twice."""
    return any(
        finding.kind is FindingClass.DOOMED and not finding.is_confirmed
        for rollout in rollouts
        for finding in rollout.verdict.findings
    )


async def _second_look(observation: Observation, wanted: str) -> tuple[Rollout, ...]:
    wait_s = observation.fleet.rules.confirm_after_s + _SECOND_LOOK_MARGIN_S
    note(f"quarterdeck: something looks wrong; looking again for {wait_s:.0f} s to be certain.")
    await observation.until(lambda fleet: not _is_suspicious(_chosen(fleet, wanted)), wait_s)
    return _chosen(observation.fleet, wanted)


def _print_table(fleet: Fleet, rollouts: tuple[Rollout, ...], shown: Signs) -> None:
    scope = fleet.scope
    place = f"namespace {scope.namespace}" if scope.namespace else "all namespaces"
    name = scope.environment.upper() if scope.is_production else scope.environment
    say(f"{name} {shown.dot} context {scope.context} {shown.dot} {place}")
    if not rollouts:
        say("No deployments, stateful sets or daemon sets here.")
        return
    rows = [_row(rollout, shown, is_wide=not scope.namespace) for rollout in rollouts]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row, rollout in zip((_HEADINGS, *rows), (None, *rollouts), strict=True):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if rollout is not None:
            for line in (rollout.verdict.cause, rollout.verdict.capacity):
                if line:
                    say(" " * (widths[0] + 2) + f"{shown.dot} {line}")


def _row(rollout: Rollout, shown: Signs, *, is_wide: bool) -> tuple[str, ...]:
    workload = rollout.workload
    new = f"{rollout.new_ready}/{workload.desired}"
    name = f"{workload.namespace}/{workload.key}" if is_wide else str(workload.key)
    return (
        shown.of(rollout.degree),
        name,
        rollout.image.short,
        new,
        str(len(rollout.old_pods) or "-"),
        rollout.verdict.title,
    )
