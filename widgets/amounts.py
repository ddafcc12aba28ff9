"""Numbers with their units, in as few characters as an eye needs."""

from __future__ import annotations

from domain.metrics import Unit
from widgets import palette

_MIB = 2**20


def cpu(millicores: int) -> str:
    return f"{millicores}m" if millicores < 10_000 else f"{millicores / 1000:.0f}"


def memory(number_of_bytes: float) -> str:
    """As kubectl top has it: mebibytes, gibibytes from 10 Gi on."""
    mib = number_of_bytes / _MIB
    return f"{mib:.0f}Mi" if mib < 10_240 else f"{mib / 1024:.1f}Gi"


def share_of(part: float, whole: float) -> tuple[str, str]:
    """In percent of a limit, and the style that says how near it is."""
    percent = 100 * part / whole
    style = "bad" if percent >= 95 else "warn" if percent >= 80 else ""
    sign = palette.signs.warn if style else ""
    return f"{sign}{percent:.0f}%", style


def quantity(value: float, unit: Unit) -> str:
    """A metric's value: 0.2 %, 184 ms, 412 /s, 4."""
    match unit:
        case Unit.SHARE:
            return f"{100 * value:.1f} %"
        case Unit.SECONDS:
            return f"{1000 * value:.0f} ms" if abs(value) < 10 else f"{value:.1f} s"
        case Unit.PER_SECOND:
            return f"{_short(value)} /s"
        case Unit.CORES:
            return f"{1000 * value:.0f} m" if abs(value) < 10 else f"{value:.1f} cores"
        case Unit.BYTES:
            return memory(value)
        case Unit.COUNT:
            return _short(value)


def change(value: float, before: float, unit: Unit) -> str:
    """How much more or less than before: in percent for rates and bytes, else in the unit itself."""
    difference = value - before
    sign = "+" if difference >= 0 else palette.signs.minus
    if unit in (Unit.PER_SECOND, Unit.BYTES, Unit.CORES) and before:
        return f"{sign}{abs(100 * difference / before):.0f} %"
    if unit is Unit.SHARE:
        return f"{sign}{abs(100 * difference):.1f}"
    return f"{sign}{quantity(abs(difference), unit)}"


def _short(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 1_000_000:
        return f"{value / 1_000_000:.1f}M"
    if magnitude >= 10_000:
        return f"{value / 1000:.1f}k"
    if magnitude >= 10 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 1 else f"{value:.2f}"
