"""Reads the body of a health answer: the JSON of SOP row 8.1, and what else the field's frameworks send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from domain.health import NamedCheck
from domain.sanitise import sanitise

_LONGEST_TEXT = 200
_MOST_CHECKS = 50

# Ours; Spring Boot (UP), ASP.NET (Healthy), Terminus (ok, up), application/health+json (pass, warn), gRPC (SERVING),
# MicroProfile (UP), and the words people write by hand. Every other word is bad: "timeout" must not pass for well.
_GOOD = frozenset(
    {
        *("healthy", "ok", "okay", "up", "pass", "passed", "passing", "warn", "warning", "green", "alive", "live", "ready"),
        *("running", "serving", "success", "true", "yes", "available", "connected", "reachable", "operational", "online"),
        *("active", "enabled", "normal", "good", "fine"),
    }
)
_STATUS_KEYS = ("status", "state", "health", "healthy", "ok", "success")
_CHECK_KEYS = ("checks", "components", "details", "entries", "results", "dependencies", "services")
_NAME_KEYS = ("name", "id", "component", "check")
_TEXT_KEYS = ("message", "error", "output", "description", "reason", "detail")
_VERSION_KEYS = ("version", "release", "releaseId", "app_version", "build", "commit", "sha")


class HealthBody(msgspec.Struct, frozen=True):
    """`is_well`: what the body says of the whole, and no named check against it; None where it says nothing."""

    is_well: bool | None = None
    word: str = ""
    version: str = ""
    checks: tuple[NamedCheck, ...] = ()


def read_body(body: bytes) -> HealthBody:
    """Never raises: a body that is not a JSON object says nothing."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return HealthBody()
    if not isinstance(told, dict):
        return HealthBody()
    word = _status_word(told)
    checks = tuple(islice(_checks_in(told, word is None or is_good(word)), _MOST_CHECKS))
    is_well = None if word is None and not checks else (word is None or is_good(word)) and all(c.is_ok for c in checks)
    return HealthBody(is_well, _text(word or ""), _version_in(told), checks)


def first_words(body: bytes) -> str:
    """The first line of a body that is plain text, for beside a bad status; "" for markup and for nothing."""
    text = body[:2048].decode("utf-8", "replace").strip()
    if not text or text[0] in "<{[":
        return ""
    return _text(text.splitlines()[0].strip())


def is_good(word: str) -> bool:
    return word.strip().lower() in _GOOD


def _status_word(told: Mapping[str, Any]) -> str | None:
    for key in _STATUS_KEYS:
        value = told.get(key)
        if isinstance(value, bool):
            return ("healthy" if value else "unhealthy") if key in ("healthy", "health") else ("ok" if value else "failed")
        if isinstance(value, str):
            return value
    return None


def _checks_in(told: Mapping[str, Any], is_whole_well: bool) -> Iterator[NamedCheck]:
    for key in _CHECK_KEYS:
        found = told.get(key)
        if isinstance(found, dict) and found:
            yield from (_check(name, value, is_whole_well) for name, value in found.items())
            return
        if isinstance(found, list) and found:
            yield from (_listed_check(value, number, is_whole_well) for number, value in enumerate(found, 1))
            return


def _listed_check(value: object, number: int, is_whole_well: bool) -> NamedCheck:
    name = f"check {number}"
    if isinstance(value, dict):
        name = next((v for k in _NAME_KEYS if isinstance(v := value.get(k), str)), name)
    return _check(name, value, is_whole_well)


def _check(name: str, value: object, is_whole_well: bool) -> NamedCheck:
    is_ok, text = _judge(value, is_whole_well)
    return NamedCheck(_text(name), is_ok, _text(text))


def _judge(value: object, is_whole_well: bool) -> tuple[bool, str]:
    """One check's value as (is it well, its words): a word, a boolean, a number, an object, or a list of objects."""
    if isinstance(value, bool):
        return value, "ok" if value else "failed"
    if value is None:
        return False, "no answer"
    if isinstance(value, int | float):
        return is_whole_well, f"{value:g}" if abs(value) < 1e15 else "a large number"
    if isinstance(value, str):
        return is_good(value), value
    if isinstance(value, list):
        parts = [_judge(v, is_whole_well) for v in value if not isinstance(v, list)]
        return next((p for p in parts if not p[0]), parts[0] if parts else (is_whole_well, ""))
    if isinstance(value, dict):
        word = _status_word(value)
        said = next((v for k in _TEXT_KEYS if isinstance(v := value.get(k), str) and v), "")
        is_ok = is_whole_well and not value.get("error") if word is None else is_good(word)
        return is_ok, (word or "") if is_ok or not said else f"{word}: {said}" if word else said
    return False, ""


def _version_in(told: Mapping[str, Any]) -> str:
    for key in _VERSION_KEYS:
        value = told.get(key)
        if isinstance(value, dict):
            value = value.get("version")
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            value = f"{value:g}"
        if isinstance(value, str):
            return _text(value)
    return ""


def _text(text: str) -> str:
    return sanitise(text, _LONGEST_TEXT)
