"""Services, to find what can be asked through the API server's proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import field

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.decoding import Codec
from clients.kubernetes.refusals import Asked
from clients.kubernetes.texts import Texts
from clients.kubernetes.wire import SlimMetadata, Wire


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

    codec = Codec(_ServiceObject, convert)
    within = f"/namespaces/{namespace}" if namespace else ""
    found: list[ServiceRef] = []
    continue_ = ""
    while True:
        params = (("limit", "500"), *((("continue", continue_),) if continue_ else ()))
        ask = Ask(f"/api/v1{within}/services", Asked("list", "services", namespace), params=params)
        page = codec.page(await connection.read(ask))
        found += [service for service in page.values if isinstance(service, ServiceRef)]
        continue_ = page.continue_
        if not continue_:
            return tuple(found)
