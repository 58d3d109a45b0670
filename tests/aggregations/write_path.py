"""The write path in this process: events into segments, segments into batches, batches into ClickHouse."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from aggregations.query.sites import SiteRow
from collector.enrich.referrer_spam import SpamHosts
from collector.event.model import SpooledEvent
from collector.loader import insert
from collector.loader.close import carry_out, plan
from collector.loader.prepare import Prepared, gather, prepare
from collector.loader.seen_filter import SeenIds
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool.lines import encode
from collector.spool.spool import Durability, Spool, SpoolOptions, SpoolWriter
from sql.schema.closing import last_batch
from tests.oracle.event import Event, of_row


@dataclass(frozen=True, slots=True)
class Request:
    """Events of a site that came in one request, or in an import. ``received_at`` is ms since 1970 UTC."""

    site: SiteRow
    received_at: int
    events: list[SpooledEvent]
    import_id: str = ""


@dataclass
class WritePath:
    """What collector and loader do with accepted events, without their processes."""

    client: Any
    folder: Path
    numbers: Any = field(default_factory=itertools.count)
    seen: SeenIds = field(default_factory=SeenIds)

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder / "spool").make()
        self.seen.load(self.client, dt.date(2000, 1, 1))

    def load(self, sites: Iterable[SiteRow], batches: Iterable[Sequence[Request]]) -> int:
        """Load batches one after the other, each prepared while the one before is on its way, as the loader does.

        Returns how many visits moved.
        """
        registry = self._registry(sites)
        flight: Prepared | None = None
        moved = 0
        for requests in batches:
            self._spool(requests)
            paths = self.spool.sealed()
            gathered = gather(self.spool, paths, registry, SpamHosts())
            if flight and flight.manifest.moves:
                self._store(flight)
                flight = None
            made = prepare(gathered, self.client, registry, self.seen, flight)
            self.seen.add(made.ids)
            moved += len(made.manifest.moves)
            for path in paths:
                path.unlink()
            if flight:
                self._store(flight)
            flight = made
        if flight:
            self._store(flight)
        return moved

    def close(self, sites: Iterable[SiteRow], until: dt.date) -> int:
        """Close the days of these sites up to ``until``, as the loader does when they are over; returns how many."""
        mine, days = {site.site_id for site in sites}, 0
        for each in plan(self.client, dt.datetime(2099, 1, 1, tzinfo=dt.UTC), until):
            its = tuple(day for day in each.days if day[0] in mine)
            if its:
                carry_out(self.client, replace(each, days=its))
                days += len(its)
        return days

    def stored(self, site: SiteRow) -> list[Event]:
        """The raw events of a site."""
        found = self.client.query("select * from events where site_id = {s:UInt32}", parameters={"s": site.site_id})
        return [of_row(row) for row in found.named_results()]

    def _registry(self, sites: Iterable[SiteRow]) -> SiteRegistry:
        path = self.folder / f"sites-{next(self.numbers)}.json"
        publish(path, [Site(site.site_id, site.domain, site.timezone) for site in sites])
        return SiteRegistry(path)

    def _spool(self, requests: Sequence[Request]) -> None:
        writer = SpoolWriter(self.spool, "test", SpoolOptions(Durability.OS))
        for request in requests:
            writer.commit([encode(request.site.site_id, request.received_at, request.events, request.import_id)])
        writer.close()

    def _store(self, made: Prepared) -> None:
        assert made.manifest.quarantined == 0
        manifest = structs.replace(made.manifest, number=last_batch(self.client) + 1)
        insert.insert(self.client, manifest, made.data, str(uuid.uuid4()))
