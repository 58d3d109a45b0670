"""``footfall affiliate url``: which landing pages are clicks of which partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.defining import Defined, group

if TYPE_CHECKING:
    from aggregations.definitions.affiliate_urls import AffiliateUrl
    from sql.definitions import Kind


@dataclass(frozen=True, slots=True)
class UrlOptions:
    """What an affiliate URL is, as options; None: not stated."""

    click_id: Annotated[
        str | None, typer.Option("--click-id", help="Query parameter that is the click id, such as cjevent.")
    ] = None
    page: Annotated[
        str | None, typer.Option("--page", help="Beginning of the page: host, path or both (default: any page).")
    ] = None
    query: Annotated[
        str | None, typer.Option("--query", help="Campaign parameter of the page, such as utm_source=partner.")
    ] = None
    network: Annotated[
        str | None, typer.Option("--network", help="Only conversions of this network (default: any).")
    ] = None
    window: Annotated[
        str | None, typer.Option("--window", help="Time from click to conversion, such as 7d (default: 30d).")
    ] = None

    def body(self, before: AffiliateUrl | None) -> AffiliateUrl:
        """The affiliate URL that they say; what is not stated is as ``before``. Raises UsageError."""
        import msgspec

        from aggregations.definitions.affiliate_urls import AffiliateUrl
        from collector.event.urls import CLICK_IDS
        from sql.core.durations import seconds_of
        from sql.core.errors import UsageError

        stated: dict[str, object] = {name: getattr(self, name) for name in ("page", "query", "network")}
        if self.click_id is not None:
            stated["click_id"] = self.click_id.lower()
            if stated["click_id"] not in CLICK_IDS:
                known = f"known: {', '.join(CLICK_IDS)}"
                raise UsageError(f"{self.click_id!r} is not kept of addresses, so it cannot be the click id", known)
        if self.window is not None:
            stated["window"] = seconds_of(self.window)
        stated = {name: value for name, value in stated.items() if value is not None}
        return msgspec.structs.replace(before or AffiliateUrl(), **stated)


def _kind() -> Kind[AffiliateUrl]:
    from aggregations.definitions.affiliate_urls import AFFILIATE_URL

    return AFFILIATE_URL


app = group(
    Defined(
        "affiliate url",
        "affiliate URL",
        "Landing pages that are clicks of a partner. They apply to past visits too.",
        "summer-blog --click-id cjevent --page shop.example/summer",
        UrlOptions,
        _kind,
        clears="'' clears it.",
    )
)
