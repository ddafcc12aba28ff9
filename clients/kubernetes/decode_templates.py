"""Pod templates: parsed once for each text, because a text seldom changes and its owner's counts always do."""

from __future__ import annotations

import msgspec

from clients.kubernetes.quantities import bytes_of, millicores_of
from clients.kubernetes.texts import Texts
from clients.kubernetes.wire import HttpGet, ProbeSpec, Template, TemplateContainer
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe

_MOST_KEPT = 1024
_EMPTY = PodTemplate()


class Templates:
    """The same text gives the same object: identity is what tells later that a template has not changed."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[bytes, PodTemplate] = {}
        self._decoder = msgspec.json.Decoder(Template)

    def template(self, raw: msgspec.Raw) -> PodTemplate:
        """A template that cannot be parsed has no containers; its text can still be compared."""
        text = bytes(raw)
        if not text:
            return _EMPTY
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            known = self._known[text] = self._parse(text)
        return known

    def revision_template(self, raw: msgspec.Raw) -> PodTemplate:
        """As a ControllerRevision keeps it: a patch, whose own mark is no part of the template."""
        text = bytes(raw)
        known = self._known.get(text)
        if known is not None:
            return known
        try:
            document = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self.template(raw)
        if isinstance(document, dict):
            document.pop("$patch", None)
        parsed = self.template(msgspec.Raw(msgspec.json.encode(document)))
        self._known[text] = parsed
        return parsed

    def _parse(self, text: bytes) -> PodTemplate:
        shown = text.decode("utf-8", "replace")
        try:
            spec = self._decoder.decode(text).spec
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return PodTemplate(text=shown)
        containers = [self._container(c, _init_role(c)) for c in spec.init_containers or ()]
        containers += [self._container(c, ContainerRole.MAIN) for c in spec.containers or ()]
        return PodTemplate(tuple(containers), shown)

    def _container(self, wire: TemplateContainer, role: ContainerRole) -> ContainerSpec:
        shared = self._texts.shared
        limits = (wire.resources.limits if wire.resources else None) or {}
        probes = (
            ("startup", wire.startup_probe),
            ("readiness", wire.readiness_probe),
            ("liveness", wire.liveness_probe),
        )
        return ContainerSpec(
            name=shared(wire.name),
            role=role,
            image=shared(wire.image),
            probes=tuple(self._probe(kind, probe) for kind, probe in probes if probe is not None),
            ports=tuple((shared(p.name), p.container_port) for p in wire.ports or ()),
            cpu_limit_m=millicores_of(limits["cpu"]) if "cpu" in limits else None,
            memory_limit_bytes=bytes_of(limits["memory"]) if "memory" in limits else None,
        )

    def _probe(self, kind: str, wire: ProbeSpec) -> Probe:
        http = wire.http_get or HttpGet()
        return Probe(
            kind=kind,
            path=(self._texts.shared(http.path) or "/") if wire.http_get else "",
            port=self._texts.shared(str(http.port)),
            scheme=self._texts.shared(http.scheme) or "HTTP",
            initial_delay_s=wire.initial_delay_seconds,
            period_s=wire.period_seconds,
            failure_threshold=wire.failure_threshold,
            timeout_s=wire.timeout_seconds,
        )


def _init_role(container: TemplateContainer) -> ContainerRole:
    return ContainerRole.SIDECAR if container.restart_policy == "Always" else ContainerRole.INIT
