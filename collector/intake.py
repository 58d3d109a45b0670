"""What every way into the collector shares: who may write, what an event is, where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import falcon.asgi

from collector.auth import site_of, source_address
from collector.decode import Judged, Sender, Single, judge
from collector.group_commit import GroupCommit
from collector.lines import encode
from collector.model import Batch
from collector.places import Places
from collector.sites import Registry
from collector.spool import Spool, SpoolOptions, SpoolWriter
from collector.visitors import Salts, Visitors
from sql.home import Home


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What the collector needs to know. ``country_file`` is a path or empty."""

    home: Home
    spool: SpoolOptions = field(default_factory=SpoolOptions)
    country_file: str = ""
    trusted_proxies: tuple[str, ...] = ()


class Intake:
    """What every way in shares: who may write, what an event is, where it goes."""

    def __init__(self, options: AppOptions, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.clock = clock
        self.registry = Registry(options.home.sites_file)
        self.visitors = Visitors(Salts(options.home.salts, clock))
        self.places = Places(Path(options.country_file) if options.country_file else None)
        self.spool = GroupCommit(SpoolWriter(Spool(options.home.spool), "collector", options.spool))

    async def take(self, req: falcon.asgi.Request, parsed: Batch | Single) -> Judged:
        """Judge the events of a request and put the accepted ones into the spool.

        Raises Refused (nobody's key or origin) and StorageError (nothing was accepted).
        """
        site = site_of(req, parsed.site, parsed.key, self.registry)
        address = source_address(req, self.options.trusted_proxies)
        sender = Sender(
            address=address,
            user_agent=(req.user_agent or "")[:512],
            country=self.places.of(address)[0],
            gpc=req.get_header("Sec-GPC") == "1",
            received_at=int(self.clock() * 1000),
        )
        judged = judge(parsed, site, sender, self.visitors)
        if judged.accepted:
            await self.spool.append(encode(site.site_id, sender.received_at, judged.accepted))
        return judged
