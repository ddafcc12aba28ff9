"""What can be done in a step: the registry of executors, by the kind that plans name them by."""

from __future__ import annotations

from collections.abc import Mapping

from actions.ports import Executor
from actions.steps.delete_pods import PodDeletions
from actions.steps.event import Events
from actions.steps.health import HealthChecks
from actions.steps.helm import HelmRollbacks
from actions.steps.lock import Locks, Unlocks
from actions.steps.mark import Marks
from actions.steps.metrics import MetricComparisons
from actions.steps.patch import Patches
from actions.steps.record import Records
from actions.steps.rollout import Rollouts, Soaks
from actions.steps.smoke import SmokeAddresses, SmokeCommands

_EXECUTORS: tuple[Executor, ...] = (
    Locks(),
    Records(),
    Patches(),
    PodDeletions(),
    Rollouts(),
    Soaks(),
    HealthChecks(),
    SmokeAddresses(),
    SmokeCommands(),
    MetricComparisons(),
    Marks(),
    Events(),
    HelmRollbacks(),
    Unlocks(),
)
STEPS: Mapping[str, Executor] = {executor.kind: executor for executor in _EXECUTORS}
