"""What the API says when it does not do as asked: Status objects with the real server's reasons and words."""

from __future__ import annotations

from practice.kinds import Kind
from practice.objects import Json


class ApiError(Exception):
    """Becomes a Status answer. `code` is the HTTP status."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Json:
        answer: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details is not None:
            answer["details"] = self.details
        return {**answer, "code": self.code}


def details_of(kind: Kind, name: str, **more: object) -> Json:
    found: Json = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    return {**found, "kind": kind.resource, **more}


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind.qualified} "{name}" not found', details_of(kind, name))


def already_exists(kind: Kind, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', details_of(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    said = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {said}'
    return ApiError(409, "Conflict", message, details_of(kind, name))


def invalid(kind: Kind, name: str, field: str, why: str) -> ApiError:
    cause = {"reason": why.split(":", 1)[0].replace(" ", ""), "message": why, "field": field}
    details: Json = {"name": name, "group": kind.group, "kind": kind.name, "causes": [cause]}
    return ApiError(422, "Invalid", f'{kind.qualified_kind} "{name}" is invalid: {field}: {why}', details)


def patch_refused() -> ApiError:
    """A JSON patch whose `test` failed or whose path is not there: the real server does not say which."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
