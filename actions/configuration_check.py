"""The ConfigMaps and Secrets of a template: all there, and still what they were when that version was rolled out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.flight_check import bad, good, unknown, warn
from actions.ports import Ports
from actions.prepare import FORCE, Check
from actions.subject import Subject
from domain.ages import short_duration
from domain.configuration import (
    Reference,
    changed_objects,
    last_changed_at,
    missing_in,
    print_of,
    read_recorded,
    recorded_text,
    references_of,
)
from domain.errors import NotFoundError, OutsideError
from domain.last_good import Version
from domain.operation_ports import ClusterObject
from domain.operations import Json
from domain.sanitise import sanitise
from domain.template_patch import CONFIGURATION, template_fingerprint

_AT_ONCE = 8
_IN_TIME_S = 4.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a template refers to, as it is now: None where there is no such object, an error where it cannot be read."""

    objects: Mapping[Reference, ClusterObject | OutsideError | None]

    @property
    def prints(self) -> dict[str, str | None]:
        """Of what could be read; by id."""
        readable = {ref: found for ref, found in self.objects.items() if not isinstance(found, OutsideError)}
        return {ref.id: None if found is None else print_of(found.body) for ref, found in readable.items()}


async def read_configuration(ports: Ports, namespace: str, template: Mapping[str, Json]) -> Found:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def read(ref: Reference) -> ClusterObject | OutsideError | None:
        try:
            async with gate, asyncio.timeout(_IN_TIME_S):
                return await ports.cluster.read(ref.kind, namespace, ref.name)
        except NotFoundError:
            return None
        except TimeoutError:
            return OutsideError(f"no answer within {_IN_TIME_S:g} s", "Try again.")
        except OutsideError as error:
            return error

    references = references_of(template)
    found = await asyncio.gather(*(read(ref) for ref in references))
    return Found(dict(zip(references, found, strict=True)))


def record_of(template: Mapping[str, Json], found: Found) -> str:
    """What the annotation quarterdeck.dev/configuration is to say when `template` is rolled out now."""
    prints = {id_: print_ for id_, print_ in found.prints.items() if print_ is not None}
    return recorded_text(template_fingerprint(template), prints)


def check_there(found: Found) -> tuple[Check, ...]:
    """Without a key that it refers to, a pod does not start."""
    if not found.objects:
        return ()
    missing, unread = [], []
    for ref, body in found.objects.items():
        if isinstance(body, OutsideError):
            unread.append(sanitise(f"{ref.kind} {ref.name}", 200))
        elif words := missing_in(ref, body.body if body is not None else None):
            missing.append(words)
    checks: list[Check] = []
    if missing:
        words = missing[0] if len(missing) == 1 else f"{len(missing)} things it refers to are missing: {'; '.join(missing)}"
        checks.append(bad("references", words, override=FORCE.flag, hint="Without them its pods do not start: make them."))
    if unread:
        checks.append(unknown("references", f"cannot read {', '.join(unread[:3])}{' …' if len(unread) > 3 else ''}"))
    if not checks:
        names = ", ".join(sanitise(f"{ref.kind} {ref.name}", 200) for ref in found.objects)
        checks.append(good("references", "the ConfigMaps and Secrets it refers to are there", names))
    return tuple(checks)


def check_same(subject: Subject, version: Version, title: str, found: Found, now: float) -> tuple[Check, ...]:
    """By what was recorded when that version was deployed; else by when the server saw the objects changed last."""
    if not found.objects:
        return ()
    body = subject.bodies[version.uid]
    recorded = read_recorded(body.annotations.get(CONFIGURATION, ""), template_fingerprint(subject.template_of(version)))
    if recorded is None:
        return (_by_times(version, title, found, now),)
    changed = changed_objects(recorded, found.prints)
    if changed:
        return (warn("configuration", f"configuration differs from when {title} was deployed: {changed[0]}", *changed[1:]),)
    unread = [ref.id for ref, body in found.objects.items() if isinstance(body, OutsideError)]
    if unread:
        return (unknown("configuration", f"not all of the configuration since {title} can be read", *unread),)
    return (good("configuration", f"same configuration since {title}"),)


def _by_times(version: Version, title: str, found: Found, now: float) -> Check:
    later, silent = [], []
    for ref, body in found.objects.items():
        at = last_changed_at(body.body) if isinstance(body, ClusterObject) else None
        name = sanitise(f"{ref.kind} {ref.name}", 200)
        if at is None:
            silent.append(name)
        elif at > version.created_at:
            later.append((at, f"{name} was changed {short_duration(max(0.0, now - at))} ago"))
    if later:
        words = [text for _, text in sorted(later, reverse=True)]
        return warn("configuration", f"changed since {title} was first rolled out: {words[0]}", *words[1:])
    if silent:
        return unknown("configuration", f"whether its configuration changed since {title} was not recorded", *silent)
    return good("configuration", f"configuration not changed since {title}, by the server's own times")
