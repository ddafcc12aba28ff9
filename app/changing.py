"""From an action's name to a plan that can be confirmed: what the screen and the command line both do first."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.outside import LiveFleets, outside, place_of
from app.resolve_scope import environment_of
from app.session import Session
from domain.fleet import Fleet
from domain.workloads import WorkloadKey

if TYPE_CHECKING:
    from actions.prepare import Prepared, VerifyRules
    from app.config import Config
    from domain.scope import Scope

CHANGES: Mapping[str, tuple[str, str]] = {
    "rollback": ("actions.rollback", "RollbackOptions"),
    "deploy": ("actions.deploy", "DeployOptions"),
    "restart": ("actions.restart", "RestartOptions"),
    "pause": ("actions.pause", "PauseOptions"),
    "resume": ("actions.pause", "ResumeOptions"),
    "scale": ("actions.scale", "ScaleOptions"),
}
"""Action -> where its `prepare` stands, and what it can be told."""


async def prepare(name: str, session: Session, fleet: Fleet, key: WorkloadKey, **choices: Any) -> Prepared:
    """`choices` are fields of the action's options. RefusedError with every reason at once."""
    module_name, options_name = CHANGES[name]
    module = importlib.import_module(module_name)
    known = getattr(module, options_name)
    options = known(place=place_of(session), verify=verify_rules(session.config, session.scope), **choices)
    fleets = LiveFleets()
    fleets.publish(fleet)
    async with outside(session, fleets) as ports:
        prepared: Prepared = await module.prepare(ports, fleet, key, options)
    return prepared


def verify_rules(config: Config, scope: Scope) -> VerifyRules:
    """What proves a change, from the configuration."""
    from actions.prepare import VerifyRules

    environment = environment_of(scope, config)
    return VerifyRules(
        soak_s=config.rules.soak_s,
        health_urls=environment.health_urls if environment else (),
        smoke_http=config.smoke_places,
        smoke_command=config.smoke_command,
        smoke_timeout_s=config.smoke_command_timeout_s,
        metrics_factor=config.rules.business_factor if config.compares_metrics else None,
    )
