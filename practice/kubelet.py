"""The kubelets of all nodes: pods are pulled, started, probed, restarted and stopped, and say so in events."""

from __future__ import annotations

from collections.abc import Callable

from practice.container import Container, Run
from practice.images import Registry
from practice.kinds import PODS, Kind
from practice.objects import Json, name_of, namespace_of, uid_of
from practice.pod_run import PodRun, begun
from practice.recorder import Recorder
from practice.store import Change, Store

_FIRST_BACK_OFF_S = 10.0
_LONGEST_BACK_OFF_S = 300.0
_SYNC_S = 0.15
"""How long the kubelet takes to notice."""


class Kubelet:
    def __init__(self, store: Store, recorder: Recorder, registry: Registry) -> None:
        self._store = store
        self._recorder = recorder
        self._registry = registry
        self._runs: dict[str, PodRun] = {}
        self._images: set[tuple[str, str]] = set()
        store.listen(self._noticed)

    def run_of(self, pod: Json) -> PodRun | None:
        """What runs of a pod; None while it has no node."""
        run = self._runs.get(uid_of(pod))
        if run is None and pod["spec"].get("nodeName"):
            run = self._runs[uid_of(pod)] = begun(pod, self._registry, self._store.clock.now())
        return run

    def has_image(self, node: str, image: str) -> None:
        """The node has pulled that image before."""
        self._images.add((node, image))

    def _noticed(self, kind: Kind, change: Change) -> None:
        if kind is not PODS:
            return
        pod = change.object
        if change.type == "DELETED":
            self._runs.pop(uid_of(pod), None)
        elif pod["metadata"].get("deletionTimestamp"):
            run = self.run_of(pod)
            if run is not None and not run.is_stopping:
                self._stop(pod, run)
        elif pod["spec"].get("nodeName") and uid_of(pod) not in self._runs:
            run = self.run_of(pod)
            if run is not None:
                self._later(run, None, _SYNC_S, lambda: self._begin(run))

    # telling

    def _pod(self, run: PodRun) -> Json | None:
        pod = self._store.find(PODS, run.namespace, run.name)
        return pod if pod is not None and uid_of(pod) == run.uid else None

    def _publish(self, run: PodRun) -> None:
        pod = self._pod(run)
        if pod is not None:
            status = run.status(pod.get("status") or {}, self._store.clock.now())
            self._store.replace(PODS, {**pod, "status": status}, subresource="status", manager="kubelet")

    def _tell(self, run: PodRun, container: Container, reason: str, text: str, *, is_warning: bool = False) -> None:
        pod = self._pod(run)
        if pod is not None:
            self._recorder.tell(
                pod, reason, text, source="kubelet", host=run.node, is_warning=is_warning, field=container.path
            )

    def _later(self, run: PodRun, container: Container | None, delay_s: float, do: Callable[[], None]) -> None:
        """Does it unless the pod is gone, or something else has happened to the container by then."""
        step = container.step if container is not None else 0

        def due() -> None:
            is_late = container is not None and container.step != step
            if self._runs.get(run.uid) is run and not is_late:
                do()

        self._store.clock.call_in(delay_s, due)

    def _between(self, pair: tuple[float, float]) -> float:
        return self._store.names.between(*pair)

    # starting

    def _begin(self, run: PodRun) -> None:
        if run.is_stopping:
            return
        self._publish(run)
        run.has_sandbox = True
        self._start_next(run)

    def _start_next(self, run: PodRun) -> None:
        for container in run.containers:
            if container.is_init and not container.is_done:
                self._pull(run, container)
                return
        for container in run.mains:
            self._pull(run, container)

    def _pull(self, run: PodRun, container: Container) -> None:
        image = container.reference
        if (run.node, image) in self._images and container.spec.get("imagePullPolicy") != "Always":
            self._tell(run, container, "Pulled", f'Container image "{image}" already present on machine')
            self._start(run, container)
            return
        self._tell(run, container, "Pulling", f'Pulling image "{image}"')
        took_s = self._between(container.image.pull_s) if container.image.outcome != "not-found" else 0.6
        self._later(run, container, took_s, lambda: self._pulled(run, container, took_s))

    def _pulled(self, run: PodRun, container: Container, took_s: float) -> None:
        image = container.reference
        if container.image.outcome == "not-found":
            self._fail_pull(run, container)
            return
        self._images.add((run.node, image))
        took = f"{took_s:.3f}s"
        text = f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: 48234496 bytes.'
        self._tell(run, container, "Pulled", text)
        self._start(run, container)

    def _fail_pull(self, run: PodRun, container: Container) -> None:
        image = container.reference
        why = container.image.message or f'failed to resolve reference "{image}": {image}: not found'
        why = f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": {why}'
        self._tell(run, container, "Failed", f'Failed to pull image "{image}": {why}', is_warning=True)
        self._tell(run, container, "Failed", "Error: ErrImagePull", is_warning=True)
        container.waiting, container.message = "ErrImagePull", why
        container.pulls_failed += 1
        self._publish(run)
        back_off_s = min(_LONGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2 ** (container.pulls_failed - 1))

        def wait() -> None:
            self._tell(run, container, "BackOff", f'Back-off pulling image "{image}"')
            self._tell(run, container, "Failed", "Error: ImagePullBackOff", is_warning=True)
            container.waiting = "ImagePullBackOff"
            container.message = f'Back-off pulling image "{image}": ErrImagePull: {why}'
            self._publish(run)

        self._later(run, container, 1.5, wait)
        self._later(run, container, 1.5 + back_off_s, lambda: self._pull(run, container))

    def _start(self, run: PodRun, container: Container) -> None:
        image = container.image
        if image.outcome == "no-config":
            container.waiting, container.message = "CreateContainerConfigError", image.message or 'secret "shop" not found'
            self._tell(run, container, "Failed", f"Error: {container.message}", is_warning=True)
            self._publish(run)
            self._later(run, container, 10, lambda: self._pull(run, container))
            return
        self._tell(run, container, "Created", f"Created container: {container.name}")
        self._tell(run, container, "Started", f"Started container {container.name}")
        container.step += 1
        container.waiting, container.message = "", ""
        container.restarts += bool(container.runs)
        container.runs.append(Run(self._store.clock.now()))
        del container.runs[:-3]
        probe = container.spec.get("readinessProbe")
        container.is_ready = probe is None and not container.is_init
        self._publish(run)
        if image.outcome == "exits" or container.is_init:
            self._later(run, container, image.exit_after_s, lambda: self._exit(run, container))
        elif probe is not None:
            ready_s = float("inf") if image.outcome == "never-ready" else self._between(image.ready_s)
            self._probe(run, container, probe, ready_s)

    # probing

    def _probe(self, run: PodRun, container: Container, probe: Json, ready_s: float) -> None:
        began = self._store.clock.elapsed
        first_s = max(float(probe.get("initialDelaySeconds", 0)), 0.2)
        get = probe.get("httpGet") or {}
        said = "Readiness probe failed: HTTP probe failed with statuscode: 503" if get else "Readiness probe failed: "

        def ask() -> None:
            if run.is_stopping:
                return
            if self._store.clock.elapsed - began >= ready_s:
                container.is_ready = True
                self._publish(run)
                return
            self._tell(run, container, "Unhealthy", said, is_warning=True)
            left_s = ready_s - (self._store.clock.elapsed - began)
            self._later(run, container, min(float(probe["periodSeconds"]), max(left_s, 0.05)), ask)

        self._later(run, container, max(first_s, ready_s if ready_s <= first_s + probe["periodSeconds"] else 0), ask)

    # ending

    def _exit(self, run: PodRun, container: Container) -> None:
        last = container.runs[-1]
        exit_code = 0 if container.is_init and container.image.outcome != "exits" else container.image.exit_code
        last.finished, last.exit_code = self._store.clock.now(), exit_code
        last.reason = container.image.reason if exit_code else "Completed"
        container.is_ready = False
        container.step += 1
        self._publish(run)
        if container.is_done:
            self._start_next(run)
        elif container.restarts == 0:
            self._later(run, container, 0.8, lambda: self._pull(run, container))
        else:
            self._later(run, container, 0.5, lambda: self._back_off(run, container))

    def _back_off(self, run: PodRun, container: Container) -> None:
        wait_s = min(_LONGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2 ** (container.restarts - 1))
        pod_text = f"{run.name}_{run.namespace}({run.uid})"
        container.waiting = "CrashLoopBackOff"
        span = f"{wait_s:.0f}s" if wait_s < 60 else f"{wait_s // 60:.0f}m{wait_s % 60:.0f}s"
        container.message = f"back-off {span} restarting failed container={container.name} pod={pod_text}"
        text = f"Back-off restarting failed container {container.name} in pod {pod_text}"
        self._tell(run, container, "BackOff", text, is_warning=True)
        self._publish(run)
        self._later(run, container, wait_s, lambda: self._pull(run, container))

    def _stop(self, pod: Json, run: PodRun) -> None:
        run.is_stopping = True
        for container in run.containers:
            container.step += 1
            if container.is_running:
                self._tell(run, container, "Killing", f"Stopping container {container.name}")
        slowest = max((self._between(each.image.stop_s) for each in run.mains if each.is_running), default=0.2)
        grace_s = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
        self._later(run, None, min(slowest, grace_s), lambda: self._remove(run))

    def _remove(self, run: PodRun) -> None:
        pod = self._pod(run)
        if pod is not None:
            self._store.remove(PODS, namespace_of(pod), name_of(pod), grace_s=0)
