"""What one container or pod is in trouble with, before anybody counts or waits: VERDICT's table, a row a rule.

Sources: kubectl's and the kubelet's waiting reasons; Shopify/krane pod.rb (doomed image and config errors); werf/kubedog
(what is noise); the containerd and registry messages quoted in `_GONE` and `_LIMITED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.ages import short_duration
from domain.pods import ContainerState, Pod
from domain.templates import ContainerRole
from domain.verdict import FindingClass, VerdictRules

PULL = "ImagePullBackOff"
"""It and ErrImagePull take turns; they are one trouble, under the name that people know."""

_DOOMED_WAITING = frozenset(
    {"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed", "CreateContainerConfigError"}
)
_PULL_WAITING = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
_START_FAILED = frozenset({"RunContainerError", "ContainerCannotRun", "StartError"})
_BENIGN_WAITING = frozenset({"", "ContainerCreating", "PodInitializing"})
_GONE = re.compile(
    r"not found|manifest unknown|name unknown|does not exist|denied|unauthorized|forbidden|\b40[13]\b"
    r"|no match for platform",
    re.IGNORECASE,
)
_LIMITED = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)
_CACHE_SYNC = re.compile(r"failed to sync .* cache", re.IGNORECASE)
_NODE_REASONS = frozenset({"Evicted", "Preempting", "NodeLost", "NodeShutdown", "Terminated", "NodeAffinity", "Shutdown"})
_NODE_EVENTS = frozenset({"NodeNotReady", "TaintManagerEviction", "Preempted", "NodeShutdown"})
_SETUP_REASONS = frozenset({"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume"})
_STARTING_FAILED_BY_SHUTDOWN = 128
_OLD_CRASH_S = 900.0
"""Longer ago than any back-off of the kubelet (300 s): a crash that has nothing to do with being not ready now."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`needs_s`: present this long before it counts. `restarts` are for the quorum of LIKELY."""

    kind: FindingClass
    reason: str
    message: str
    container: str = ""
    needs_s: float = 0.0
    restarts: int = 0
    exit_code: int | None = None
    since_at: float | None = None
    """Since when, where the cluster itself says so; else the first sighting counts."""


@dataclass(frozen=True, slots=True)
class PodHints:
    """What the events about a pod add to its status."""

    pull_failure: str = ""
    pull_failed_at: float | None = None
    setup_reason: str = ""
    setup_failure: str = ""
    probe_kills: int = 0
    probe_text: str = ""
    readiness_text: str = ""
    node_reason: str = ""
    node_text: str = ""


NO_HINTS = PodHints()


def troubles_of(pod: Pod, window_s: int, hints: PodHints, rules: VerdictRules, now: float) -> Iterator[Trouble]:
    """Everything that is wrong with one pod of the newest version; `window_s` is its template's readiness window."""
    if pod.reason in _NODE_REASONS:
        yield Trouble(FindingClass.NOISE, pod.reason, pod.message)
        return
    if hints.node_reason:
        yield Trouble(FindingClass.NOISE, hints.node_reason, hints.node_text)
        return
    if not pod.scheduled:
        if pod.unscheduled_reason == "Unschedulable":
            yield Trouble(
                FindingClass.SUSPECT,
                "Unschedulable",
                pod.unscheduled_message,
                needs_s=rules.unschedulable_after_s,
                since_at=pod.created_at,
            )
        return
    if hints.setup_failure and not _has_started(pod):
        yield Trouble(
            FindingClass.SUSPECT,
            hints.setup_reason,
            hints.setup_failure,
            needs_s=rules.creating_after_s,
            since_at=pod.created_at,
        )
    is_in_trouble = False
    for container in pod.containers:
        trouble = _of_container(container, pod, hints, rules, now)
        if trouble is not None:
            is_in_trouble = True
            yield trouble
    late = None if is_in_trouble or pod.ready or not window_s else _late_readiness(pod, window_s, hints, now)
    if late is not None:
        yield late


def is_starting(pod: Pod, window_s: int, now: float) -> bool:
    """By its status alone nothing can be wrong yet: the cheap answer for the many pods of a large rollout."""
    if pod.reason or pod.restarts or not pod.scheduled:
        return False
    for container in pod.containers:
        if container.state == "running":
            if window_s and now - (container.since_at or 0.0) >= window_s:
                return False
        elif container.state != "waiting" or container.reason not in _BENIGN_WAITING:
            return False
    return True


def _has_started(pod: Pod) -> bool:
    return any(c.state in ("running", "terminated") or c.restarts for c in pod.containers)


def _of_container(container: ContainerState, pod: Pod, hints: PodHints, rules: VerdictRules, now: float) -> Trouble | None:
    if container.state == "waiting":
        return _of_waiting(container, pod, hints, rules)
    if container.state == "terminated":
        return _of_terminated(container, pod, rules)
    if container.state != "running" or not _is_shaky(container, rules, now):
        return None
    if container.last_reason == "OOMKilled":
        return _out_of_memory(container, pod)
    if hints.probe_kills >= rules.crash_restarts_one_pod:
        return _killed_by_probe(container, hints)
    return _crashing(container) if container.last_exit_code is not None else None


def _is_shaky(container: ContainerState, rules: VerdictRules, now: float) -> bool:
    """It runs after a crash, and has not yet proved that it will stay."""
    if not container.restarts or container.role is ContainerRole.INIT:
        return False
    if container.last_finished_at is not None and now - container.last_finished_at > _OLD_CRASH_S:
        return False
    if not container.ready:
        return True
    return container.since_at is not None and now - container.since_at < rules.recovered_after_s


def _of_waiting(container: ContainerState, pod: Pod, hints: PodHints, rules: VerdictRules) -> Trouble | None:
    reason, message = container.reason, container.message
    if reason in _BENIGN_WAITING:
        return None
    if reason in _PULL_WAITING:
        return _of_pull(container, hints, rules)
    if reason == "CreateContainerConfigError" and _CACHE_SYNC.search(message):
        return Trouble(FindingClass.NOISE, reason, message, container.name)
    if reason in _DOOMED_WAITING:
        return Trouble(FindingClass.DOOMED, reason, message, container.name, needs_s=rules.confirm_after_s)
    if reason in _START_FAILED:
        return _start_failed(container, rules)
    if reason == "CrashLoopBackOff":
        if container.last_reason in _START_FAILED:
            return _start_failed(container, rules)
        if container.last_reason == "OOMKilled":
            return _out_of_memory(container, pod)
        if hints.probe_kills >= rules.crash_restarts_one_pod:
            return _killed_by_probe(container, hints)
        return _crashing(container)
    return Trouble(FindingClass.SUSPECT, reason, message, container.name, needs_s=rules.pull_error_after_s)


def _start_failed(container: ContainerState, rules: VerdictRules) -> Trouble:
    """The runtime could not start the process at all. Exit code 128 with nothing said is a node going down."""
    is_last = container.reason == "CrashLoopBackOff"
    code = container.last_exit_code if is_last else container.exit_code
    message = container.last_message if is_last else container.message
    kind = FindingClass.NOISE if code == _STARTING_FAILED_BY_SHUTDOWN and not message else FindingClass.DOOMED
    return Trouble(kind, "RunContainerError", message, container.name, needs_s=rules.confirm_after_s, exit_code=code)


def _of_pull(container: ContainerState, hints: PodHints, rules: VerdictRules) -> Trouble:
    told = " ".join((container.message, hints.pull_failure))
    evidence = _without_image(told, container.image)
    message = hints.pull_failure if len(hints.pull_failure) > len(container.message) else container.message
    if _LIMITED.search(evidence):
        return Trouble(FindingClass.NOISE, PULL, message, container.name)
    kind, needs_s = FindingClass.SUSPECT, rules.pull_error_after_s
    if container.reason != "RegistryUnavailable" and _GONE.search(evidence):
        kind, needs_s = FindingClass.DOOMED, rules.confirm_after_s
    return Trouble(kind, PULL, message, container.name, needs_s=needs_s, since_at=hints.pull_failed_at)


def _without_image(told: str, image: str) -> str:
    """The message without the image's own name, whose parts may be words such as "denied" or "429"."""
    name = image.partition("@")[0]
    last = name.rsplit("/", 1)[-1]
    bare, _, tag = last.partition(":")
    path = name.removesuffix(f":{tag}") if tag else name
    for part in (image, name, path, path.partition("/")[2], last, bare, tag):
        if part and (_GONE.search(part) or _LIMITED.search(part)):
            told = told.replace(part, "")
    return told


def _of_terminated(container: ContainerState, pod: Pod, rules: VerdictRules) -> Trouble | None:
    if container.role is ContainerRole.INIT and container.exit_code == 0:
        return None
    if container.reason == "OOMKilled":
        return _out_of_memory(container, pod)
    if container.reason in _START_FAILED:
        return _start_failed(container, rules)
    if pod.deleted_at is not None:
        return None
    return Trouble(
        FindingClass.LIKELY,
        "Error" if container.exit_code else "Completed",
        container.message or _ends_by_itself(container.exit_code),
        container.name,
        restarts=container.restarts,
        exit_code=container.exit_code,
    )


def _ends_by_itself(exit_code: int | None) -> str:
    return "the container ends by itself; a server should keep running" if exit_code == 0 else ""


def _crashing(container: ContainerState) -> Trouble:
    return Trouble(
        FindingClass.LIKELY,
        "CrashLoopBackOff",
        container.last_message or _ends_by_itself(container.last_exit_code),
        container.name,
        restarts=max(1, container.restarts),
        exit_code=container.last_exit_code,
    )


def _killed_by_probe(container: ContainerState, hints: PodHints) -> Trouble:
    return Trouble(FindingClass.LIKELY, "Unhealthy", hints.probe_text, container.name, restarts=max(2, container.restarts))


def _out_of_memory(container: ContainerState, pod: Pod) -> Trouble:
    limit = f" (limit {pod.memory_limit_bytes // 2**20} MiB)" if pod.memory_limit_bytes else ""
    return Trouble(
        FindingClass.LIKELY,
        "OOMKilled",
        f"killed for using more memory than allowed{limit}",
        container.name,
        restarts=max(2, container.restarts),
        exit_code=137,
    )


def _late_readiness(pod: Pod, window_s: int, hints: PodHints, now: float) -> Trouble | None:
    mains = [c for c in pod.containers if c.role is ContainerRole.MAIN]
    if not mains or any(c.state != "running" for c in mains):
        return None
    # A pod that was ready once gets its window again from the moment it stopped being so.
    since_at = max([pod.ready_changed_at or 0.0, *(c.since_at or pod.created_at for c in mains)])
    if now - since_at < window_s:
        return None
    message = hints.readiness_text or f"for longer than the {short_duration(window_s)} that its probes allow"
    return Trouble(FindingClass.SUSPECT, "NotReady", message, needs_s=float(window_s), since_at=since_at)


def hints_from(reason: str, message: str, count: int, first_at: float, hints: PodHints) -> PodHints:
    """`hints` with one more event about the pod taken in."""
    lowered = message.lower()
    if reason == "Failed" and ("pull" in lowered or "image" in lowered) and len(message) > len(hints.pull_failure):
        earliest = first_at if hints.pull_failed_at is None else min(first_at, hints.pull_failed_at)
        return replace(hints, pull_failure=message, pull_failed_at=earliest)
    if reason in _SETUP_REASONS:
        return replace(hints, setup_reason=reason, setup_failure=message)
    if reason == "Killing" and "will be restarted" in lowered:
        return replace(hints, probe_kills=hints.probe_kills + count, probe_text=message)
    if reason == "Unhealthy" and lowered.startswith("readiness"):
        return replace(hints, readiness_text=message)
    if reason in _NODE_EVENTS:
        return replace(hints, node_reason=reason, node_text=message)
    return hints
