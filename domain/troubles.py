"""What one container or pod is in trouble with, before anybody counts or waits: VERDICT's table, a row a rule.

Sources: kubectl's and the kubelet's waiting reasons; Shopify/krane pod.rb (doomed image and config errors); werf/kubedog
(what is noise); the containerd and registry messages quoted in `_GONE` and `_LIMITED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.ages import short_duration
from domain.pods import ContainerState, Pod
from domain.templates import ContainerRole, PodTemplate
from domain.verdict import FindingClass, VerdictRules

PULL = "ImagePull"
"""ErrImagePull and ImagePullBackOff take turns; they are one trouble."""

_DOOMED_WAITING = frozenset({"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed", "CreateContainerConfigError"})
_PULL_WAITING = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
_START_FAILED = frozenset({"RunContainerError", "ContainerCannotRun", "StartError"})
_BENIGN_WAITING = frozenset({"", "ContainerCreating", "PodInitializing"})
_GONE = re.compile(
    r"not found|manifest unknown|name unknown|does not exist|denied|unauthorized|forbidden|\b40[13]\b|no match for platform",
    re.IGNORECASE,
)
_LIMITED = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)
_CACHE_SYNC = re.compile(r"failed to sync .* cache", re.IGNORECASE)
_NODE_REASONS = frozenset({"Evicted", "Preempting", "NodeLost", "NodeShutdown", "Terminated", "NodeAffinity", "Shutdown"})
_SETUP_REASONS = frozenset({"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume"})
_STARTING_FAILED_BY_SHUTDOWN = 128


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


def troubles_of(pod: Pod, template: PodTemplate, hints: PodHints, rules: VerdictRules, now: float) -> Iterator[Trouble]:
    """Everything that is wrong with one pod of the newest version."""
    if pod.reason in _NODE_REASONS:
        yield Trouble(FindingClass.NOISE, pod.reason, pod.message)
        return
    if not pod.scheduled and pod.unscheduled_reason == "Unschedulable":
        yield Trouble(
            FindingClass.SUSPECT, "Unschedulable", pod.unscheduled_message, needs_s=rules.unschedulable_after_s, since_at=pod.created_at
        )
        return
    if pod.scheduled and not pod.containers_started and hints.setup_failure:
        yield Trouble(
            FindingClass.SUSPECT,
            hints.setup_reason,
            hints.setup_failure,
            needs_s=rules.creating_after_s,
            since_at=pod.created_at,
        )
    for container in pod.containers:
        trouble = _of_container(container, pod, hints, rules)
        if trouble is not None:
            yield trouble
    late = _late_readiness(pod, template, now)
    if late is not None:
        yield late


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


def _of_container(container: ContainerState, pod: Pod, hints: PodHints, rules: VerdictRules) -> Trouble | None:
    if container.state == "waiting":
        return _of_waiting(container, hints, rules)
    if container.last_reason == "OOMKilled" and not container.ready:
        return _out_of_memory(container, pod)
    if container.state == "terminated":
        return _of_terminated(container, pod)
    if hints.probe_kills >= 2 and container.restarts >= 1 and not container.ready:
        return Trouble(
            FindingClass.LIKELY, "Unhealthy", hints.probe_text, container.name, restarts=max(2, container.restarts)
        )
    if container.restarts >= rules.crash_restarts_one_pod and not container.ready and container.last_exit_code is not None:
        return _crashing(container)
    return None


def _of_waiting(container: ContainerState, hints: PodHints, rules: VerdictRules) -> Trouble | None:
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
        return _crashing(container)
    return Trouble(FindingClass.SUSPECT, reason, message, container.name, needs_s=rules.pull_error_after_s)


def _start_failed(container: ContainerState, rules: VerdictRules) -> Trouble:
    code = container.last_exit_code if container.exit_code is None else container.exit_code
    reason = container.last_reason if container.last_reason in _START_FAILED else container.reason
    kind = FindingClass.NOISE if code == _STARTING_FAILED_BY_SHUTDOWN and not container.last_message else FindingClass.DOOMED
    message = container.last_message or container.message
    return Trouble(kind, reason, message, container.name, needs_s=rules.confirm_after_s, exit_code=code)


def _of_pull(container: ContainerState, hints: PodHints, rules: VerdictRules) -> Trouble:
    told = " ".join((container.message, hints.pull_failure))
    # The image's own name may hold words such as "denied" or "429".
    evidence = told.replace(container.image, "").replace(container.image.rsplit("/", 1)[-1], "")
    message = hints.pull_failure if len(hints.pull_failure) > len(container.message) else container.message
    if _LIMITED.search(evidence):
        return Trouble(FindingClass.NOISE, PULL, message, container.name)
    kind, needs_s = FindingClass.SUSPECT, rules.pull_error_after_s
    if container.reason != "RegistryUnavailable" and _GONE.search(evidence):
        kind, needs_s = FindingClass.DOOMED, rules.confirm_after_s
    return Trouble(kind, PULL, message, container.name, needs_s=needs_s, since_at=hints.pull_failed_at)


def _of_terminated(container: ContainerState, pod: Pod) -> Trouble | None:
    if container.role is ContainerRole.INIT and container.exit_code == 0:
        return None
    if container.reason == "OOMKilled":
        return _out_of_memory(container, pod)
    if container.reason in _START_FAILED:
        kind = FindingClass.NOISE if container.exit_code == _STARTING_FAILED_BY_SHUTDOWN else FindingClass.DOOMED
        return Trouble(kind, container.reason, container.message, container.name, needs_s=3.0, exit_code=container.exit_code)
    if pod.deleted_at is not None:
        return None
    return Trouble(
        FindingClass.LIKELY,
        "Error" if container.exit_code else "Completed",
        container.message,
        container.name,
        restarts=container.restarts,
        exit_code=container.exit_code,
    )


def _crashing(container: ContainerState) -> Trouble:
    message = container.last_message
    if container.last_exit_code == 0 and not message:
        message = "the container ends by itself (exit 0); a server should keep running"
    return Trouble(
        FindingClass.LIKELY,
        "CrashLoopBackOff",
        message,
        container.name,
        restarts=max(1, container.restarts),
        exit_code=container.last_exit_code,
    )


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


def _late_readiness(pod: Pod, template: PodTemplate, now: float) -> Trouble | None:
    window_s = template.readiness_window_s
    mains = [c for c in pod.containers if c.role is ContainerRole.MAIN]
    if pod.ready or not window_s or not mains or any(c.state != "running" for c in mains):
        return None
    started_at = max((c.since_at or pod.created_at for c in mains), default=pod.created_at)
    message = f"not ready {short_duration(now - started_at)} after its start; its probes allow {short_duration(window_s)}"
    return Trouble(FindingClass.SUSPECT, "NotReady", message, needs_s=float(window_s), since_at=started_at)


def hints_from(reason: str, message: str, count: int, first_at: float, hints: PodHints) -> PodHints:
    """`hints` with one more event about the pod taken in."""
    from dataclasses import replace

    lowered = message.lower()
    if reason == "Failed" and ("pull" in lowered or "image" in lowered) and len(message) > len(hints.pull_failure):
        return replace(hints, pull_failure=message, pull_failed_at=first_at)
    if reason in _SETUP_REASONS:
        return replace(hints, setup_reason=reason, setup_failure=message)
    if reason == "Killing" and "will be restarted" in lowered:
        return replace(hints, probe_kills=hints.probe_kills + count, probe_text=message)
    if reason == "Unhealthy" and lowered.startswith("readiness"):
        return replace(hints, readiness_text=message)
    return hints
