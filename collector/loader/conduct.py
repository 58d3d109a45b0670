"""What a visitor does that no person does: pages viewed too fast, too many of them, or those that scanners look for.

The loader counts within a batch and the hour before it; breadth and scanned paths within the batch alone. A visitor of
an access log is also judged by requests that were refused (collector/imports/page_views.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from collector.enrich.bots import BotReason
from collector.event.model import PAGE_VIEW

# So many page views of one visitor in one minute are faster than anybody reads.
RAPID_VIEWS = 60
# So many are not a group of people behind one address either, nor are so many different pages in an hour.
FLOOD_MINUTE, FLOOD_HOUR, FLOOD_PAGES = 300, 1_000, 300
# One kind may be what the site itself runs on.
SCANNED_KINDS = 3
# More pages that do not exist than any site links to.
REFUSED_PAGES = 100
MAX_REFUSED = 16_384
MAX_AGENT = 512

# A bit for each reason: what an event's visitor did, in one number.
_BITS = {1: BotReason.RAPID, 2: BotReason.FLOOD, 4: BotReason.SCANNER}
RAPID, FLOOD, SCANNER = _BITS
_VISITOR = ["site_id", "visitor"]
_VISITOR_MINUTE = [*_VISITOR, "minute"]
_HOUR = [*_VISITOR, "hour"]
_MINUTE = [*_HOUR, "minute"]
# About 2 MB, and two milliseconds for each batch.
MAX_MINUTES = 50_000
NO_MINUTES = pl.DataFrame(
    schema={"site_id": pl.UInt32, "visitor": pl.UInt64, "minute": pl.Int64, "views": pl.get_index_type()}
)


def reasons(conduct: int) -> tuple[str, ...]:
    """The reasons that ``conduct`` stands for."""
    return tuple(reason for bit, reason in _BITS.items() if conduct & bit)


@dataclass(frozen=True, slots=True)
class Conduct:
    """``bits``: for each event what its visitor did around that time, RAPID, FLOOD and SCANNER. ``minutes``: how many
    page views each visitor had in which minute, for ``Past``."""

    bits: pl.Series
    minutes: pl.DataFrame


class Past:
    """Page views of the last hour, by visitor and minute: live batches hold a second each, and who floods a site sends
    a few in each of them. At most ``most`` visitor-minutes; those with the most views stay."""

    def __init__(self, most: int = MAX_MINUTES) -> None:
        self._most = most
        self.minutes = NO_MINUTES

    def add(self, minutes: pl.DataFrame) -> None:
        """A batch that was prepared."""
        both = pl.concat([self.minutes, minutes])
        recent = both.filter(pl.col("minute") > pl.col("minute").max() - 60)
        summed = recent.group_by(_VISITOR_MINUTE).agg(pl.col("views").sum())
        self.minutes = summed.top_k(self._most, by="views") if summed.height > self._most else summed


def conduct(events: pl.DataFrame, page: pl.Series, paths: pl.Series, past: pl.DataFrame = NO_MINUTES) -> Conduct:
    """What the visitors of a batch did.

    ``page`` has for each event the number of its page, ``paths`` the path of each page, ``past`` the minutes of the
    batches before.
    """
    minute = pl.col("timestamp") // 60_000
    views = events.select(*_VISITOR, view=pl.col("name") == PAGE_VIEW, hour=minute // 60, minute=minute, page=page)
    minutes = views.filter("view").group_by(_VISITOR_MINUTE).agg(views=pl.len())
    marks = [mark for mark in (*_hasty(views, minutes, past), _scanning(views, paths)) if mark is not None]
    if not marks:
        return Conduct(pl.repeat(0, events.height, dtype=pl.UInt8, eager=True), minutes)
    found = views.select(_MINUTE)
    for mark in marks:
        found = found.join(mark, on=mark.columns[:-1], how="left", maintain_order="left")
    return Conduct(
        found.select(pl.sum_horizontal(pl.exclude(_MINUTE).fill_null(0)).cast(pl.UInt8)).to_series(), minutes
    )


def scanned(path: str) -> int:
    """Which kind of path that scanners ask for this is, from 1; 0 for any other path."""
    text = path.lower().encode("utf-8", "replace")
    any_kind, kinds = _scanned()
    return 1 + min(kinds.Match(text)) if any_kind.match(text) else 0


@cache
def _kinds() -> tuple[str, ...]:
    text = files("collector.enrich").joinpath("data/scanned.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _scanned() -> tuple[Any, Any]:
    """A pattern that says whether a path is of any kind, and the automaton that says of which (60 us)."""
    import re2

    made = re2.Set.MatchSet()
    for pattern in _kinds():
        made.Add(pattern + "(?s:.*)")
    made.Compile()
    return re2.compile(f"(?:{'|'.join(_kinds())})".encode()), made


class Refusals:
    """The requests of each visitor of an access log that were refused (status 4xx), static files left out.

    ``scanners`` are those who asked for what only scanners ask for, or for more missing pages than any site links to.
    """

    def __init__(self) -> None:
        self.scanners: set[tuple[str, bytes]] = set()
        self._kinds: dict[tuple[str, bytes], set[int]] = {}
        self._counts: Counter[tuple[str, bytes]] = Counter()

    def add(self, client: str, agent: bytes, target: bytes) -> None:
        """One refused request; ``target`` is what was asked for."""
        if len(agent) > MAX_AGENT:
            return
        if len(self._counts) >= MAX_REFUSED:
            for known in (self.scanners, self._kinds, self._counts):
                known.clear()
        visitor = (client, agent)
        self._counts[visitor] += 1
        kinds = self._kinds.get(visitor, set())
        if kind := scanned(target.partition(b"?")[0].decode("utf-8", "replace")):
            self._kinds[visitor] = kinds | {kind}
        if self._counts[visitor] > REFUSED_PAGES or len(self._kinds.get(visitor, ())) >= SCANNED_KINDS:
            self.scanners.add(visitor)


def _hasty(
    views: pl.DataFrame, minutes: pl.DataFrame, past: pl.DataFrame
) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """The minutes of rapid visitors, and the hours of those who flood."""
    known = pl.concat([minutes, past.join(minutes, on=_VISITOR, how="semi")]) if past.height else minutes
    # Most batches hold nobody with so many views at all, and counting by visitor alone is quick.
    busy = known.group_by(_VISITOR).agg(pl.col("views").sum()).filter(pl.col("views") > min(RAPID_VIEWS, FLOOD_PAGES))
    if busy.is_empty():
        return None, None
    known = known.join(busy, on=_VISITOR, how="semi").with_columns(hour=pl.col("minute") // 60)
    known = known.group_by(_MINUTE).agg(pl.col("views").sum())
    rapid = known.filter(pl.col("views") > RAPID_VIEWS)
    hours = known.group_by(_HOUR).agg(pl.col("views").sum(), most=pl.col("views").max())
    many = hours.filter(pl.col("views") > FLOOD_PAGES)
    pages = views.filter("view").join(many, on=_HOUR, how="semi").group_by(_HOUR).agg(pages=pl.col("page").n_unique())
    flood = many.join(pages, on=_HOUR).filter(
        (pl.col("most") > FLOOD_MINUTE) | (pl.col("views") > FLOOD_HOUR) | (pl.col("pages") > FLOOD_PAGES)
    )
    return _mark(rapid, _MINUTE, RAPID), _mark(flood, _HOUR, FLOOD)


def _scanning(views: pl.DataFrame, paths: pl.Series) -> pl.DataFrame | None:
    """The visitors who ask for several of the paths that scanners look for."""
    hits = paths.str.contains(f"(?i)^(?:{'|'.join(_kinds())})").arg_true()
    if hits.len() < SCANNED_KINDS:
        return None
    kinds = pl.DataFrame({"page": hits.cast(pl.UInt32), "kind": [scanned(path) for path in paths[hits]]})
    asked = views.join(kinds, on="page").group_by(_VISITOR).agg(kinds=pl.col("kind").n_unique())
    return _mark(asked.filter(pl.col("kinds") >= SCANNED_KINDS), _VISITOR, SCANNER)


def _mark(rows: pl.DataFrame, keys: list[str], bit: int) -> pl.DataFrame | None:
    """``bit`` for each of these rows, under its keys; None where there are none."""
    if rows.is_empty():
        return None
    return rows.select(*keys, pl.lit(bit, pl.UInt8).alias(f"bit_{bit}"))
