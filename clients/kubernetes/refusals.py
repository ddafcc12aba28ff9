"""What an API server's refusal means: status codes, Status objects and everybody else's error pages as domain errors."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import msgspec

from domain.errors import (
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OutsideError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)
from domain.sanitise import sanitise


class InvalidRequestError(InvalidError):
    """400 or 422: this server does not understand, or does not accept, what was asked. `said` is its own explanation."""

    def __init__(self, message: str, hint: str, *, said: str = "") -> None:
        super().__init__(message, hint)
        self.said = said


class UnavailableError(UnreachableError):
    """502, 503 or 504: something on the way answered in place of what we asked."""

    def __init__(self, message: str, hint: str, *, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


class Status(msgspec.Struct, gc=False):
    """meta/v1 Status; the fields we explain refusals with."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, in RBAC's words, so that a refusal can name it."""

    verb: str = "get"
    resource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        if not self.resource:
            return self.verb
        name = f" {self.name}" if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{name}{where}"


_ANONYMOUS = re.compile(r'"system:anonymous"')
_CANNOT = re.compile(r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"')
_SHOWN = 300


def refusal(status: int, headers: Mapping[str, str], body: bytes, asked: Asked) -> OutsideError:
    """The domain error for an answer with `status` >= 300."""
    said = _said(headers, body)
    if status == 401:
        return UnauthorizedError(
            f"The API server did not accept who we are (401, {asked})",
            "Log in again as you do for kubectl; `kubectl auth whoami` shows whether it worked.",
        )
    if status == 403:
        return _forbidden(said, asked)
    if status == 404:
        return NotFoundError(f"Not found (404, {asked})", _or(said, "It may have been deleted meanwhile."))
    if status == 409:
        return ConflictError(f"Somebody else was first ({asked})", _or(said, "Look at it again, then decide."))
    if status == 410:
        return ExpiredError(f"The version asked for is too old ({asked})", "The list is read again.")
    if status == 429:
        return _rate_limited(headers, asked)
    if status in (400, 422):
        return InvalidRequestError(
            f"The API server did not accept the request ({status}, {asked})",
            _or(said, "Its version may be too old."),
            said=said,
        )
    if 300 <= status < 400:
        target = sanitise(headers.get("Location", ""), _SHOWN).partition("?")[0]
        return OutsideError(
            f"The API server sent us elsewhere ({status}, {target or 'no address'})",
            "A login page or a proxy may stand in between; the `server` in the kubeconfig must be the API itself.",
        )
    return _server_fault(status, said, asked)


def _forbidden(said: str, asked: Asked) -> OutsideError:
    if _ANONYMOUS.search(said):
        return UnauthorizedError(
            f"No credential was sent, and nobody may {asked} without one",
            "Set a user for this context in the kubeconfig, or log in again.",
        )
    verb, resource = asked.verb, asked.resource
    if match := _CANNOT.search(said):
        verb, resource = match["verb"], match["resource"]
    where = f" in namespace {asked.namespace}" if asked.namespace else " in the whole cluster"
    return ForbiddenError(
        f"Not permitted to {verb} {resource}{where}" if resource else f"Not permitted: {said or asked}",
        f"Ask for a role with verb {verb!r} on {resource!r}{where}." if resource else "Ask for the right.",
        verb=verb,
        resource=resource,
    )


def _rate_limited(headers: Mapping[str, str], asked: Asked) -> RateLimitedError:
    wait_s = retry_after_s(headers.get("Retry-After", ""), headers.get("Date", ""))
    when = "soon" if wait_s is None else f"in {wait_s:g} s"
    return RateLimitedError(
        f"The API server asks us to slow down (429, {asked})", f"It is asked again {when}.", retry_after_s=wait_s
    )


def retry_after_s(text: str, date: str = "") -> float | None:
    """Seconds from a Retry-After header, which is seconds or a date (RFC 9110); dates count from the server's own Date."""
    text = text.strip()
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return max(0.0, when - (server_time(date) or time.time()))


def server_time(date: str) -> float | None:
    """Seconds since the epoch from a Date header."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None


def _server_fault(status: int, said: str, asked: Asked) -> OutsideError:
    if status in (502, 503, 504):
        return UnavailableError(
            f"No API server answers behind its address ({status}, {asked})",
            _or(said, "It may be restarting, or a load balancer has lost it; it is tried again."),
            status=status,
        )
    return OutsideError(
        f"The API server failed ({status}, {asked})", _or(said, "It is tried again; see the API server's own log.")
    )


def _or(said: str, hint: str) -> str:
    return f"It says: {said}" if said else hint


def _said(headers: Mapping[str, str], body: bytes) -> str:
    """What a person can use of an answer's body, on one line; web pages are named, not quoted."""
    head = body[:512].lstrip().lower()
    if "html" in headers.get("Content-Type", "").lower() or head.startswith((b"<!doctype", b"<html")):
        return "a web page, not the API; a proxy or a login page stands in between"
    try:
        message = msgspec.json.decode(body, type=Status).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = body[: 4 * _SHOWN].decode("utf-8", "replace").strip()
    return sanitise(message, _SHOWN)
