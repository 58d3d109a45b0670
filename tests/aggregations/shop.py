"""A made-up shop's traffic as the collector and an import bring it to the spool, the same in every run."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from aggregations.query.sites import SiteRow
from bench.traffic import Traffic
from collector.event.decode import parse
from collector.event.limits import Limits
from collector.event.model import SpooledEvent
from collector.imports.access_log import AccessLog
from collector.imports.page_views import PageViews
from collector.ingest.pipeline import IngestContext, Sender, process
from collector.ingest.visitors import SALT_BYTES, Salts, Visitors
from collector.sites.registry import Site
from tests.aggregations.write_path import Request

# What lies before: summer time ends in America on 1 November, and in Europe on 25 October.
UNTIL = dt.datetime(2026, 11, 4, tzinfo=dt.UTC)
DAYS = 11
REQUEST_EVENTS = 20
COUNTRIES = ("", "DE", "DE", "FR", "US")


def posted(site: SiteRow, visits: int, folder: Path) -> list[Request]:
    """What its tracker sends, by time."""
    rules = IngestContext(Limits(), Visitors(_salts(folder)))
    found = []
    for post in sorted(_traffic(site, visits).posts(), key=lambda post: post.at):
        at = int(post.at * 1000)
        sender = Sender(post.address, post.user_agent, "", False, at)
        done = process(parse(json.dumps(post.event).encode(), rules.limits.event_bytes), _site(site), sender, rules)
        found.append(Request(site, at, [_placed(event) for event in done.accepted]))
    return found


def logged(site: SiteRow, visits: int, folder: Path) -> list[Request]:
    """What its access log tells, machines and all."""
    now = UNTIL.timestamp()
    log = AccessLog(PageViews(_site(site), Visitors(_salts(folder)), clock=lambda: now), b"")
    events = map(_placed, log.events(line.encode() for line in _traffic(site, visits).lines()))
    return [Request(site, int(now * 1000) + number, its) for number, its in enumerate(_chunks(events))]


def _traffic(site: SiteRow, visits: int) -> Traffic:
    return Traffic(seed=11, until=UNTIL, days=DAYS, visits=visits, site=site.domain, zone=site.timezone)


def _site(site: SiteRow) -> Site:
    return Site(site.site_id, site.domain, site.timezone)


def _placed(event: SpooledEvent) -> SpooledEvent:
    """With a country: addresses of made-up visitors are nowhere."""
    event.country = COUNTRIES[event.visitor % len(COUNTRIES)]
    return event


def _chunks(events: Iterable[SpooledEvent]) -> Iterator[list[SpooledEvent]]:
    left = iter(events)
    while chunk := list(itertools.islice(left, REQUEST_EVENTS)):
        yield chunk


def _salts(folder: Path) -> Salts:
    """Salts that are no secret: a sketch takes two visitors for one in some runs of a thousand, not in this one."""
    for before in range(-1, DAYS + 3):
        day = (UNTIL - dt.timedelta(days=before)).date().isoformat()
        (folder / day).write_bytes(blake2b(day.encode(), digest_size=SALT_BYTES).digest())
    return Salts(folder)
