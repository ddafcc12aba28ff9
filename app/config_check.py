"""Says which key of quarterdeck.toml is wrong, and what was expected there: msgspec loses the names in between."""

from __future__ import annotations

import difflib
import math
import types
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from app.config_types import FileTables, description_of
from domain.errors import ConfigError
from domain.sanitise import sanitise

_REFERENCE = "docs/configuration.md has every key."
_WORDS = {str: "a text in quotes", bool: "true or false", int: "a whole number", float: "a number"}
_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", dict: "a table", list: "a list"}


def check(raw: dict[str, Any], file: str) -> FileTables:
    """The tables, or a ConfigError that names the key."""
    _walk(raw, FileTables, "", "", file)
    return msgspec.convert(raw, FileTables, strict=True)


def _walk(value: Any, annotation: Any, path: str, about: str, file: str) -> None:
    about = description_of(annotation) or about
    wanted = bare(annotation)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        _walk_struct(_expect(value, dict, path, about, file), wanted, path, file)
    elif get_origin(wanted) is dict:
        for name, inner in _expect(value, dict, path, about, file).items():
            _no_controls(name, _join(path, name), file)
            _walk(inner, get_args(wanted)[1], _join(path, name), about, file)
    elif get_origin(wanted) is list:
        for number, inner in enumerate(_expect(value, list, path, about, file), 1):
            _walk(inner, get_args(wanted)[0], f"{path}[{number}]", about, file)
    else:
        _leaf(value, annotation, wanted, path, about, file)


def _walk_struct(table: dict[str, Any], wanted: type[msgspec.Struct], path: str, file: str) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(wanted)}
    for name, inner in table.items():
        field = fields.get(name)
        if field is None:
            raise _unknown(name, list(fields), path, file)
        _walk(inner, field.type, _join(path, name), "", file)
    for field in fields.values():
        if field.required and field.name not in table:
            key = _join(path, field.name)
            raise ConfigError(f"`{key}` is missing.", f"{description_of(field.type)} {_REFERENCE}", file=file, key=key)


def _leaf(value: Any, annotation: Any, wanted: Any, path: str, about: str, file: str) -> None:
    try:
        converted = msgspec.convert(value, annotation, strict=True)
    except msgspec.ValidationError:
        raise _wrong(value, expected(annotation, wanted), path, about, file) from None
    if isinstance(converted, float) and not math.isfinite(converted):
        raise _wrong(value, "a finite number", path, about, file)
    if isinstance(converted, str):
        # A query may well stand on several lines.
        _no_controls(" ".join(converted.split()), path, file)


def _no_controls(text: str, path: str, file: str) -> None:
    if sanitise(text, len(text) + 1) != text:
        key = sanitise(path)
        raise ConfigError(
            f"`{key}` holds a control character, or one that cannot be seen.", "Write it anew by hand.", file=file, key=key
        )


def _expect(value: Any, kind: type, path: str, about: str, file: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(value, _KINDS[kind], path, about, file)
    return value


def _wrong(value: Any, expected: str, path: str, about: str, file: str) -> ConfigError:
    shown = f" ({sanitise(repr(value), 60)})" if isinstance(value, str | int | float) else ""
    message = f"`{path}` must be {expected}, and is {_KINDS.get(type(value), 'a date or time')}{shown}."
    return ConfigError(message, about or _REFERENCE, file=file, key=path)


def _unknown(name: str, known: list[str], path: str, file: str) -> ConfigError:
    key = sanitise(_join(path, name))
    nearest = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"Did you mean `{_join(path, nearest[0])}`?" if nearest else f"Here may stand: {', '.join(known)}."
    return ConfigError(f"There is no key `{key}`.", f"{hint} {_REFERENCE}", file=file, key=key)


def bare(annotation: Any) -> Any:
    """Without its description, and without "or not set"."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (types.UnionType, Union):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            return annotation


def expected(annotation: Any, wanted: Any) -> str:
    """What may stand there, in words."""
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return "one of " + ", ".join(f'"{member.value}"' for member in wanted)
    words = _WORDS.get(wanted, "something else")
    for meta in getattr(annotation, "__metadata__", ()):
        for bound, said in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
            limit = getattr(meta, bound, None)
            if limit is not None:
                words += f", {said} {limit:g}"
    return words


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
