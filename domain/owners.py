"""Who else sets this workload's fields: GitOps tools and Helm put back what is changed here, an autoscaler scales it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.operations import Json
from domain.sanitise import sanitise

Body = Mapping[str, Json]


def reverting_owners(workload: Body) -> tuple[str, ...]:
    """Each in a sentence that says what will happen and what to do; by the labels and annotations that these tools set."""
    metadata = workload.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    told = []
    argo = annotations.get("argocd.argoproj.io/tracking-id") or labels.get("argocd.argoproj.io/instance")
    if argo:
        name = sanitise(str(argo).partition(":")[0], 100)
        told.append(f"Argo CD application {name} will put it back when it syncs: turn auto-sync off, or change Git too")
    flux = labels.get("kustomize.toolkit.fluxcd.io/name")
    if flux:
        name = sanitise(str(flux), 100)
        told.append(f"Flux kustomization {name} will put it back when it reconciles: suspend it, or change Git too")
    release = labels.get("helm.toolkit.fluxcd.io/name")
    if release:
        told.append(f"Flux Helm release {sanitise(str(release), 100)} will put it back: suspend it, or change Git too")
    elif labels.get("app.kubernetes.io/managed-by") == "Helm":
        name = sanitise(str(annotations.get("meta.helm.sh/release-name") or "?"), 100)
        told.append(f"Helm release {name} owns it: its next upgrade sets what the chart says")
    return tuple(told)


def autoscaler_of(kind: str, name: str, autoscalers: Iterable[Body]) -> str:
    """ "HPA shop-backend keeps 3 to 12 replicas"; "" where none scales it."""
    for body in autoscalers:
        spec = body.get("spec") or {}
        target = spec.get("scaleTargetRef") or {}
        if target.get("kind") == kind and target.get("name") == name:
            who = sanitise(str(body["metadata"].get("name", "")), 100)
            least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", "?")
            return f"HPA {who} keeps {sanitise(str(least), 12)} to {sanitise(str(most), 12)} replicas"
    return ""
