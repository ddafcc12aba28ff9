"""Another image for a workload: found in its registry first, pinned to what was found, refused where it is marked bad."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, replace

from actions.configuration_check import check_there, read_configuration, record_of
from actions.flight_check import (
    Right,
    bad,
    check_capacity,
    check_lock,
    check_owners,
    check_paused,
    check_read_only,
    check_rights,
    check_shown,
    check_window,
    dry_run,
    good,
    unknown,
    warn,
)
from actions.image_check import Asked, ask_registry
from actions.planning import Draft, concluded, deletions, expected_s, version_words
from actions.ports import Ports
from actions.prepare import COMMON_OPTIONS, FORCE, Check, Option, Options, Prepared, Side, refuse_if_bad, settled, who_of
from actions.subject import Subject, pod_template, read_subject
from domain.capacity import surge_of
from domain.compare import compare
from domain.errors import RefusedError
from domain.fleet import Fleet
from domain.marks import Standing, mark_of_digest
from domain.operations import Json
from domain.sanitise import sanitise
from domain.template_patch import CONFIGURATION, DIGEST, Change, fenced, image_change, images_of
from domain.templates import ContainerRole, ImageName, image_name
from domain.workloads import WorkloadKey

NAME = "deploy"
UNVERIFIED = Option("--unverified", "Go on although the registry cannot be asked for the image.", needs_reason=True)
OPTIONS = (
    Option("--image", "The image, or a tag or digest of the repository that it runs now.", "REF"),
    Option("--container", "Set it for this container (again for more); else for all that run this repository.", "NAME"),
    Option("--no-pin", "Write the tag as it is, without the digest that it has now."),
    UNVERIFIED,
    *COMMON_OPTIONS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions(Options):
    image: str
    container: tuple[str, ...] = ()
    no_pin: bool = False
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run, and in which containers. Without containers it is not known where."""

    image: ImageName
    containers: tuple[str, ...]
    check: Check | None = None

    @property
    def reference(self) -> str:
        tag = f":{self.image.tag}" if self.image.tag else ""
        digest = f"@{self.image.digest}" if self.image.digest else ""
        return f"{self.image.repository}{tag}{digest}"

    def pinned(self, digest: str | None) -> str:
        return replace(self, image=replace(self.image, digest=digest)).reference if digest else self.reference


async def prepare(ports: Ports, fleet: Fleet, target: WorkloadKey, options: DeployOptions) -> Prepared:
    """RefusedByChecksError with all reasons; OutsideError where the workload cannot be read at all."""
    subject = await read_subject(ports, fleet, target)
    wanted = wanted_image(subject.template, options.image, tuple(options.container or ()))
    removed = deletions(subject)
    needed = [Right("patch", f"{target.kind.lower()}s", "apps")]
    needed += [Right("list", "pods"), Right("delete", "pods")] if removed else []
    asked, rights, lock, owners, configuration, capacity = await asyncio.gather(
        ask_registry(ports, wanted.reference),
        check_rights(ports, target, needed),
        check_lock(ports, target, options),
        check_owners(ports, subject),
        read_configuration(ports, target.namespace, subject.template),
        check_capacity(ports, subject, subject.template, surge_of(subject.workload.body, subject.desired)),
    )
    digest = asked.digest or wanted.image.digest
    new = wanted.reference if options.no_pin else wanted.pinned(digest)
    checks = [
        *check_read_only(fleet),
        *check_shown(fleet, subject),
        *check_paused(subject, "deploy"),
        *check_window(fleet, target, options),
        *_checks_of_image(subject, wanted, asked, digest),
        *_checks_of_marks(subject, wanted, digest),
        *check_there(configuration),
        *rights.checks,
        lock,
        *capacity,
        *owners,
    ]
    change = Change(())
    template = subject.template
    if wanted.containers:
        template = _with_images(subject.template, wanted, new)
        annotations = {CONFIGURATION: record_of(template, configuration)} | ({DIGEST: digest} if digest else {})
        change = image_change(subject.workload.body, dict.fromkeys(wanted.containers, new), annotations)
    patch = fenced(subject.workload.body, change)
    if wanted.containers:
        checks.append((await dry_run(ports, subject, patch)).check)
    refuse_if_bad(NAME, target, settled(checks, options))
    title, old_title = wanted.image.version, version_words(subject.current, subject)
    draft = Draft(
        action=NAME,
        done="Deployed",
        subject=subject,
        change=change,
        rights=rights,
        summary=f"deploy {wanted.image.short} to {target.name}, now {old_title}",
        cause=f"deploy {wanted.image.short} by {who_of(fleet.scope, options)}",
        patch_words=f"set the image of {', '.join(wanted.containers)} (test: generation {subject.workload.generation})",
        undo=f"quarterdeck rollback {target.name} --to {subject.current.template_hash if subject.current else 'last-good'}",
        deletions=removed,
        expected_s=expected_s(fleet, subject, missing=subject.desired),
        details=_details(subject, wanted, new, digest),
    )
    return concluded(
        draft,
        fleet,
        options,
        checks,
        ports.clock.now(),
        patch=patch,
        differences=compare(pod_template(subject.template), pod_template(template)),
        old=Side(old_title, subject.current.template_hash if subject.current else ""),
        new=Side(title, "", sanitise(digest, 80)),
    )


def wanted_image(template: dict[str, Json], given: str, containers: tuple[str, ...]) -> Wanted:
    """What `given` means beside what runs now: a reference, or a tag or digest of the repository that runs.

    RefusedError where it is no image, or a container does not exist.
    """
    given = given.strip()
    images = images_of(template)
    if not given or any(c.isspace() or not c.isprintable() for c in given):
        raise RefusedError("No image is named.", "Name one: `--image REF`, or a tag of what runs now.")
    unknown_names = sorted(set(containers) - images.keys())
    if unknown_names:
        message = f"There is no container {sanitise(', '.join(unknown_names), 200)} in it."
        raise RefusedError(message, f"It has: {sanitise(', '.join(images), 400)}.")
    mains = [c.name for c in pod_template(template).containers if c.role is ContainerRole.MAIN]
    first = image_name(images[(containers or tuple(mains) or ("",))[0]]) if images else ImageName("", "", "")
    image = _meant(given, first, {image_name(i).repository for i in images.values()})
    if containers:
        return Wanted(image, containers)
    same = tuple(name for name, now in images.items() if image_name(now).repository == image.repository)
    if same:
        return Wanted(image, same)
    if len(mains) == 1:
        return Wanted(image, tuple(mains))
    hint = f"Say which: `--container NAME`; it has {sanitise(', '.join(images), 300)}."
    none_runs = bad("container", f"no container of it runs {sanitise(image.repository, 200)}", hint=hint)
    return Wanted(image, (), none_runs)


def _meant(given: str, now: ImageName, repositories: set[str]) -> ImageName:
    if given.startswith("sha256:"):
        return ImageName(now.repository, "", given)
    if given.startswith(":"):
        return ImageName(now.repository, given[1:], "")
    image = image_name(given)
    if "/" in given or image.repository in repositories:
        return image if image.tag or image.digest else replace(image, tag="latest")
    if ":" not in given and "@" not in given:
        return ImageName(now.repository, given, "")
    is_short_for_now = image.repository == now.repository.rpartition("/")[2]
    return replace(image, repository=now.repository) if is_short_for_now else image


def _with_images(template: dict[str, Json], wanted: Wanted, new: str) -> dict[str, Json]:
    changed = copy.deepcopy(template)
    for group in ("initContainers", "containers"):
        for container in changed["spec"].get(group) or ():
            if container.get("name") in wanted.containers:
                container["image"] = new
    return changed


def _checks_of_image(subject: Subject, wanted: Wanted, asked: Asked, digest: str) -> list[Check]:
    short = wanted.image.short
    checks = [wanted.check] if wanted.check is not None else []
    if asked.is_known and asked.digest is None:
        hint = "Was it pushed? Look at the tag's spelling, and at the pipeline."
        checks.append(bad("image", f"{short} is not in its registry", hint=hint))
    elif not asked.is_known:
        words = f"the registry could not be asked for {short}: {asked.why}"
        checks.append(bad("image", words, override=UNVERIFIED.flag))
    else:
        if wanted.image.digest and asked.digest != wanted.image.digest:
            words = f"{short}: the registry has another digest for it, {sanitise(str(asked.digest), 80)}"
            checks.append(bad("image", words, hint="Name the one you mean."))
        checks.append(good("image", f"{short} is in its registry", sanitise(digest, 80)))
    if wanted.containers and _is_running(subject, wanted, digest):
        words = f"it runs this very image already: {short}"
        hint = "There is nothing to do; `quarterdeck restart` makes its pods anew."
        checks.append(bad("same", words, hint=hint))
    return checks


def _is_running(subject: Subject, wanted: Wanted, digest: str) -> bool:
    """The same reference everywhere; or the same content by the digest that its pods, or its pin, say."""
    images = images_of(subject.template)
    now = [image_name(images[name]) for name in wanted.containers]
    if all(replace(n, digest="") == replace(wanted.image, digest="") for n in now):
        digests = {n.digest for n in now if n.digest} or ({subject.current.digest} if subject.current else set())
        return not digest or not any(digests) or digests == {digest}
    return bool(digest) and all(n.digest == digest for n in now)


def _checks_of_marks(subject: Subject, wanted: Wanted, digest: str) -> list[Check]:
    if subject.marks_unknown:
        return [unknown("marks", f"whether this image is marked bad: {subject.marks_unknown}")]
    mark = mark_of_digest(subject.marks, subject.key, digest)
    if mark is None and not digest:
        named = (m for m in subject.marks if m.workload == subject.key and m.image == wanted.image.short)
        mark = next(named, None)
    if mark is None:
        failed = [v for v in subject.versions if digest and v.digest == digest and v.failed_at is not None]
        return [warn("marks", f"{wanted.image.short} failed when it was rolled out before")] if failed else []
    if mark.standing is Standing.BAD:
        return [bad("marks", f"{wanted.image.short} is {mark.words}", override=FORCE.flag)]
    return [good("marks", f"{wanted.image.short} ran before: {mark.words}")]


def _details(subject: Subject, wanted: Wanted, new: str, digest: str) -> dict[str, Json]:
    images = images_of(subject.template)
    return {
        "images": dict.fromkeys(wanted.containers, new),
        "digest": digest,
        "old_images": {name: images[name] for name in wanted.containers},
        "old_template_hash": subject.current.template_hash if subject.current else "",
        "old_digest": subject.current.digest if subject.current else "",
    }
