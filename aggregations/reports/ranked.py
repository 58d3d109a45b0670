"""Reports that are ranked lists: one dimension, its metrics, and what it is called.

A new report is a row here, where its dimension is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.conditions import Condition
    from aggregations.query.model import Query
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

OF_VISITS = ("visitors", "visits", "bounce_rate", "visit_duration")
_COMPARED = ("_previous", "_change")


class Tag(StrEnum):
    """A campaign tag of the landing address."""

    CAMPAIGN = "utm_campaign"
    SOURCE = "utm_source"
    MEDIUM = "utm_medium"
    TERM = "utm_term"
    CONTENT = "utm_content"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One of them. ``bar`` is the metric it is ranked by; ``names`` are the names in its answer that are its own.

    ``known``: rows without a value are left out. ``nothing`` is what is said of no rows.
    """

    dimension: str
    title: str
    help: str
    metrics: tuple[str, ...] = OF_VISITS
    names: Mapping[str, str] = field(default_factory=dict)
    bar: str = "visitors"
    known: bool = False
    example: str = "--period 7d"
    nothing: str = "no data in this period"

    def query(self, **given: Any) -> Query:
        """The question that it stands for."""
        from aggregations.query.model import Query

        where = given.pop("where", None)
        return Query(
            metrics=self.metrics,
            dimensions=(self.dimension,),
            where=_both(_known(self.dimension), where) if self.known else where,
            **({"sort": ((self.bar, "desc"),)} | given),
        )

    def rows(
        self,
        client: Client,
        site: SiteRow,
        period: Period,
        only: Filter = EXCLUDE_BOTS,
        *,
        limit: int = 10,
        raw: bool = False,
    ) -> pl.DataFrame:
        """Its rows: the dimension, then its metrics. ``limit`` 0 means all, ``raw`` counts from raw events."""
        from aggregations.query.answer import answer, ask

        query = self.query(include_bots=only.include_bots, exact=raw, limit=limit)
        return self.named(answer(client, ask(client, query, site, period)))

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """An answer with the report's own names, also of what they are compared with."""
        own = {f"{name}{end}": f"{its}{end}" for name, its in self.names.items() for end in ("", *_COMPARED)}
        return frame.rename({name: its for name, its in own.items() if name in frame.columns})


def _known(dimension: str) -> Condition:
    from aggregations.query.conditions import Comparison, Operator

    return Comparison(dimension, Operator.EXISTS)


def _both(*conditions: Condition | None) -> Condition | None:
    from aggregations.query.conditions import both

    return both(*conditions)


def campaigns(tag: Tag = Tag.CAMPAIGN) -> Ranked:
    """Visits by a tag of their landing address; visits without it are left out."""
    return Ranked(tag.value, "Campaigns", "Visits by campaign tag.", known=True)


RANKED: dict[str, Ranked] = {
    "pages": Ranked(
        "page", "Top pages", "Top pages.", ("visitors", "pageviews"), example="--period 7d --limit 20",
    ),
    "entry-pages": Ranked(
        "entry_page", "Entry pages", "Pages on which visits begin.",
        names={"entry_page": "page"}, bar="visits",
    ),
    "exit-pages": Ranked(
        "exit_page", "Exit pages", "Pages on which visits end, with their exit rate.",
        ("visitors", "exits", "exit_page_views", "exit_rate"),
        names={"exit_page": "page", "exit_page_views": "pageviews"}, bar="exits", example="--period yesterday",
    ),
    "sources": Ranked("source", "Sources", "Traffic sources."),
    "channels": Ranked("channel", "Channels", "Traffic by channel group.", example="--period 2026-10"),
    "countries": Ranked(
        "country", "Countries", "Countries of visitors (ISO codes).", example="--limit 0 --format csv",
    ),
    "devices": Ranked("device", "Devices", "Desktop, mobile, tablet."),
    "browsers": Ranked("browser", "Browsers", "Browsers."),
    "systems": Ranked("os", "Operating systems", "Operating systems."),
    "events": Ranked(
        "event", "Events", "Events by name, with the share of visitors who sent them.",
        ("visitors", "events", "visitor_share"), example="--period today",
    ),
    "detected": Ranked(
        "kind", "Detected events",
        "Clicks and forms by detected kind, with corrections from `footfall detected override`.",
        ("visitors", "events", "visits", "reviewed"), nothing="nothing was detected",
    ),
}  # fmt: skip
