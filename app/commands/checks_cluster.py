"""What the cluster answers: is it there, who are we to it, and what may we do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.commands.checks import Check, State, failed, good, warning
from domain.errors import OutsideError, QuarterdeckError
from domain.sanitise import sanitise
from domain.scope import Scope

if TYPE_CHECKING:
    from clients.kubernetes.access import ClusterAccess
    from clients.kubernetes.cluster import Cluster

_SLOW_MS = 500.0
_SKEWED_S = 5.0


@dataclass(frozen=True, slots=True)
class Right:
    """What one part of the program asks of the API server. Without a `is_needed` one nothing can be judged."""

    purpose: str
    verbs: tuple[str, ...]
    resource: str
    group: str = ""
    subresource: str = ""
    is_needed: bool = False
    changes: bool = False
    """Never asked for when read-only."""

    @property
    def name(self) -> str:
        return (
            self.resource + (f"/{self.subresource}" if self.subresource else "") + (f".{self.group}" if self.group else "")
        )


_WATCH = ("get", "list", "watch")
RIGHTS = (
    Right("pods and verdicts", _WATCH, "pods", is_needed=True),
    Right("rollouts", _WATCH, "deployments", "apps", is_needed=True),
    Right("history of deployments", _WATCH, "replicasets", "apps"),
    Right("rollouts of stateful sets", _WATCH, "statefulsets", "apps"),
    Right("rollouts of daemon sets", _WATCH, "daemonsets", "apps"),
    Right("history of stateful and daemon sets", _WATCH, "controllerrevisions", "apps"),
    Right("events", _WATCH, "events"),
    Right("logs", ("get",), "pods", subresource="log"),
    Right("health endpoints", ("get",), "pods", subresource="proxy"),
    Right("finding Prometheus", ("list",), "services"),
    Right("metrics through the cluster", ("get",), "services", subresource="proxy"),
    Right("CPU and memory of pods", ("list",), "pods", "metrics.k8s.io"),
    Right("a shell in a container", ("create", "get"), "pods", subresource="exec", changes=True),
)


def access_checks(access: ClusterAccess) -> list[Check]:
    group = "kubeconfig"
    found = [
        good(group, "file", access.file or "none: the service account of this pod"),
        good(group, "context", f"{access.context}: cluster {access.cluster}, user {access.user or 'none'}"),
    ]
    if not access.is_tls:
        found.append(warning(group, "TLS", "plain HTTP", "Anybody on the way can read along: use it on this host only."))
    elif access.is_tls_unverified:
        found.append(
            warning(group, "TLS", "the certificate is not verified", "Put the cluster's certificate authority there.")
        )
    else:
        found.append(good(group, "TLS", "verified" + (f" as {access.tls_server_name}" if access.tls_server_name else "")))
    return found


async def api_checks(cluster: Cluster) -> list[Check]:
    """One bad check when the API server does not answer; then nothing else can be asked."""
    group, access = "API server", cluster.access
    try:
        await cluster.probe()  # the connection is set up
        began = time.monotonic()
        server_now = await cluster.probe()
        latency_ms = (time.monotonic() - began) * 1000
        user = await cluster.who_am_i()
    except QuarterdeckError as error:
        return [failed(group, access.server, error)]
    found = [good(group, access.server, f"answers in {latency_ms:.0f} ms{await _version(cluster)}")]
    if latency_ms > _SLOW_MS:
        found = [
            warning(
                group, access.server, f"answers in {latency_ms:.0f} ms", "A host nearer to the cluster shows more, sooner."
            )
        ]
    found.append(good(group, "you are", user))
    skew_s = server_now - time.time()
    if abs(skew_s) > _SKEWED_S:
        detail = f"{abs(skew_s):.0f} s {'behind' if skew_s > 0 else 'ahead of'} the API server's"
        found.append(warning(group, "this host's clock", detail, "Ages are right all the same; certificates may not be."))
    return found


async def _version(cluster: Cluster) -> str:
    import msgspec

    try:
        answer = await cluster.proxy_get("/version")
        version = msgspec.json.decode(answer.body).get("gitVersion", "")
    except (OutsideError, msgspec.DecodeError, AttributeError):
        return ""
    return f", Kubernetes {sanitise(str(version), 60)}" if version else ""


async def right_checks(cluster: Cluster, scope: Scope) -> AsyncIterator[Check]:
    rights = [right for right in RIGHTS if not (right.changes and scope.is_read_only)]
    turns = asyncio.Semaphore(6)

    async def missing(right: Right) -> list[str]:
        async with turns:
            return [verb for verb in right.verbs if not await _may(cluster, right, verb, scope.namespace)]

    try:
        answers = await asyncio.gather(*(missing(right) for right in rights))
    except OutsideError as error:
        yield failed("rights", "SelfSubjectAccessReview", error, state=State.WARNING)
        return
    for right, verbs in zip(rights, answers, strict=True):
        if verbs:
            yield _not_permitted(right, verbs, scope)
        else:
            yield good("rights", right.purpose, f"{', '.join(right.verbs)} {right.name}")


async def _may(cluster: Cluster, right: Right, verb: str, namespace: str) -> bool:
    return await cluster.is_permitted(
        verb, right.resource, group=right.group, subresource=right.subresource, namespace=namespace
    )


def _not_permitted(right: Right, verbs: list[str], scope: Scope) -> Check:
    kind, place = ("role", f"-n {scope.namespace} ") if scope.namespace else ("clusterrole", "")
    resource = (
        right.resource + (f".{right.group}" if right.group else "") + (f"/{right.subresource}" if right.subresource else "")
    )
    name = "-".join(["quarterdeck", right.resource, *filter(None, [right.subresource, right.group.partition(".")[0]])])
    create = f"kubectl {place}create {kind} {name} --verb={','.join(verbs)} --resource={resource}"
    hint = f"Whoever administers the cluster can `{create}` and bind it to you."
    detail = f"may not {', '.join(verbs)} {right.name}"
    state = State.BAD if right.is_needed else State.WARNING
    return Check("rights", right.purpose, state, detail, hint, OutsideError.exit_code)
