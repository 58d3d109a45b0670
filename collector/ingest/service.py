"""What every way into the collector shares: who may write, what an event is, where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import falcon.asgi

from collector.enrich.bot_signals import signals
from collector.enrich.bots import SERVER, BotReason
from collector.enrich.data_centres import read_networks
from collector.enrich.geo import Places
from collector.event import redact
from collector.event.decode import Single
from collector.event.limits import MAX_USER_AGENT, Limits
from collector.event.model import Batch
from collector.event.postbacks import POSTBACK, Conversion
from collector.ingest.access import is_from_server, site_of, source_address, write_key
from collector.ingest.counters import Counts
from collector.ingest.identity_keys import identity_keys
from collector.ingest.paths import Paths
from collector.ingest.pipeline import IngestContext, Outcomes, Sender, named, process
from collector.ingest.rate_limits import RateLimits
from collector.ingest.recent_ids import FreshIds, RecentIds
from collector.ingest.site_shares import SiteShares
from collector.ingest.visitors import Salts, Visitors
from collector.settings import COLLECTOR
from collector.sites.event_schemas import EventSchemas
from collector.sites.networks import Networks
from collector.sites.registry import Site, SiteRegistry
from collector.sites.tombstones import Tombstones
from collector.spool.group_commit import GroupCommit
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolOptions, SpoolWriter
from sql.core.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What the collector needs to know. Files are paths or empty."""

    home: DataDir
    spool: SpoolOptions = field(default_factory=SpoolOptions)
    geoip_file: str = ""
    trusted_proxies: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    data_centre_file: str = ""
    rate_limits: RateLimits = field(default_factory=RateLimits)
    metrics_networks: tuple[str, ...] = COLLECTOR.metrics_networks
    request_timeout_seconds: float = COLLECTOR.request_timeout_seconds
    connections_per_address: int = COLLECTOR.connections_per_address
    paths: Paths = field(default_factory=Paths)


def private(req: falcon.asgi.Request) -> bool:
    """Whether the sender asks for Global Privacy Control."""
    return bool(req.get_header("Sec-GPC") == "1")


class Intake:
    """From a request to the spool: limit, authenticate, describe the sender, judge each event, spool, remember."""

    def __init__(
        self,
        options: AppOptions,
        clock: Callable[[], float] = time.time,
        counts: Counts | None = None,
        shares: SiteShares | None = None,
    ) -> None:
        self.options = options
        self.counts = counts or Counts()
        self.clock = clock
        self.registry = SiteRegistry(options.home.sites_file)
        keys = identity_keys(options.home)  # before there are salts
        self.visitors = Visitors(Salts(options.home.salts, clock), keys.client)
        self.places = Places(Path(options.geoip_file) if options.geoip_file else None)
        self.data_centres = read_networks(Path(options.data_centre_file)) if options.data_centre_file else None
        self.spool = GroupCommit(SpoolWriter(Spool(options.home.spool), "collector", options.spool))
        self.shares = shares or SiteShares(self.spool.writer.spool, options.spool.total_bytes)
        self.networks = Networks(options.home.networks_file)
        self.recent = RecentIds()
        schemas = EventSchemas(options.home.event_schemas_file)
        self.tombstones = Tombstones(options.home.tombstones_file, keys.user)
        self.rules = IngestContext(
            options.limits,
            self.visitors,
            self.recent.holds,
            schemas.misfit,
            FreshIds().__next__,
            keys.user,
            self.tombstones.holds,
        )

    def admit(self, req: falcon.asgi.Request) -> str:
        """The client's address, where it may send now. Raises RateLimited; nothing of the request was read yet."""
        address = source_address(req, self.options.trusted_proxies)
        self.options.rate_limits.check_address(address)
        return address

    async def take(self, req: falcon.asgi.Request, parsed: Batch | Single, address: str) -> Outcomes:
        """Judge the events of a request and put the accepted ones into the spool.

        Raises AccessDenied (nobody's key or origin; Limited: too much at once) and StorageError (nothing was accepted).
        """
        key = write_key(req, parsed.key)
        site = site_of(req, parsed.site, key, self.registry)
        self.options.rate_limits.check_site(site, 1 if isinstance(parsed, Single) else len(parsed.events))
        if self.registry.several:
            self.shares.check(site.site_id)
        sender = self._sender(req, parsed, address, is_from_server(req, key))
        self.tombstones.refresh()
        return await self._put(site, sender, process(parsed, site, sender, self.rules))

    async def take_postback(self, site: Site, told: Conversion) -> Outcomes:
        """Put what a network says of a conversion into the spool, as an event that no figure of visitors counts: its
        visitor is of the conversion alone, and flagged as a machine. Raises as ``take`` does."""
        self.options.rate_limits.check_site(site, 1)
        if self.registry.several:
            self.shares.check(site.site_id)
        now = int(self.clock() * 1000)
        who, signals = f"{POSTBACK} {told.network} {told.transaction}", f"{BotReason.POSTBACK},{SERVER}"
        sender = Sender(who, user_agent="", country="", gpc=False, received_at=now, signals=signals)
        judged = process(postback(told, site, now), site, sender, self.rules)
        key = self.rules.user_key
        ids = {name: redact.identifier(getattr(told, name), key) for name in ("transaction", "click_id")}
        for spooled in judged.accepted:
            spooled.props = (spooled.props or {}) | ids
        return await self._put(site, sender, judged)

    async def _put(self, site: Site, sender: Sender, judged: Outcomes) -> Outcomes:
        if judged.accepted:
            payload = encode(site.site_id, sender.received_at, judged.accepted)
            await self.spool.append(payload)
            self.shares.add(site.site_id, len(payload))
            self.recent.add(site.site_id, judged.accepted)
        self.counts.judged(judged)
        return judged

    def _sender(self, req: falcon.asgi.Request, parsed: Batch | Single, address: str, server: bool) -> Sender:
        """Everything that is kept of who sent a request, and the address, which is not."""
        user_agent = (req.user_agent or "")[:MAX_USER_AGENT]
        place = self.places.of(address)
        sender = Sender(
            address=address,
            user_agent=user_agent,
            country=place.country,
            city=place.city,
            gpc=private(req),
            received_at=int(self.clock() * 1000),
            signals=SERVER if server else self._signals(req, address, user_agent),
            server=server,
        )
        if server and isinstance(parsed, Batch) and parsed.user_agent:
            return named(sender, parsed.user_agent)
        return sender

    def _signals(self, req: falcon.asgi.Request, address: str, user_agent: str) -> str:
        language, hints = req.get_header("Accept-Language"), req.get_header("Sec-CH-UA")
        return signals(address, user_agent, language, hints, self.data_centres)


def postback(told: Conversion, site: Site, now: int) -> Single:
    """The event that a postback becomes. Its time is the network's where an event may have that, else now; the
    network's own is kept as a property. Ids are added behind the step that masks numbers."""
    recent = now - site.max_age_days * 86_400_000 < told.at <= now
    props = {"network": told.network, "event": told.event, "status": told.status.value, "payout": told.payout}
    props |= {"revenue": told.revenue, "currency": told.currency, **told.subs}
    return Single(
        name=POSTBACK,
        event_id=told.event_id,
        timestamp=told.at if recent else None,
        interactive=False,
        props={**props, "at": told.at},
    )
