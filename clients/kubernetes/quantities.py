"""Kubernetes quantities ("250m", "1.5", "512Mi", "12345678n") as whole millicores and bytes."""

from __future__ import annotations

import math
from functools import lru_cache

_SUFFIXES = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}


@lru_cache(maxsize=4096)
def _number(quantity: str | int | float) -> float | None:
    text = str(quantity).strip()
    digits = text.rstrip("".join(_SUFFIXES))
    scale = _SUFFIXES.get(text[len(digits) :])
    try:
        number = float(digits) * scale if scale is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def millicores_of(quantity: str | int | float) -> int | None:
    """Rounded; None for what is not a quantity."""
    number = _number(quantity)
    return None if number is None else round(number * 1000)


def bytes_of(quantity: str | int | float) -> int | None:
    number = _number(quantity)
    return None if number is None else round(number)
