"""Everything known about one pod, workload or revision, in the words of `kubectl describe`, from the snapshot alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from domain.ages import clock, short_duration
from domain.fleet import Fleet
from domain.occurrences import Occurrence
from domain.pods import ContainerState, Pod
from domain.rollouts import RevisionLine, RevisionMark, Rollout
from domain.streams import Source
from domain.targets import Target
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe
from domain.workloads import Condition, Workload

MOST_EVENTS = 40
_MIB = 2**20
_EXIT_WORDS = {126: "not executable", 127: "command not found", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}


class Described(NamedTuple):
    """`label` stands in a column of its own; a heading has none. `style` is a name of the palette."""

    label: str
    text: str
    style: str = ""


def describe(fleet: Fleet, target: Target) -> tuple[Described, ...]:
    """What `target` names; one line that says so where the cluster no longer has it."""
    pod = fleet.pods.get(target.pod_uid)
    if pod is not None:
        return tuple(_pod(fleet, pod))
    rollout = fleet.rollouts.get(target.workload) if target.workload is not None else None
    if rollout is None or target.pod_uid:
        return (Described("", "It is gone: the cluster no longer has it.", "warn"),)
    line = next((line for line in rollout.history if line.revision.uid == target.revision_uid), None)
    if line is not None:
        return tuple(_revision(fleet, rollout, line))
    return tuple(_workload(fleet, rollout))


def _pod(fleet: Fleet, pod: Pod) -> Iterator[Described]:
    yield Described("", f"Pod {pod.name}", "title")
    restarts = f", {pod.restarts} restarts" if pod.restarts else ""
    if pod.restarts and pod.last_restart_at is not None:
        restarts += f" (the last {short_duration(fleet.now - pod.last_restart_at)} ago)"
    yield Described(
        "status",
        f"{pod.status}, {pod.ready_count}/{pod.total_count} ready{restarts}",
        "bad" if pod.is_faulty else "good" if pod.ready else "",
    )
    if pod.reason or pod.message:
        yield Described("", " ".join(part for part in (pod.reason, pod.message) if part), "bad")
    if not pod.scheduled and pod.unscheduled_reason:
        yield Described("not placed", f"{pod.unscheduled_reason}: {pod.unscheduled_message}", "warn")
    yield from _place(fleet, pod)
    for container in pod.containers:
        yield from _container(fleet, container, _spec_of(fleet, pod, container))
    yield from _events(fleet, {pod.uid})


def _place(fleet: Fleet, pod: Pod) -> Iterator[Described]:
    yield Described("namespace", pod.namespace)
    owner = fleet.owner_of(pod)
    if owner is not None:
        yield Described("workload", f"{owner}, {_version_word(fleet.rollouts.get(owner), pod)}")
    elif pod.owner_name:
        yield Described("owner", f"{pod.owner_kind} {pod.owner_name}")
    yield Described("node", pod.node or "none yet")
    if pod.ip:
        yield Described("address", pod.ip)
    yield Described("created", _moment(fleet, pod.created_at))
    if pod.deleted_at is not None:
        yield Described("terminating", _moment(fleet, pod.deleted_at), "warn")
    if pod.cpu_limit_m or pod.memory_limit_bytes:
        yield Described("limits", _amounts(pod.cpu_limit_m, pod.memory_limit_bytes))
    usage = fleet.usage_of(pod)
    if usage is not None:
        share = f" ({usage.memory_bytes * 100 // pod.memory_limit_bytes} % of its limit)" if pod.memory_limit_bytes else ""
        yield Described("usage", _amounts(usage.cpu_m, usage.memory_bytes) + share)
    if pod.labels:
        yield Described("labels", _pairs(pod.labels))


def _version_word(rollout: Rollout | None, pod: Pod) -> str:
    if rollout is None:
        return pod.template_hash
    new = rollout.new.template_hash if rollout.new is not None else ""
    line = next((line for line in rollout.history if line.revision.template_hash == pod.template_hash), None)
    version = f" {line.image.version}" if line is not None else ""
    return f"{'new' if pod.template_hash == new else 'old'} version{version} ({pod.template_hash})"


def _spec_of(fleet: Fleet, pod: Pod, container: ContainerState) -> ContainerSpec | None:
    revision = fleet.revisions.get(pod.owner_uid)
    if revision is None:
        revisions = fleet.revisions_by_owner.get(pod.owner_uid, {}).values()
        revision = next((r for r in revisions if r.template_hash == pod.template_hash), None)
    specs = revision.template.containers if revision is not None else ()
    return next((spec for spec in specs if spec.name == container.name), None)


def _container(fleet: Fleet, c: ContainerState, spec: ContainerSpec | None) -> Iterator[Described]:
    yield Described("", "")
    yield Described("", f"Container {c.name}" + ("" if c.role is ContainerRole.MAIN else f" ({c.role})"), "title")
    yield from _state(fleet, c)
    if c.last_reason or c.last_exit_code is not None:
        ended = f", ended {short_duration(fleet.now - c.last_finished_at)} ago" if c.last_finished_at else ""
        yield Described("last run", f"{c.last_reason or 'Terminated'}{_exit_word(c.last_exit_code)}{ended}", "warn")
        if c.last_message:
            yield Described("", c.last_message)
    yield Described("ready", "yes" if c.ready else "no", "" if c.ready else "warn")
    if c.restarts:
        yield Described("restarts", str(c.restarts), "warn")
    yield Described("image", c.image)
    if c.image_id:
        yield Described("runs", c.image_id, "quiet")
    if spec is not None:
        yield from _spec(spec)


def _state(fleet: Fleet, c: ContainerState) -> Iterator[Described]:
    since = f" for {short_duration(fleet.now - c.since_at)}" if c.since_at is not None else ""
    if c.state == "running":
        yield Described("state", f"running{since}", "good" if c.ready else "")
    elif c.state == "terminated":
        is_done = c.exit_code == 0
        yield Described("state", f"ended: {c.reason or 'Terminated'}{_exit_word(c.exit_code)}", "" if is_done else "bad")
    elif c.state == "waiting":
        is_normal = c.reason in ("", "ContainerCreating", "PodInitializing")
        yield Described("state", f"waiting: {c.reason}" if c.reason else "waiting", "" if is_normal else "bad")
    else:
        yield Described("state", "not reported yet", "quiet")
    if c.message:
        yield Described("", c.message)


def _exit_word(code: int | None) -> str:
    if code is None:
        return ""
    word = _EXIT_WORDS.get(code, "")
    return f", exit {code}" + (f" ({word})" if word else "")


def _spec(spec: ContainerSpec) -> Iterator[Described]:
    if spec.ports:
        yield Described("ports", ", ".join(f"{number} ({name})" if name else str(number) for name, number in spec.ports))
    if spec.cpu_limit_m or spec.memory_limit_bytes:
        yield Described("limits", _amounts(spec.cpu_limit_m, spec.memory_limit_bytes))
    for probe in spec.probes:
        yield Described(probe.kind, _probe_word(probe))


def _probe_word(probe: Probe) -> str:
    where = (
        f"GET {probe.scheme.lower()} :{probe.port}{probe.path}"
        if probe.path
        else f"port {probe.port}"
        if probe.port
        else "command"
    )
    return (
        f"{where} every {probe.period_s} s from {probe.initial_delay_s} s on, "
        f"{probe.failure_threshold} failures count, {probe.timeout_s} s for each"
    )


def _workload(fleet: Fleet, rollout: Rollout) -> Iterator[Described]:
    w = rollout.workload
    yield Described("", f"{w.kind} {w.name}", "title")
    yield from _verdict(rollout)
    yield Described(
        "pods", f"{w.desired} wanted, {w.updated} of the newest version, {w.ready} ready, {w.available} available"
    )
    yield Described("namespace", w.namespace)
    yield Described("image", ", ".join(w.template.main_images))
    yield Described("strategy", _strategy(w))
    if w.paused:
        yield Described("paused", "yes: nothing rolls out until it is resumed", "warn")
    yield Described("generation", _generation(w), "" if w.observed_generation >= w.generation else "warn")
    yield Described("created", _moment(fleet, w.created_at))
    if w.changed_at is not None:
        yield Described("changed", _moment(fleet, w.changed_at) + (f", by {w.changed_by}" if w.changed_by else ""))
    if w.change_cause:
        yield Described("cause", w.change_cause)
    if w.managed_by:
        yield Described("managed by", w.managed_by)
    if w.selector:
        yield Described("selector", _pairs(w.selector))
    yield from _conditions(fleet, w.conditions)
    yield from _template(w.template)
    yield from _history(fleet, rollout)
    yield from _health(fleet, rollout)
    pods = {*rollout.new_pods, *rollout.old_pods}
    yield from _events(fleet, {w.uid, *(line.revision.uid for line in rollout.history), *pods})


def _verdict(rollout: Rollout) -> Iterator[Described]:
    verdict = rollout.verdict
    style = "bad" if verdict.degree.is_failing else "good" if not verdict.degree else "warn"
    title = verdict.title
    if verdict.since_began_s is not None:
        title += f" at {clock(verdict.since_began_s)}"
    if verdict.kubernetes_says_at_s is not None and verdict.degree.is_failing:
        title += f"; Kubernetes says so at {clock(verdict.kubernetes_says_at_s)}"
    yield Described("verdict", title, style)
    for text in (verdict.cause, verdict.capacity):
        if text:
            yield Described("", text)
    for finding in verdict.findings if len(verdict.findings) > 1 or not verdict.cause else ():
        pods = f" on {len(finding.pod_uids)} pods" if len(finding.pod_uids) > 1 else ""
        kept = "" if finding.is_confirmed else f" ({finding.kind}, not confirmed yet)"
        yield Described("finding", f"{finding.reason}{pods}{kept}: {finding.message}", "quiet")


def _strategy(w: Workload) -> str:
    word = w.strategy
    if w.partition:
        word += f", partition {w.partition}"
    if w.min_ready_s:
        word += f", ready for {w.min_ready_s} s to count"
    if w.progress_deadline_s is not None:
        word += f", given up after {clock(w.progress_deadline_s)} without progress"
    return word


def _generation(w: Workload) -> str:
    seen = w.observed_generation
    return str(w.generation) if seen >= w.generation else f"{w.generation}, its controller has seen {seen} only"


def _conditions(fleet: Fleet, conditions: Iterable[Condition]) -> Iterator[Described]:
    for index, c in enumerate(conditions):
        age = f", {short_duration(fleet.now - c.changed_at)}" if c.changed_at is not None else ""
        detail = f" ({c.reason})" if c.reason else ""
        word = f"{c.type} {'yes' if c.status else 'NO'}{detail}{age}"
        is_bad = c.status if c.type == "ReplicaFailure" else not c.status
        yield Described("" if index else "conditions", word, "bad" if is_bad else "")
        if c.message and is_bad:
            yield Described("", c.message)


def _template(template: PodTemplate) -> Iterator[Described]:
    for spec in template.containers:
        yield Described("", "")
        yield Described(
            "", f"Container {spec.name}" + ("" if spec.role is ContainerRole.MAIN else f" ({spec.role})"), "title"
        )
        yield Described("image", spec.image)
        yield from _spec(spec)


def _history(fleet: Fleet, rollout: Rollout) -> Iterator[Described]:
    if rollout.history:
        yield Described("", "")
        yield Described("", "Revisions", "title")
    for line in rollout.history:
        revision = line.revision
        by = f" by {revision.changed_by}" if revision.changed_by else ""
        word = (
            f"{line.image.version}  {revision.template_hash}  "
            f"{short_duration(fleet.now - revision.created_at)} ago{by}  {revision.ready}/{revision.replicas} ready"
        )
        yield Described(f"#{revision.number}", f"{word}  {line.mark}".rstrip(), _mark_style(line.mark))


def _mark_style(mark: RevisionMark) -> str:
    if mark in (RevisionMark.FAILED, RevisionMark.FAILING):
        return "bad"
    return "good" if mark is RevisionMark.GOOD else "quiet" if mark is RevisionMark.PAST else ""


def _health(fleet: Fleet, rollout: Rollout) -> Iterator[Described]:
    answers = fleet.health.get(rollout.key, ())
    if answers:
        yield Described("", "")
        yield Described("", "Health", "title")
    for answer in answers:
        status = answer.status_code if answer.status_code is not None else "no answer"
        checks = ", ".join(f"{check.name} {'ok' if check.is_ok else 'FAILS: ' + check.text}" for check in answer.checks)
        detail = "; ".join(
            part for part in (f"{status} in {answer.latency_ms:.0f} ms", answer.word, checks, answer.error) if part
        )
        yield Described(
            "healthy" if answer.is_healthy else "FAILING",
            f"{answer.endpoint.title}  {detail}",
            "" if answer.is_healthy else "bad",
        )


def _revision(fleet: Fleet, rollout: Rollout, line: RevisionLine) -> Iterator[Described]:
    revision = line.revision
    yield Described("", f"Revision {revision.number} of {rollout.workload.name}", "title")
    yield Described("version", f"{line.image.version}  {line.mark}".rstrip(), _mark_style(line.mark))
    if line.note:
        yield Described("", line.note)
    if line.good_for_s:
        yield Described("available", f"seen fully available for {short_duration(line.good_for_s)}", "good")
    yield Described(
        "pods",
        f"{revision.desired} wanted, {revision.replicas} there, {revision.ready} ready, {revision.available} available",
    )
    yield Described("object", f"{revision.kind} {revision.name}")
    yield Described("template", revision.template_hash)
    yield Described(
        "created", _moment(fleet, revision.created_at) + (f", by {revision.changed_by}" if revision.changed_by else "")
    )
    if revision.change_cause:
        yield Described("cause", revision.change_cause)
    if line.image_id:
        yield Described("runs", line.image_id, "quiet")
    yield from _conditions(fleet, revision.conditions)
    yield from _template(revision.template)
    yield from _events(fleet, {revision.uid})


def _events(fleet: Fleet, about: set[str]) -> Iterator[Described]:
    found = sorted((o for o in fleet.occurrences.values() if o.about_uid in about), key=lambda o: -o.last_at)
    yield Described("", "")
    yield Described("", "Events, newest first", "title")
    if not found:
        state = fleet.stream(Source.OCCURRENCES)
        yield Described("", state.reason or "None are known; Kubernetes keeps them for one hour.", "quiet")
    for occurrence in found[:MOST_EVENTS]:
        yield _event(fleet, occurrence)
    if len(found) > MOST_EVENTS:
        yield Described("", f"and {len(found) - MOST_EVENTS} older ones", "quiet")


def _event(fleet: Fleet, o: Occurrence) -> Described:
    times = f" ×{o.count}" if o.count > 1 else ""
    about = "" if o.about_kind == "Pod" and not o.about_name else f" {o.about_kind.lower()}/{o.about_name}"
    sign = "! " if o.type == "Warning" else ""
    return Described(
        f"{short_duration(fleet.now - o.last_at)} ago",
        f"{sign}{o.reason}{times}{about}: {o.message}",
        "warn" if o.type == "Warning" else "",
    )


def _moment(fleet: Fleet, at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z, {short_duration(fleet.now - at)} ago"


def _amounts(cpu_m: int | None, memory_bytes: int | None) -> str:
    parts = [f"cpu {cpu_m}m" if cpu_m else "", f"memory {memory_bytes / _MIB:.0f} MiB" if memory_bytes else ""]
    return ", ".join(part for part in parts if part) or "nothing measurable"


def _pairs(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in pairs.items())
