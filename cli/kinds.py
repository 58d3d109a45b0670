"""Every kind of definition that commands and files know: of the read side and of the write side."""

from __future__ import annotations

from typing import Any

from aggregations.definitions.affiliate_urls import AFFILIATE_URL
from aggregations.definitions.funnels import FUNNEL
from aggregations.definitions.overrides import OVERRIDE
from aggregations.query.goals import GOAL
from aggregations.segments.definition import SEGMENT
from collector.sites.event_schema_definitions import EVENT_SCHEMA
from collector.sites.network_definitions import NETWORK
from sql.definitions import Kind
from sql.retention import RETENTION

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind for kind in (GOAL, FUNNEL, SEGMENT, EVENT_SCHEMA, NETWORK, AFFILIATE_URL, OVERRIDE, RETENTION)
}
