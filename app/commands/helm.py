"""`quarterdeck helm`: Helm's releases, what they were, what differs, and the way back."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from app.boot import open_scope
from app.commands.signs import Signs, say, signs
from app.options import Options
from domain import exit_codes
from domain.ages import short_duration
from domain.errors import ConfigError, RefusedError
from domain.helm import Release, ReleaseRevision, ReleaseStatus
from domain.helm_diff import compare_releases
from domain.sanitise import sanitise

if TYPE_CHECKING:
    from actions.prepare import Prepared
    from app.session import Session
    from clients.helm import HelmClient
    from domain.fleet import Fleet

_NO_CHANGE = "Nothing that Kubernetes would see differs."


def run(options: Options, arguments: Namespace) -> int:
    if arguments.what != "list" and not arguments.release:
        raise ConfigError("Which release?", f"Name it: `quarterdeck helm {arguments.what} RELEASE`.")
    if arguments.what != "list" and options.all_namespaces:
        raise ConfigError("A release is in one namespace.", "Name it with -n in place of -A.")
    if arguments.what != "diff" and arguments.revisions:
        raise ConfigError(f"`helm {arguments.what}` takes no revision.", "`rollback` is told with --to.")
    doing = {"list": _list, "history": _history, "diff": _diff, "rollback": _rollback}[arguments.what]
    return asyncio.run(doing(options, arguments))


@asynccontextmanager
async def _helm(options: Options) -> AsyncIterator[tuple[HelmClient, str, float]]:
    """(client, namespace, the time now by the API server's clock)."""
    from app.outside import helm_context
    from app.places import state_folder
    from clients.helm import HelmClient
    from clients.kubernetes.cluster import Cluster

    access, scope, _ = open_scope(options)
    cluster = Cluster(access, is_read_only=True)
    try:
        folder = state_folder(create=False) / "operations"
        client = HelmClient(cluster.writer, helm_context(access), folder=folder, is_read_only=True)
        yield client, scope.namespace, await cluster.probe()
    finally:
        await cluster.close()


async def _list(options: Options, arguments: Namespace) -> int:
    async with _helm(options) as (helm, namespace, now):
        releases = await helm.releases(namespace)
    if arguments.output == "json":
        say(json.dumps([_as_data(release, now) for release in releases]))
        return exit_codes.OK
    if not releases:
        say(f"No releases of Helm in {namespace or 'any namespace'}.")
        return exit_codes.OK
    marks = signs()
    heading = ("", *(() if namespace else ("NAMESPACE",)), "RELEASE", "REVISION", "STATUS", "AGE", "CHART", "APP")
    rows = [
        _row(release.newest, marks, now, *(() if namespace else (release.namespace,)), release.name) for release in releases
    ]
    _table(heading, rows)
    for release in releases:
        _print_way_out(release, now, marks)
    return exit_codes.OK


async def _history(options: Options, arguments: Namespace) -> int:
    async with _helm(options) as (helm, namespace, now):
        release = await helm.read(namespace, arguments.release)
    if arguments.output == "json":
        say(
            json.dumps({"schema": 1, **_as_data(release, now), "revisions": [_revision_data(r) for r in release.revisions]})
        )
        return exit_codes.OK
    marks = signs()
    heading = ("", "REVISION", "STATUS", "AGE", "CHART", "APP", "DESCRIPTION")
    _table(heading, [(*_row(r, marks, now), r.description) for r in release.revisions])
    _print_way_out(release, now, marks)
    return exit_codes.OK


async def _diff(options: Options, arguments: Namespace) -> int:
    if len(arguments.revisions) > 2:
        raise ConfigError("Two revisions can be compared, not more.", "`quarterdeck helm diff RELEASE OLD NEW`.")
    async with _helm(options) as (helm, namespace, _now):
        release = await helm.read(namespace, arguments.release)
        old, new = _two(release, arguments.revisions)
        before, after = [await helm.content(namespace, release.name, revision.number) for revision in (old, new)]
    differences = compare_releases(before, after)
    if arguments.output == "json":
        found = [{"kind": d.kind, "where": d.where, "old": d.old, "new": d.new} for d in differences]
        say(json.dumps({"schema": 1, "old": old.number, "new": new.number, "differences": found}))
        return exit_codes.OK
    say(f"from {old.words} to {new.words}")
    for d in differences:
        where = f" {d.where}" if d.where else ""
        was, now = ("" if d.old is None else f" - {d.old}"), ("" if d.new is None else f" + {d.new}")
        say(f"  {d.kind}{where}:{was}{now}")
    if not differences:
        say(_NO_CHANGE)
    return exit_codes.OK


def _two(release: Release, numbers: Sequence[int]) -> tuple[ReleaseRevision, ReleaseRevision]:
    """Without numbers: from what runs to what a rollback would go to."""
    if not numbers:
        target = release.target()
        if target is None:
            raise RefusedError(f"{release.name} has no revision to compare with.", "Name two of them.")
        return release.newest, target
    found = [release.revision(number) for number in numbers]
    for number, revision in zip(numbers, found, strict=True):
        if revision is None:
            known = ", ".join(str(r.number) for r in release.revisions)
            raise RefusedError(f"{release.name} has no revision {number}.", f"There are: {known}.")
    there = [revision for revision in found if revision is not None]
    return (there[0], there[1]) if len(there) == 2 else (there[0], release.newest)


async def _rollback(options: Options, arguments: Namespace) -> int:
    from app.commands.change import follow, hand_over
    from app.commands.observing import observing
    from app.outside import place_of

    access, scope, config = await asyncio.to_thread(open_scope, options)
    if not scope.namespace:
        raise ConfigError("A release is in one namespace.", "Name it with -n.")
    async with observing(access, scope, config) as observation:
        session, fleet = observation.session, observation.fleet
        preparing = _prepare(session, fleet, arguments)
        operation = await hand_over(
            replace(place_of(session), namespace=scope.namespace), preparing, arguments, arguments.release
        )
    return await follow(operation, arguments)


async def _prepare(session: Session, fleet: Fleet, arguments: Namespace) -> Prepared:
    from actions.helm_rollback import HelmRollbackOptions, prepare
    from app.changing import verify_rules
    from app.commands.ops import who_am_i
    from app.outside import LiveFleets, outside, place_of

    options = HelmRollbackOptions(
        reason=sanitise(arguments.reason, 500),
        who=who_am_i(),
        place=place_of(session),
        verify=verify_rules(session.config, session.scope),
        no_lock=arguments.no_lock,
        take_over=arguments.take_over,
        force=arguments.force,
        to=arguments.to,
        timeout_s=arguments.timeout,
    )
    fleets = LiveFleets()
    fleets.publish(fleet)
    async with outside(session, fleets) as ports:
        return await prepare(ports, fleet, session.scope.namespace, arguments.release, options)


def _print_way_out(release: Release, now: float, marks: Signs) -> None:
    age_s = release.pending_for_s(now)
    if age_s is not None:
        newest = release.newest
        say(f"{marks.warning} {release.name}: revision {newest.number} is {newest.status} for {short_duration(age_s)}.")
        say(f"  If no helm is at work on it any more: quarterdeck helm rollback {release.name} --dry-run")


def _row(revision: ReleaseRevision, marks: Signs, now: float, *names: str) -> tuple[str, ...]:
    status = revision.status
    sign = marks.good if status is ReleaseStatus.DEPLOYED else marks.bad if status is ReleaseStatus.FAILED else marks.dot
    sign = marks.warning if status.is_pending else sign
    age = short_duration(now - revision.changed_at) if revision.changed_at is not None else ""
    return (sign, *names, str(revision.number), str(status), age, revision.chart, revision.app_version)


def _table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _as_data(release: Release, now: float) -> dict[str, object]:
    newest = _revision_data(release.newest)
    return {"namespace": release.namespace, "name": release.name, **newest, "pending_for_s": release.pending_for_s(now)}


def _revision_data(revision: ReleaseRevision) -> dict[str, object]:
    return {
        "revision": revision.number,
        "status": str(revision.status),
        "changed_at": revision.changed_at,
        "chart": revision.chart,
        "app_version": revision.app_version,
        "description": revision.description,
    }
