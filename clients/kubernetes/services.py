"""Short lists that are read once: services to find what can be asked through the proxy, namespaces to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec import field

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.decoding import Codec
from clients.kubernetes.refusals import Asked
from clients.kubernetes.texts import Texts
from clients.kubernetes.wire import SlimMetadata, Wire
from domain.facts import Identified
from domain.sanitise import sanitise


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """`ports` are (name, number); the name may be ""."""

    uid: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    ports: tuple[tuple[str, int], ...]


class _Port(Wire):
    name: str = ""
    port: int = 0


class _Spec(Wire):
    ports: list[_Port] | None = None


class _ServiceObject(Wire):
    metadata: SlimMetadata = field(default_factory=SlimMetadata)
    spec: _Spec = field(default_factory=_Spec)


async def read_services(connection: Connection, namespace: str) -> tuple[ServiceRef, ...]:
    texts = Texts()

    def convert(wire: _ServiceObject) -> ServiceRef:
        meta = wire.metadata
        ports = tuple((texts.shared(p.name), p.port) for p in wire.spec.ports or ())
        return ServiceRef(
            texts.shared(meta.uid), texts.shared(meta.namespace), texts.shared(meta.name), texts.labels(meta.labels), ports
        )

    found = await _read_all(connection, Codec(_ServiceObject, convert), "services", namespace)
    return tuple(service for service in found if isinstance(service, ServiceRef))


@dataclass(frozen=True, slots=True)
class _Namespace:
    uid: str
    name: str


class _NamespaceObject(Wire):
    metadata: SlimMetadata = field(default_factory=SlimMetadata)


async def read_namespaces(connection: Connection) -> tuple[str, ...]:
    """Their names, sorted. ForbiddenError is common: listing them is a right of its own."""

    def convert(wire: _NamespaceObject) -> _Namespace:
        return _Namespace(sanitise(wire.metadata.uid), sanitise(wire.metadata.name))

    found = await _read_all(connection, Codec(_NamespaceObject, convert), "namespaces", "")
    return tuple(sorted(namespace.name for namespace in found if isinstance(namespace, _Namespace)))


async def _read_all(connection: Connection, codec: Codec[Any], plural: str, namespace: str) -> list[Identified]:
    within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    found: list[Identified] = []
    continue_ = ""
    while True:
        params = (("limit", "500"), *((("continue", continue_),) if continue_ else ()))
        ask = Ask(f"/api/v1{within}/{plural}", Asked("list", plural, namespace), params=params)
        page = codec.page(await connection.read(ask))
        found += page.values
        continue_ = page.continue_
        if not continue_:
            return found
