"""The pictures of the README: the real screen on the practice cluster, at the moment that matters. `make pictures`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.boot import begin
from app.options import Options
from domain.fleet import Fleet
from domain.streams import Source, StreamPhase
from practice.serve import PracticeCluster

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_WITHIN_S = 120.0
_PRODUCTION = """\
product = "shop"
[environments.production]
context = "practice"
namespace = "shop-practice"
production = true
url = ""
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """`is_moment` says of a snapshot that now is the time; `keys` are pressed then."""

    name: str
    scenario: str
    size: tuple[int, int]
    is_moment: Callable[[Fleet], bool]
    is_production: bool = False
    keys: tuple[str, ...] = ()


def _is_explained(fleet: Fleet) -> bool:
    is_failing = any(r.degree.is_failing for r in fleet.rollouts.values())
    sources = (Source.POD_USAGE, Source.METRICS, Source.HEALTH)
    return is_failing and all(fleet.stream(source).phase is StreamPhase.LIVE for source in sources)


def _is_explained_by_its_log(fleet: Fleet) -> bool:
    return _is_explained(fleet) and bool(fleet.log_tails)


def _is_halfway(fleet: Fleet) -> bool:
    return any(r.old_pods and r.new_ready >= 3 for r in fleet.rollouts.values()) and bool(fleet.metrics)


PICTURES = (
    Picture("watch", "crash-loop", (120, 36), _is_explained_by_its_log, is_production=True),
    Picture("healthy", "healthy", (120, 36), _is_halfway),
    Picture("small", "missing-image", (80, 24), _is_explained, is_production=True),
)


async def take(picture: Picture, config_file: Path) -> str:
    """The SVG."""
    from app.quarterdeck_app import QuarterdeckApp

    async with PracticeCluster(picture.scenario, speed=2.0) as cluster:
        os.environ["KUBECONFIG"] = str(cluster.kubeconfig_path)
        app = QuarterdeckApp(await asyncio.to_thread(begin, Options(config_file=str(config_file))))
        async with app.run_test(size=picture.size) as pilot, asyncio.timeout(_WITHIN_S):
            while not picture.is_moment(app.session.fleet):
                await pilot.pause(0.1)
            await pilot.press(*picture.keys)
            await pilot.pause(0.5)
            return app.export_screenshot(title="quarterdeck")


def main(names: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        if names and picture.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_STATE_HOME"] = folder
            config = Path(folder, "quarterdeck.toml")
            config.write_text(_PRODUCTION if picture.is_production else "")
            svg = asyncio.run(take(picture, config))
        path = FOLDER / f"{picture.name}.svg"
        path.write_text(svg)
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
