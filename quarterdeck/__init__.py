"""The one name that is installed: puts the rooms on the path, then hands over to the command line."""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
# In a wheel the rooms stand inside this package; in a checkout, beside it.
sys.path.insert(0, str(_here if (_here / "app").is_dir() else _here.parent))


def main() -> int:
    from app.cli import run

    return run(sys.argv[1:])
