"""Settings of the write side: what each means, its default and its bounds, stated here and nowhere else.

The configuration (cli/config) reads and checks them, and makes its documents from them. Options of this room take their
defaults from ``COLLECTOR`` and ``LOADER``.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from collector.choices import Durability

# Text that names a file or directory, '' for none; a relative one starts where it was written down.
File = Annotated[str, Meta(extra={"file": True})]
# Addresses and networks, such as 10.0.0.0/8.
Networks = Annotated[tuple[str, ...], Meta(extra={"networks": True})]


class CollectorSettings(Struct, frozen=True):
    """How events are received."""

    host: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address to listen on. Other machines reach the collector through a proxy, or directly with "
            "`0.0.0.0` or `::`.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535, description="Port to listen on.")] = 8080
    workers: Annotated[int, Meta(ge=1, le=64, description="Collector processes. One for each core is enough.")] = 2
    durability: Annotated[
        Durability,
        Meta(
            description="What a 202 promises. With `fsync` the event survives a power failure; with `os` it survives a "
            "crash of Footfall only, and the collector is faster."
        ),
    ] = Durability.FSYNC
    segment_bytes: Annotated[
        int, Meta(ge=1_000, le=1024**3, description="Size in bytes at which a spool segment goes to the loader.")
    ] = 8 * 1024**2
    segment_max_age_seconds: Annotated[
        float,
        Meta(
            ge=0.01,
            le=3_600.0,
            description="Age in seconds at which a spool segment goes to the loader: how soon an event is counted.",
        ),
    ] = 1.0
    spool_max_bytes: Annotated[
        int,
        Meta(
            ge=1_000,
            le=1024**5,
            description="Size in bytes of all waiting segments at which the collector answers 503.",
        ),
    ] = 4 * 1024**3
    geoip_file: Annotated[
        File,
        Meta(
            description="MaxMind DB file (.mmdb) that gives the country and city of an address.",
            examples=["GeoLite2-City.mmdb"],
        ),
    ] = ""
    data_centre_file: Annotated[
        File,
        Meta(
            description="File with the networks of data centres, one per line, such as `192.0.2.0/24`. Traffic from "
            "them counts as a sign of bots.",
            examples=["data-centres.txt"],
        ),
    ] = ""
    spam_file: Annotated[
        File,
        Meta(
            description="File with hosts of referrer spam, one per line, in addition to the built-in list.",
            examples=["spam.txt"],
        ),
    ] = ""
    trusted_proxies: Annotated[
        Networks,
        Meta(
            description="Proxies whose X-Forwarded-For header is trusted: addresses and networks.",
            examples=[["127.0.0.1", "10.0.0.0/8"]],
        ),
    ] = ()
    max_batch_events: Annotated[int, Meta(ge=1, le=100_000, description="Maximum number of events in a request.")] = (
        1_000
    )
    max_body_bytes: Annotated[
        int,
        Meta(
            ge=1_000,
            le=64 * 1024**2,
            description="Maximum size of a request body in bytes, before and after decompression.",
        ),
    ] = 512 * 1024
    max_event_bytes: Annotated[int, Meta(ge=100, le=1024**2, description="Maximum size of an event in bytes.")] = (
        32 * 1024
    )
    max_properties: Annotated[int, Meta(ge=0, le=1_000, description="Maximum number of properties of an event.")] = 64
    max_property_name: Annotated[
        int, Meta(ge=1, le=1_000, description="Maximum length of a property's name in characters.")
    ] = 64
    max_text: Annotated[int, Meta(ge=1, le=32_768, description="Maximum length of a text value in characters.")] = 1_024
    site_events_per_second: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Sustained rate of events of one site; above it the collector answers 429. 0 means no limit. A "
            "site can have its own rate (`footfall site set`).",
        ),
    ] = 2_000
    site_burst: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Number of events that a site may send at once.")
    ] = 4_000
    address_requests_per_second: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Sustained rate of requests of one client, which is an IPv4 address or an IPv6 network (/64); "
            "above it the collector answers 429. 0 means no limit.",
        ),
    ] = 50
    address_burst: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Number of requests that a client may send at once.")
    ] = 200
    metrics_networks: Annotated[
        Networks,
        Meta(description="Addresses and networks that may read /metrics. Anyone else gets a 404."),
    ] = ("127.0.0.1", "::1")
    request_timeout_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3_600.0,
            description="Seconds within which a whole request must arrive. A slower one gets a 408 and is cut off.",
        ),
    ] = 20.0
    connections_per_address: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Number of connections that a client may have to each worker; one more closes its oldest idle "
            "one. 0 means no limit. Trusted proxies may have any number.",
        ),
    ] = 256
    script_path: Annotated[
        str,
        Meta(
            description="Another path for the tracker's script; its modules are next to it. The default path is always "
            "served too.",
            examples=["/js/site.js"],
        ),
    ] = "/footfall.js"
    events_path: Annotated[
        str,
        Meta(
            description="Another path for the events of pages. The default path is always served too.",
            examples=["/js/notes"],
        ),
    ] = "/v1/in"
    pixel_path: Annotated[
        str,
        Meta(
            description="Another path for the pixel. The default path is always served too.",
            examples=["/js/notes.gif"],
        ),
    ] = "/v1/in.gif"

    @property
    def address(self) -> str:
        """Where it listens, as a URL."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class LoaderSettings(Struct, frozen=True):
    """How events are loaded."""

    idempotency_days: Annotated[
        int,
        Meta(
            ge=1,
            le=90,
            description="Events of a site with the same id count once if they are at most this many days apart.",
        ),
    ] = 7


COLLECTOR = CollectorSettings()
LOADER = LoaderSettings()
