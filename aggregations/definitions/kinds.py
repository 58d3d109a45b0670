"""Every kind of definition that the store and files of definitions know."""

from __future__ import annotations

from typing import Any

from aggregations.definitions.funnels import FUNNEL
from aggregations.query.goals import GOAL
from sql.definitions import Kind
from sql.retention import RETENTION

KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in (GOAL, FUNNEL, RETENTION)}
