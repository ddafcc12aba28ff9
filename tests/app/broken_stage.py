"""The real program with a defect in it, and a secret near the defect. Run by test_defects.py."""

from __future__ import annotations

import sys

import app.quarterdeck_app as composition
from app.boot import run
from app.options import Options
from domain.fleet import Fleet

CANARY = "canary-5f3c9e"


class Broken(composition.QuarterdeckApp):
    def publish(self, fleet: Fleet) -> None:
        token = CANARY
        raise ValueError(f"broken by {len(token)}")


if __name__ == "__main__":
    setattr(composition, "QuarterdeckApp", Broken)  # noqa: B010 - a type cannot be assigned to
    sys.exit(run(Options()))
