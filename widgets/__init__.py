"""Draw one thing each from a snapshot; say upward what the person asked."""

from __future__ import annotations

from typing import Any

from widgets.events_pane import EventsPane
from widgets.health_pane import HealthPane
from widgets.history_pane import HistoryPane
from widgets.metrics_pane import MetricsPane
from widgets.pods_pane import PodsPane
from widgets.rollouts_pane import RolloutsPane
from widgets.table_pane import TablePane

PANES: tuple[type[TablePane[Any]], ...] = (RolloutsPane, PodsPane, HistoryPane, EventsPane, MetricsPane, HealthPane)
"""In the order of their numbers. A new pane is one file, one entry here and one in `actions.move`."""
