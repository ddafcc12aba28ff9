"""What every test runs under: nobody's own configuration, and a last line that says which real parts ran."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QUARTERDECK_TEST_REAL_HOME", str(Path.home()))

from tests import requirements

_FORGOTTEN = (
    "KUBECONFIG",
    "XDG_RUNTIME_DIR",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "NO_COLOR",
    "COLORTERM",
    "FORCE_COLOR",
)
_FOLDERS = {
    "HOME": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}
_FIXED = {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    "TERM": "xterm-256color",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
_PART = "real part"


def _environment_in(home: Path) -> dict[str, str]:
    return {**{name: str(home / folder) for name, folder in _FOLDERS.items()}, **_FIXED}


def _shut_out_the_developer() -> None:
    home = Path(tempfile.mkdtemp(prefix="quarterdeck-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(_environment_in(home))
    # Where runc and ip are, for users whose PATH has only what users need.
    os.environ["PATH"] += os.pathsep + os.pathsep.join(("/usr/sbin", "/sbin"))
    for name in [*_FORGOTTEN, *(name for name in os.environ if name.startswith("QUARTERDECK_"))]:
        if not name.startswith(("QUARTERDECK_TEST_", "QUARTERDECK_REQUIRE")):
            os.environ.pop(name, None)


_shut_out_the_developer()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of the test's own, empty."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name, value in _environment_in(folder).items():
        monkeypatch.setenv(name, value)
    yield folder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real(part): needs this real part, such as a program on PATH (tests/requirements.py)"
    )


def _parts_of(item: pytest.Item) -> list[str]:
    parts = [part for mark, part in requirements.MARKS.items() if item.get_closest_marker(mark)]
    return parts + [str(part) for mark in item.iter_markers("real") for part in mark.args]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for each control plane: all who share one run on the same worker (`--dist loadgroup`)."""
    for item in items:
        for mark in ("node", "cluster"):
            if item.get_closest_marker(mark) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(mark))


def pytest_runtest_setup(item: pytest.Item) -> None:
    parts = _parts_of(item)
    item.user_properties.extend((_PART, part) for part in parts)
    for part in parts:
        requirements.need(part)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: Counter[str] = Counter()
    absent: dict[str, str] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for part in (str(value) for name, value in getattr(report, "user_properties", ()) if name == _PART):
                ran[part] += report.when == "call"
                if report.when == "setup" and (reason := requirements.reason_missing(part)):
                    absent[part] = f"{'MISSING' if requirements.is_required(part) else 'SKIPPED'} ({reason})"
    words = [f"{part} ran ({count} tests)" for part, count in sorted(ran.items()) if count]
    words += [f"{part} {what}" for part, what in sorted(absent.items())]
    terminalreporter.write_line(f"real parts: {'; '.join(words) or 'none asked for'}")
