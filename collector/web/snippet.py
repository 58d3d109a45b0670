"""The tag that a site puts into its pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from collector.ingest.paths import PAGE_EVENTS, Paths
from collector.sites.identity import Identity
from collector.web.tracker_bundles import Bundles, chosen
from collector.web.tracker_files import TrackerFiles
from sql.core.errors import UsageError

_WHERE = re.compile(r"https?://[^\s/?#\"'<>\\]+(/[^\s?#\"'<>\\]*)?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a tag says: ``domain`` of the site, ``url`` of the collector as browsers reach it, modules by name."""

    domain: str
    url: str
    modules: Sequence[str] = ()
    identity: Identity = Identity.COOKIELESS
    integrity: bool = False


def snippet(wanted: Wanted, paths: Paths, tracker: TrackerFiles) -> str:
    """The tag. Modules come with the script, in one file.

    Raises UsageError: not an address, no such module.

    With ``integrity`` it names the exact version: browsers keep the file for a year, and refuse any other bytes.
    Collectors go on serving it after an upgrade.
    """
    if not _WHERE.match(wanted.url):
        raise UsageError(f"not a URL: {wanted.url!r}", "such as https://visits.example.com")
    for name in wanted.modules:
        if name not in tracker.modules:
            raise UsageError(f"unknown module {name!r}", f"available: {', '.join(tracker.modules) or 'none'}")
    base = wanted.url.rstrip("/")
    modules = chosen(tracker, ",".join(wanted.modules))
    query = [f"m={','.join(modules)}"] if modules else []
    if wanted.integrity:
        query.append(f"v={tracker.version}")
    attributes = {"src": f"{base}{paths.script}{'?' if query else ''}{'&'.join(query)}"}
    if wanted.integrity:
        script = Bundles().of(tracker, ",".join(modules))
        attributes |= {"integrity": script.integrity, "crossorigin": "anonymous"}
    attributes["data-site"] = wanted.domain
    if paths.events != PAGE_EVENTS or base.count("/") > 2:
        attributes["data-endpoint"] = f"{base}{paths.events}"
    if wanted.identity is not Identity.COOKIELESS:
        attributes["data-identity"] = wanted.identity
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<script defer {written}></script>"
