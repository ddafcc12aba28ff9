"""Questions about ourselves: who we are and what we may do. They are POSTs that store nothing; the gate lets them pass."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from clients.kubernetes.connection import Ask, Connection
from clients.kubernetes.refusals import Asked
from domain.errors import OutsideError
from domain.sanitise import sanitise

_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_T = TypeVar("_T")
_SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class _UserInfo(msgspec.Struct):
    username: str = ""


class _SelfStatus(msgspec.Struct, rename="camel"):
    user_info: _UserInfo = msgspec.field(default_factory=_UserInfo)


class _SelfReview(msgspec.Struct):
    status: _SelfStatus = msgspec.field(default_factory=_SelfStatus)


class _AccessStatus(msgspec.Struct):
    allowed: bool = False


class _AccessReview(msgspec.Struct):
    status: _AccessStatus = msgspec.field(default_factory=_AccessStatus)


async def who_am_i(connection: Connection) -> str:
    """The user name as the API server knows it. NotFoundError before Kubernetes 1.28."""
    body = await _post(connection, _SELF, {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"})
    return sanitise(_decoded(body, _SelfReview).status.user_info.username)


async def is_permitted(
    connection: Connection, verb: str, resource: str, *, group: str, subresource: str, namespace: str, name: str = ""
) -> bool:
    attributes = {
        "verb": verb,
        "resource": resource,
        "group": group,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    review = {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    return _decoded(await _post(connection, _ACCESS, review), _AccessReview).status.allowed


async def _post(connection: Connection, path: str, review: object) -> bytes:
    asked = Asked("create", path.rpartition("/")[2])
    return await connection.read(Ask(path, asked, method="POST", body=msgspec.json.encode(review)), timeout_s=10)


def _decoded(body: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutsideError("The API server's answer cannot be read", "Its version may be too old.") from error
