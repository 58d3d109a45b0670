"""Decoded events to columns: enriched, ready for `events` but for visits.

What many events share is worked out once and kept apart: tables of distinct clients, pages, origins and properties,
and for each event the numbers of its rows in them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from collector.cache import MIB, remembers
from collector.enrich import bots, channels, sources, user_agents
from collector.enrich.referrer_spam import SpamHosts
from collector.event import urls
from collector.loader import conduct
from collector.sites.registry import SiteRegistry
from collector.spool.line_reader import UnreadableRecord
from sql.core import timezones

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT = pl.String
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_CLIENT = ["user_agent", "screen", "language", "country", "city", "signals"]
_PROPS = {"props": dict[str, str], "props_number": dict[str, float], "props_bool": dict[str, bool]}
_AGENT_COLUMNS = dict.fromkeys(("browser", "browser_version", "os", "os_version", "device"), _TEXT)
_VERDICT_COLUMNS = {"bot": pl.Boolean, "bot_score": pl.UInt8, "bot_reasons": _TEXT}
# What of a page's address says where its visitor came from.
_TAG = ["hostname", "utm_source", "link", "utm_medium", "utm_campaign", "click_id_kind"]
_PAGE_COLUMNS = dict.fromkeys(
    (
        "hostname", "path", "query", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
        "click_id_kind", "click_id", "link",
    ),
    _TEXT,
)  # fmt: skip
_ORIGIN_COLUMNS = dict.fromkeys(("referrer", "source", "channel"), _TEXT)
_SPAM_COLUMNS = {"spam": pl.Boolean}
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in _PROPS.items()}


@dataclass(slots=True)
class Columns:
    """``rows``: one row an event, with ``client``, ``page``, ``origin``, ``verdict`` and ``extra``, row numbers of the
    tables of that name in ``shared``; the maps of ``extra`` are in ``maps``, since Polars has no map type.
    ``minutes`` is for ``conduct.Past``."""

    rows: pl.DataFrame
    shared: dict[str, pl.DataFrame]
    maps: dict[str, pa.MapArray]
    minutes: pl.DataFrame


def enrich(
    events: pl.DataFrame, registry: SiteRegistry, spam: SpamHosts, past: pl.DataFrame = conduct.NO_MINUTES
) -> Columns:
    """Everything that an event's own fields tell: page, source, channel, device, bot verdict, local day.

    ``events`` has the columns that ``lines.decode`` gives, ``past`` is that of ``conduct.Past``.

    Raises UnreadableRecord where properties are no JSON.
    """
    client, clients = _numbered(events.select(_CLIENT))
    page, addresses = _numbered(events.select("url"))
    extra, texts = _numbered(events.select(*_PROPS))
    pages = _derived(addresses, _PAGE_COLUMNS, _page)
    tag, tags = _numbered(pages.select(_TAG))
    origin, links = _numbered(events.select("referrer", tag=pl.Series(tag, dtype=pl.UInt32).gather(page)))
    origins = _derived(links.select("referrer").hstack(tags[links["tag"]]), _ORIGIN_COLUMNS, _origin)
    spammed = _derived(origins.select("referrer"), _SPAM_COLUMNS, lambda page: (spam.lists(page.partition("/")[0]),))
    signs = clients.select("user_agent", "signals")[client]
    did = conduct.conduct(events, pl.Series(page), pages["path"], past)
    verdict, doubts = _numbered(signs.with_columns(spam=spammed["spam"].gather(origin), conduct=did.bits))
    clients = clients.with_columns(pl.col("language", "country", "city").str.replace_all(_CONTROLS.pattern, ""))
    rows = events.drop(*_CLIENT, "url", "referrer", *_PROPS).with_columns(
        local_date(events, registry, "timestamp").alias("local_date"),
        client=pl.Series(client),
        page=pl.Series(page),
        origin=pl.Series(origin),
        verdict=pl.Series(verdict),
        extra=pl.Series(extra),
    )
    agents = _derived(clients.select("user_agent", "screen"), _AGENT_COLUMNS, agent)
    shared = {
        "client": clients.drop("signals").hstack(agents),
        "page": pages.drop("link"),
        "origin": origins,
        "verdict": _derived(doubts, _VERDICT_COLUMNS, _verdict),
    }
    return Columns(rows, shared, {name: _maps(texts[name]) for name in _PROPS}, did.minutes)


def _numbered(keys: pl.DataFrame) -> tuple[npt.NDArray[np.uint32], pl.DataFrame]:
    """For each row its number among the distinct ones, and those."""
    groups = keys.with_row_index("at").group_by(keys.columns).agg("at")
    numbers = np.empty(keys.height, np.uint32)
    sizes = groups["at"].list.len().to_numpy()
    numbers[groups["at"].explode().to_numpy()] = np.repeat(np.arange(groups.height, dtype=np.uint32), sizes)
    return numbers, groups.drop("at")


def _derived(keys: pl.DataFrame, made: dict[str, Any], of: Callable[..., tuple[Any, ...]]) -> pl.DataFrame:
    """What ``of`` makes of each row."""
    of_row = getattr(of, "of_row", None)  # of what remembers
    values = map(of_row, keys.iter_rows()) if of_row else itertools.starmap(of, keys.iter_rows())
    columns = list(zip(*values, strict=True)) or [()] * len(made)
    return pl.DataFrame([pl.Series(name, its, kind) for (name, kind), its in zip(made.items(), columns, strict=True)])


def _maps(texts: pl.Series) -> pa.MapArray:
    """Property maps from their JSON texts."""
    import pyarrow as pa

    decode = _decoders[texts.name]
    try:
        values: list[Any] = [decode(text) if text else {} for text in texts]
    except msgspec.DecodeError as exc:
        raise UnreadableRecord(f"{texts.name}: {exc}") from exc
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])
    kind = {"props": pa.string(), "props_number": pa.float64(), "props_bool": pa.bool_()}[texts.name]
    keys = pa.array(list(itertools.chain.from_iterable(values)), pa.string())
    items = pa.array(list(itertools.chain.from_iterable(map(dict.values, values))), kind)
    return pa.MapArray.from_arrays(pa.array(ends), keys, items)


def agent(user_agent: str, screen: str) -> tuple[str, ...]:
    """Browser and version, system and version, device."""
    its = user_agents.on_screen(user_agents.parse(user_agent), screen)
    return its.browser, its.browser_version, its.os, its.os_version, its.device


def _verdict(user_agent: str, signals: str, spam: bool, did: int) -> bots.Verdict:
    signs = signals.split(",")
    if bots.SERVER not in signs and bots.RELAYED not in signs:  # one server sends for many people
        signs += conduct.reasons(did)
    return bots.verdict(user_agent, *signs, bots.BotReason.SPAM * spam)


@remembers(24 * MIB)
def _page(url: str) -> tuple[str, ...]:
    page = urls.split(url)
    texts = (
        page.hostname, page.path, page.query, page.utm_source, page.utm_medium, page.utm_campaign, page.utm_term,
        page.utm_content, page.click_id_kind, page.click_id, page.source or page.ref,
    )  # fmt: skip
    return tuple(map(_clean, texts))


@remembers(12 * MIB)
def _origin(
    referrer: str, hostname: str, campaign: str, link: str, medium: str, name: str, click_id_kind: str
) -> tuple[str, ...]:
    _host, referrer_page = urls.referrer(referrer, hostname)
    return _clean(referrer_page), *origin(referrer_page, campaign, link, medium, name, click_id_kind)


def origin(referrer_page: str, campaign: str, link: str, medium: str, name: str, click_id_kind: str) -> tuple[str, str]:
    """Source and channel of a visit: ``campaign`` is utm_source, ``name`` utm_campaign, ``link`` the parameter ref or
    source."""
    source = sources.source_of(campaign, link, referrer_page)
    channel = channels.channel_of(source.name, medium, name, click_id_kind, source.kind, source.paid)
    return _clean(source.name), _clean(channel)


def _clean(text: str) -> str:
    """Without control characters, which no page, source or browser has in its name."""
    return text if text.isprintable() else _CONTROLS.sub("", text)


def local_date(frame: pl.DataFrame, registry: SiteRegistry, column: str) -> pl.Series:
    """The local day of each row's ``column`` (ms since 1970 UTC) in its site's zone.

    Raises UnreadableRecord for a site that is not known.
    """
    seconds = frame[column].to_numpy() // 1000
    sites = frame["site_id"].to_numpy()
    days = np.zeros(len(seconds), np.int32)
    for zone, its in _by_zone(frame["site_id"].unique().to_list(), registry).items():
        rows = np.isin(sites, its)
        moments = seconds[rows]
        starts, offsets = timezones.offsets(zone, int(moments.min()), int(moments.max()))
        shifts = np.array(offsets, np.int64)[np.searchsorted(starts, moments, side="right") - 1]
        days[rows] = (moments + shifts) // 86_400
    return pl.Series(days).cast(pl.Date)


def _by_zone(sites: list[int], registry: SiteRegistry) -> dict[str, list[int]]:
    zones: dict[str, list[int]] = {}
    for site_id in sites:
        site = registry.by_id(site_id)
        if site is None:
            raise UnreadableRecord(f"site {site_id} is unknown, so its local days are too")
        zones.setdefault(site.timezone, []).append(site_id)
    return zones
