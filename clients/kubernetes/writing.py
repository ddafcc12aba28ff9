"""Changes to the cluster, each under a precondition, each sent once: implements `domain.operation_ports.ClusterWriter`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from clients.kubernetes import reviews
from clients.kubernetes.connection import Ask, Connection, Params
from clients.kubernetes.gate import Kind
from clients.kubernetes.kinds import Resource, resource_of
from clients.kubernetes.refusals import InvalidRequestError
from clients.kubernetes.refused_patch import MANAGER, differences, last_change
from clients.kubernetes.secret_shape import value_of, without_content
from clients.kubernetes.write_connection import WriteConnection
from domain.errors import AnswerLostError, ConflictError, ExpiredError, NotFoundError, OutsideError, RefusedError
from domain.operation_ports import ClusterObject
from domain.operations import Json

_UNEXPLAINED = "the server rejected our request due to an error in our request"
"""All that a JSON patch gets for a `test` that failed, and for a path that leads nowhere (apimachinery, errors.go)."""
_PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_MOST_PAGES = 1000
_HELM_SECRET = 4 * 2**20


class Writer:
    """Reads go by the reading connection. Of a Secret only metadata and the names of its keys are ever handed out."""

    def __init__(self, reading: Connection, sending: WriteConnection) -> None:
        self._reading = reading
        self._sending = sending

    async def read(self, kind: str, namespace: str, name: str) -> ClusterObject:
        """NotFoundError where there is none."""
        resource = resource_of(kind)
        body = await self._reading.read(_ask("get", resource, namespace, name))
        return _object(kind, resource, _decoded(body))

    async def list(self, kind: str, namespace: str, *, label_selector: str = "") -> tuple[ClusterObject, ...]:
        """In the server's order, all pages. `namespace` "" is all of them. Secrets come without their keys."""
        try:
            return await self._pages(kind, namespace, label_selector)
        except ExpiredError:
            # The list took longer than the server remembers; the next one begins anew.
            return await self._pages(kind, namespace, label_selector)

    async def _pages(self, kind: str, namespace: str, label_selector: str) -> tuple[ClusterObject, ...]:
        resource = resource_of(kind)
        accept = f"{_PARTIAL},application/json" if kind == "Secret" else "application/json"
        found: list[ClusterObject] = []
        token = ""
        for _ in range(_MOST_PAGES):
            pairs = {"labelSelector": label_selector, "continue": token, "limit": str(self._reading.limits.page_size)}
            params = tuple((key, value) for key, value in pairs.items() if value)
            ask = Ask(resource.path(namespace), resource.asked("list", namespace), Kind.LIST, params=params, accept=accept)
            page = _decoded(await self._reading.read(ask))
            found += [_object(kind, resource, item) for item in page.get("items") or ()]
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return tuple(found)
        raise OutsideError("The list does not end", "A proxy may stand in between; the API server's pages do end.")

    async def patch(
        self, kind: str, namespace: str, name: str, operations: Sequence[Mapping[str, Json]], *, is_dry_run: bool = False
    ) -> ClusterObject:
        """ConflictError says which of the `test`s does not hold, and who has changed it."""
        ask = _change("PATCH", "patch", resource_of(kind), namespace, name, list(operations), is_dry_run)
        try:
            return await self._written(ask, kind)
        except InvalidRequestError as error:
            if error.said != _UNEXPLAINED:
                raise
            raise await self._explained(kind, namespace, name, operations, error) from error

    async def _explained(
        self, kind: str, namespace: str, name: str, operations: Sequence[Mapping[str, Json]], refused: InvalidRequestError
    ) -> OutsideError:
        what = f"{kind.lower()}/{name}"
        hint = "Nothing was changed. Look at it again, then decide."
        try:
            found = await self.read(kind, namespace, name)
        except NotFoundError:
            return ConflictError(f"{what} has been deleted meanwhile", hint)
        except OutsideError as error:
            return ConflictError(f"{what} is not what it was; what differs cannot be read: {error.message}", hint)
        different = differences(operations, found)
        if not different:
            return InvalidRequestError(
                f"The patch does not fit {what}: a path in it leads nowhere", hint, said=refused.said
            )
        who = last_change(found)
        by = f" (last changed by {who})" if who else ""
        return ConflictError(f"{what} has changed since this was planned: {'; '.join(different)}{by}", hint)

    async def create(self, body: Mapping[str, Json], *, is_dry_run: bool = False) -> ClusterObject:
        """ConflictError where one of that name exists."""
        kind, namespace, name = _identity(body)
        _refuse_secret(kind, "created")
        ask = _change("POST", "create", resource_of(kind), namespace, "", body, is_dry_run, shown=name)
        return await self._written(ask, kind)

    async def replace(
        self, body: Mapping[str, Json], *, is_dry_run: bool = False, timeout_s: float | None = None
    ) -> ClusterObject:
        """ConflictError where the body's metadata.resourceVersion is no longer the object's."""
        kind, namespace, name = _identity(body)
        _refuse_secret(kind, "replaced")
        if not body["metadata"].get("resourceVersion"):
            raise RefusedError(
                f"{kind.lower()}/{name} is not replaced", "A body without resourceVersion overwrites blindly."
            )
        ask = _change("PUT", "update", resource_of(kind), namespace, name, body, is_dry_run)
        return await self._written(ask, kind, timeout_s)

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str, is_dry_run: bool = False) -> None:
        """So that no object of this uid is left. Gone already, or another one in its place, is fine."""
        options: dict[str, Json] = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        if is_dry_run:
            # A server that is given a body reads none of these from the query.
            options["dryRun"] = ["All"]
        ask = _change("DELETE", "delete", resource_of(kind), namespace, name, options, is_dry_run)
        try:
            await self._sending.write(ask)
        except NotFoundError:
            return
        except ConflictError:
            if not await self._is_gone(kind, namespace, name, uid):
                raise

    async def _is_gone(self, kind: str, namespace: str, name: str, uid: str) -> bool:
        try:
            return (await self.read(kind, namespace, name)).uid != uid
        except NotFoundError:
            return True

    async def is_permitted(
        self, verb: str, resource: str, *, group: str = "", subresource: str = "", namespace: str = "", name: str = ""
    ) -> bool:
        return await reviews.is_permitted(
            self._reading, verb, resource, group=group, subresource=subresource, namespace=namespace, name=name
        )

    async def read_secret_data(self, namespace: str, name: str, key: str, *, limit_bytes: int = _HELM_SECRET) -> bytes:
        """One decoded value, for releases of Helm, which keeps them in Secrets. Never to be shown, logged or kept."""
        body = await self._reading.read(_ask("get", resource_of("Secret"), namespace, name))
        return value_of(_decoded(body), key, limit_bytes)

    async def _written(self, ask: Ask, kind: str, timeout_s: float | None = None) -> ClusterObject:
        answer = await self._sending.write(ask, timeout_s=timeout_s)
        try:
            return _object(kind, resource_of(kind), _decoded(answer))
        except OutsideError as error:
            raise AnswerLostError(
                f"It was accepted ({ask.asked}), but the answer cannot be read", "Look at it before you do it again."
            ) from error


def _identity(body: Mapping[str, Json]) -> tuple[str, str, str]:
    meta = body["metadata"]
    return str(body["kind"]), str(meta.get("namespace", "")), str(meta.get("name") or meta.get("generateName", ""))


def _refuse_secret(kind: str, done: str) -> None:
    """What is handed out of a Secret is empty: to send it back would be to empty it."""
    if kind == "Secret":
        raise RefusedError(f"Secrets are not {done} here", "Use kubectl, or what usually makes them.")


def _ask(verb: str, resource: Resource, namespace: str, name: str) -> Ask:
    return Ask(resource.path(namespace, name), resource.asked(verb, namespace, name))


def _change(
    method: str,
    verb: str,
    resource: Resource,
    namespace: str,
    name: str,
    body: object,
    is_dry_run: bool,
    *,
    shown: str = "",
) -> Ask:
    params: Params = (("dryRun", "All"),) if is_dry_run else ()
    if method != "DELETE":
        params += (("fieldManager", MANAGER),)
    headers = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
    return Ask(
        resource.path(namespace, name),
        resource.asked(verb, namespace, name or shown),
        Kind.WRITE,
        params=params,
        method=method,
        body=msgspec.json.encode(body, enc_hook=_plain),
        headers=headers,
    )


def _plain(value: object) -> object:
    """Read-only mappings, which msgspec does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(type(value).__name__)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        thing = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise OutsideError("The API server's answer cannot be read", "Try again, or use kubectl.") from error
    if not isinstance(thing, dict):
        raise OutsideError("The API server's answer is not an object", "Try again, or use kubectl.")
    return thing


def _object(kind: str, resource: Resource, thing: object) -> ClusterObject:
    """The items of a list lack kind and apiVersion, which an object needs to go back."""
    if not isinstance(thing, dict) or not isinstance(thing.get("metadata"), dict):
        raise OutsideError("The API server's answer is not an object", "Try again, or use kubectl.")
    whole = {**thing, "kind": kind, "apiVersion": resource.api_version}
    return ClusterObject(without_content(whole) if kind == "Secret" else whole)
