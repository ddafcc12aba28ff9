"""The table of what was measured, and on which machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench.figures import FIGURES, Figure
from tests.bench.programs import Program
from tests.cluster import build

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Program -> figure -> what each run gave."""


def machine_facts(load: float, pods: int, mean_pod_bytes: float, columns: int, rows: int) -> str:
    words = [
        f"{_cpu()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, Linux {platform.release()}",
        f"Python {platform.python_version()}, Textual {version('textual')}, terminal {columns}x{rows}",
        f"Kubernetes {build.KUBERNETES} (real etcd, API server, controllers; kwok {build.KWOK} for the nodes)",
        f"{pods:,} pods of {mean_pod_bytes / 1000:.1f} kB each as JSON; loopback",
    ]
    if load > 0.5 * (os.cpu_count() or 1):
        words.append(f"the machine was busy before this began (load {load:.1f}): figures are worse than they need be")
    return "\n".join(words)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def table(values: Values, programs: Sequence[Program]) -> str:
    """One line a figure: our min / median / max, whether that reaches target and beyond, and the others' medians."""
    others = [program for program in programs if not program.is_ours]
    head = ["figure", "quarterdeck min / median / max", "target", "", "beyond", ""]
    lines = [head + [f"{program.name} {program.version}" for program in others]]
    for figure in FIGURES:
        if any(values[program.name].get(figure.key) for program in programs):
            lines.append(_line(figure, values, others))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def _line(figure: Figure, values: Values, others: Sequence[Program]) -> list[str]:
    ours = values.get("quarterdeck", {}).get(figure.key, ())
    target = _target(figure, values)
    told = " / ".join(_number(v, figure) for v in (min(ours), statistics.median(ours), max(ours))) if ours else "-"
    line = [figure.title, f"{told} {figure.unit}" if ours else told]
    for limit in (target, figure.beyond):
        line += [_number(limit, figure) if limit is not None else "", _mark(ours, limit)]
    for program in others:
        theirs = values[program.name].get(figure.key, ())
        line.append(_number(statistics.median(theirs), figure) if theirs else "-")
    return line


def _target(figure: Figure, values: Values) -> float | None:
    if figure.of_k9s is None:
        return figure.target
    measured = values.get("k9s", {}).get(figure.key, ())
    return figure.of_k9s * (statistics.median(measured) if measured else figure.k9s_was)


def _mark(ours: Sequence[float], limit: float | None) -> str:
    if not ours or limit is None:
        return ""
    return "✔" if statistics.median(ours) <= limit else "✖"


def _number(value: float, figure: Figure) -> str:
    return f"{value:,.{figure.digits}f}"
