"""What pip needs to install exactly what uv.lock says, on machines without uv: `python tests/locked.py FOLDER`.

Writes FOLDER/pins.txt (every locked version, for `--constraint`) and FOLDER/development.txt (the development group, for
`--requirement`). Standard library only: it runs before anything is installed, and with a pip that knows no groups.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def pins() -> list[str]:
    """`name==version` of everything locked but the project itself."""
    packages = tomllib.loads((_ROOT / "uv.lock").read_text())["package"]
    return [f"{package['name']}=={package['version']}" for package in packages if "registry" in package["source"]]


def development() -> list[str]:
    """The development group, as pyproject.toml has it."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    return [str(requirement) for requirement in project["dependency-groups"]["dev"]]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "pins.txt").write_text("\n".join([*pins(), ""]))
    (folder / "development.txt").write_text("\n".join([*development(), ""]))
