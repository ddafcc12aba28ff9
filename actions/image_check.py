"""Can the images of a version still be pulled? The registry tells, or else the pods and nodes that have them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from actions.flight_check import bad, good, listed, unknown, warn
from actions.ports import Ports
from actions.prepare import FORCE, Check
from actions.subject import Subject
from domain.errors import OutsideError
from domain.last_good import Version
from domain.sanitise import sanitise
from domain.template_patch import images_of
from domain.templates import image_name

_RUNS_S = 0.8
_GONE_S = 2.5
_ASKED_S = 8.0
"""A deploy needs the answer; a rollback does not wait for it where pods that run the image say as much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the registry says of a reference. `is_known` False: it could not be asked, and `why` says why."""

    digest: str | None
    is_known: bool
    why: str = ""


async def ask_registry(ports: Ports, reference: str, timeout_s: float = _ASKED_S) -> Asked:
    if ports.registry is None:
        return Asked(None, False, "no registry is configured")
    try:
        async with asyncio.timeout(timeout_s):
            return Asked(await ports.registry.digest_of(reference), True)
    except TimeoutError:
        return Asked(None, False, f"no answer within {timeout_s:g} s")
    except OutsideError as error:
        return Asked(None, False, error.message)


async def check_images(ports: Ports, subject: Subject, version: Version) -> tuple[Check, ...]:
    """For each main image of a version that ran before; what is the same in the one that runs now can be pulled."""
    now = images_of(subject.template).values()
    images = tuple(dict.fromkeys(i for i in version.images if i not in now)) or version.images[:1]
    checks = tuple(await asyncio.gather(*(_check_image(ports, subject, version, image) for image in images)))
    if len(checks) > 1 and all(c.kind is checks[0].kind and c.words == checks[0].words for c in checks):
        return checks[:1]
    return checks


async def _check_image(ports: Ports, subject: Subject, version: Version, image: str) -> Check:
    asked = await ask_registry(ports, image, _RUNS_S if version.ready > 0 else _GONE_S)
    ran = version.digest if version.images and image == version.images[0] else ""
    short = image_name(image).short
    if asked.is_known and asked.digest is None:
        words = f"{short} is not in the registry any more"
        if version.ready >= subject.desired > 0:
            return warn("image", f"{words}; {version.ready} pods run it, but none could be pulled anew")
        hint = "Choose another revision with `--to`, or push the image again."
        return bad("image", words, override=FORCE.flag, hint=hint)
    if asked.is_known:
        if ran and asked.digest != ran:
            moved = f"registry {sanitise(str(asked.digest), 80)}, ran {ran}"
            return warn("image", f"{short} is another image now than the one that ran: the tag was moved", moved)
        return good("image", "image still in the registry", sanitise(str(asked.digest), 80))
    return await _by_evidence(ports, version, image, asked)


async def _by_evidence(ports: Ports, version: Version, image: str, asked: Asked) -> Check:
    why = f"the registry could not be asked: {asked.why}"
    if version.ready > 0:
        return good("image", f"{version.ready} pods run this image", why)
    nodes = await listed(ports, "Node", "")
    wanted = {
        name for name in (image, f"{image_name(image).repository}@{version.digest}" if version.digest else "") if name
    }
    having = 0
    for node in nodes or ():
        names = {str(n) for entry in (node.body.get("status") or {}).get("images") or () for n in entry.get("names") or ()}
        having += bool(names & wanted)
    if having:
        return good("image", f"{having} of {len(nodes or ())} nodes have this image", why)
    return unknown("image", f"whether {image_name(image).short} can still be pulled: {asked.why}")
