"""Spool records to columns: decoded, enriched, ready for `events` but for visits.

Work is done once for each distinct user agent, URL and referrer of a batch, not once an event.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import polars as pl

from collector import bots, channels, sources, urls, user_agents
from collector.model import SPOOL_VERSION, SpooledEvent
from collector.sites import Registry

_FIELDS = SpooledEvent.__struct_fields__
_decode = msgspec.msgpack.Decoder().decode

_TEXT = pl.String
_SCHEMA: dict[str, Any] = {
    "site_id": pl.UInt32,
    "received_at": pl.Int64,
    "import_id": _TEXT,
    "event_id": pl.Binary,
    "known": pl.Boolean,
    "visitor": pl.UInt64,
    "previous": pl.UInt64,
    "timestamp": pl.Int64,
    "name": _TEXT,
    "interactive": pl.Boolean,
    **dict.fromkeys(_FIELDS[_FIELDS.index("url") : _FIELDS.index("engagement_ms")], _TEXT),
    "engagement_ms": pl.UInt32,
    "scroll_depth": pl.UInt8,
    "gpc": pl.Boolean,
    "revenue": _TEXT,
    "currency": _TEXT,
    "props": pl.Object,
    "props_number": pl.Object,
    "props_bool": pl.Object,
}
_PROPS = ("props", "props_number", "props_bool")


class UnreadableRecord(Exception):
    """A record whose frame is whole but whose payload is no envelope of ours."""


def decode(payload: bytes) -> list[tuple[Any, ...]]:
    """The events of one record as rows in the order of the columns. Raises UnreadableRecord."""
    try:
        version, site_id, received_at, import_id, events = _decode(payload)
        if version != SPOOL_VERSION:
            raise UnreadableRecord(f"record version {version!r} is not {SPOOL_VERSION}")
        rows = [(site_id, received_at, import_id, *event) for event in events]
    except (msgspec.DecodeError, TypeError, ValueError) as exc:
        raise UnreadableRecord(str(exc)) from exc
    if any(len(row) != len(_SCHEMA) for row in rows):
        raise UnreadableRecord("an event with the wrong number of fields")
    return rows


def table(rows: Sequence[tuple[Any, ...]]) -> tuple[pl.DataFrame, dict[str, list[dict[str, Any]]]]:
    """Rows as columns; the three property maps beside, as lists, since polars has no map type.

    Raises UnreadableRecord where a value is of the wrong type.
    """
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    made, maps = {}, {}
    try:
        for (name, kind), values in zip(_SCHEMA.items(), columns, strict=True):
            if name in _PROPS:
                maps[name] = list(values)
            else:
                made[name] = pl.Series(name, values, kind, strict=True)
    except (TypeError, pl.exceptions.PolarsError, OverflowError) as exc:
        raise UnreadableRecord(f"{name}: {exc}") from exc
    return pl.DataFrame(made), maps


def enrich(frame: pl.DataFrame, registry: Registry) -> pl.DataFrame:
    """Adds everything that an event's own fields tell: page, source, channel, device, bot verdict, local day."""
    frame = _mapped(frame, ["user_agent"], _AGENT, _agent)
    frame = _mapped(frame, ["url", "referrer"], _PAGE, _page)
    return frame.with_columns(_local_date(frame, registry, "timestamp").alias("local_date"))


_AGENT = dict.fromkeys(("browser", "browser_version", "os", "os_version", "device", "bot_reason"), _TEXT) | {"bot": pl.Boolean}
_PAGE = dict.fromkeys(
    (
        "hostname path query referrer_page source channel utm_source utm_medium utm_campaign utm_term utm_content"
        " click_id_kind click_id"
    ).split(),
    _TEXT,
)


def _agent(user_agent: str) -> tuple[Any, ...]:
    agent = user_agents.parse(user_agent)
    reason = bots.verdict(user_agent)
    return (agent.browser, agent.browser_version, agent.os, agent.os_version, agent.device, reason, bool(reason))


def _page(url: str, referrer: str) -> tuple[Any, ...]:
    page = urls.split(url)
    host, referrer_page = urls.referrer(referrer, page.hostname)
    source = sources.source_of(page, host)
    channel = channels.channel_of(source.name, page.utm_medium, page.utm_campaign, page.click_id_kind, source.kind)
    utm = (page.utm_source, page.utm_medium, page.utm_campaign, page.utm_term, page.utm_content)
    return (
        page.hostname, page.path, page.query, referrer_page, source.name, channel, *utm, page.click_id_kind, page.click_id,
    )  # fmt: skip


def _mapped(
    frame: pl.DataFrame, keys: list[str], made: dict[str, Any], of: Callable[..., tuple[Any, ...]]
) -> pl.DataFrame:
    """``frame`` with the columns that ``of`` derives from ``keys``, computed once for each distinct key."""
    distinct = frame.select(keys).unique()
    derived = pl.DataFrame([of(*key) for key in distinct.iter_rows()], schema=made, orient="row")
    return frame.join(distinct.hstack(derived), on=keys, how="left", maintain_order="left")


def _local_date(frame: pl.DataFrame, registry: Registry, column: str) -> pl.Expr:
    """Days since 1970 in each row's site's zone, as a Date expression."""
    zones = {site_id: _zone(registry, site_id) for site_id in frame["site_id"].unique()}
    moment = pl.from_epoch(column, time_unit="ms").dt.replace_time_zone("UTC")
    days: pl.Expr = pl.lit(None, dtype=pl.Date)
    for zone in sorted(set(zones.values())):
        of_zone = [site_id for site_id, its in zones.items() if its == zone]
        here = moment.dt.convert_time_zone(zone).dt.date()
        days = pl.when(pl.col("site_id").is_in(of_zone)).then(here).otherwise(days)
    return days


def local_date(frame: pl.DataFrame, registry: Registry, column: str) -> pl.Series:
    """The local day of each row's ``column`` (ms since 1970 UTC) in its site's zone."""
    return frame.select(_local_date(frame, registry, column).alias("day"))["day"]


def _zone(registry: Registry, site_id: int) -> str:
    site = registry.by_id(site_id)
    return site.timezone if site else "UTC"


def new_event_id() -> bytes:
    """A random event id for a client that gave none."""
    return os.urandom(16)
