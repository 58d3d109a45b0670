"""Rows of files into events, by the steps of the collector: what it would drop is rejected here for the same reason.

An event's id is its ``event_id`` where that is a UUID, else a keyed hash of it; without one, a keyed hash of the row
and of how often this row came before in its file. So a file that is imported twice counts once, and equal rows count
each.
"""

from __future__ import annotations

import datetime as dt
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from collector.enrich.bots import SERVER
from collector.event.model import DropReason, Event, SpooledEvent
from collector.event.values import InvalidEvent
from collector.imports.columns import MORE, PROPS
from collector.imports.counts import SHOWN_BAD_LINES, BadLine
from collector.imports.moments import milliseconds
from collector.imports.occurrences import Occurrences
from collector.imports.page_views import EARLIEST_MS
from collector.imports.rows import Row
from collector.ingest.pipeline import IngestContext, Sender, judge
from collector.sites.registry import Site

# Fields that are not taken as they are.
_APART = (*MORE, "timestamp", "event_id", "props")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z")

Fields = Mapping[str, Any]
Translate = Callable[[Mapping[str, Any]], Iterable[Fields]]
"""What makes events of a row: their fields (``columns.FIELDS``). Raises InvalidEvent."""


@dataclass(slots=True)
class RowCounts:
    """What became of the rows of an import. ``bad`` holds the first bad ones.

    A row of some products holds several events: each rejected one counts.
    """

    rows: int = 0
    events: int = 0
    rejected: Counter[DropReason] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)

    @property
    def unshown(self) -> int:
        """Bad rows that are not in ``bad``."""
        return self.rejected.total() - len(self.bad)


class Table:
    """Reads rows of one site. ``counts`` grows while the iterators of ``events`` are drawn from.

    The same ``secret`` (at most 60 bytes) gives a row the same event id. Times without an offset are of ``zone``.
    ``country_of`` gives a country's code for an address. ``row_bytes`` bounds a row.
    """

    def __init__(
        self,
        site: Site,
        rules: IngestContext,
        secret: bytes,
        translate: Translate,
        *,
        row_bytes: int | None = None,
        zone: dt.tzinfo = dt.UTC,
        country_of: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = RowCounts()
        self._translate = translate
        self._row_bytes = row_bytes
        self._zone = zone
        self._country_of = country_of
        self._now = int(clock() * 1000)
        # An import may be of any age, so the site's bound is not asked.
        self._site = msgspec.structs.replace(site, max_age_days=self._now // 86_400_000 + 1)
        self._rules = rules
        key = secret + site.site_id.to_bytes(4, "little")
        self._rows = blake2b(digest_size=16, key=key, person=b"row")
        self._ids = blake2b(digest_size=16, key=key, person=b"event-id")

    def events(self, rows: Iterable[Row], source: str) -> Iterator[SpooledEvent]:
        """The events in the rows of one file. Nothing in a row raises."""
        counts, occurrences = self.counts, Occurrences()
        for row in rows:
            counts.rows += 1
            if row.wrong:
                self._reject(source, row, DropReason.MALFORMED, "", row.wrong)
                continue
            if self._row_bytes is not None and len(row.content) > self._row_bytes:
                self._reject(source, row, DropReason.TOO_LARGE, "", f"at most {self._row_bytes} bytes")
                continue
            for at, fields in enumerate(self._fields(row, source)):
                try:
                    event = self._event(fields, row, at, occurrences)
                except InvalidEvent as unfit:
                    self._reject(source, row, unfit.reason, unfit.field, unfit.detail)
                    continue
                except (msgspec.ValidationError, UnicodeEncodeError) as exc:
                    found = _AT.search(str(exc))
                    self._reject(source, row, DropReason.MALFORMED, found[1] if found else "", _AT.sub("", str(exc)))
                    continue
                counts.events += 1
                yield event

    def _fields(self, row: Row, source: str) -> Iterator[Fields]:
        """The fields of each event of a row. One whose values are not what they are to be is rejected."""
        try:
            yield from self._translate(row.values)
        except InvalidEvent as unfit:
            self._reject(source, row, unfit.reason, unfit.field, unfit.detail)
        except (AttributeError, TypeError, ValueError) as exc:
            self._reject(source, row, DropReason.MALFORMED, "", f"not as it is exported: {exc}")

    def _event(self, fields: Fields, row: Row, at: int, occurrences: Occurrences) -> SpooledEvent:
        event_id = self._id(fields.get("event_id"), row, at, occurrences)
        values = {name: value for name, value in fields.items() if name not in _APART and not name.startswith(PROPS)}
        values["timestamp"] = self._time(fields.get("timestamp"))
        values["event_id"] = uuid.UUID(bytes=event_id)
        values["url"] = self._url(fields)
        values["props"] = _props(fields)
        if "revenue" in values and not isinstance(values["revenue"], Mapping):
            values["revenue"] = {"amount": values["revenue"], "currency": str(fields.get("currency", ""))}
        event = msgspec.convert(values, Event, strict=False)
        return judge(event, self._site, self._sender(fields, event), 0, self._rules).spooled

    def _id(self, given: object, row: Row, at: int, occurrences: Occurrences) -> bytes:
        if given:
            if isinstance(given, uuid.UUID):
                return given.bytes
            text = str(given)
            try:
                return uuid.UUID(text).bytes
            except ValueError:
                hashed = self._ids.copy()
                hashed.update(text.encode("utf-8", "surrogatepass"))
                return hashed.digest()
        hashed = self._rows.copy()
        hashed.update(b"%d\n" % at + row.content)
        number = occurrences.count(hashed.digest())
        if number > 1:
            hashed.update(b"\n%d" % number)
        return hashed.digest()

    def _time(self, value: object) -> int:
        if value is None:
            raise InvalidEvent(DropReason.MALFORMED, "timestamp", "there is no time")
        try:
            at = milliseconds(value, self._zone)
        except (ValueError, OverflowError) as exc:
            raise InvalidEvent(DropReason.MALFORMED, "timestamp", f"not a time: {str(value)[:40]!r}") from exc
        if at < EARLIEST_MS:
            raise InvalidEvent(DropReason.TIMESTAMP_TOO_OLD, "timestamp", f"before the web existed: {str(value)[:40]}")
        return at

    def _url(self, fields: Fields) -> str:
        """The URL as it is given, or of its parts; a path is one of the site's."""
        url = str(fields.get("url", "") or fields.get("path", ""))
        if not url.startswith("/"):
            return url
        query = str(fields.get("query", "")).removeprefix("?")
        return f"https://{fields.get('hostname') or self._site.domain}{url}{'?' + query if query else ''}"

    def _sender(self, fields: Fields, event: Event) -> Sender:
        """The visitor: an address is hashed as a live one, else whatever tells visitors apart is in its place."""
        address = str(fields.get("address", ""))
        country = str(fields.get("country", ""))
        if not _COUNTRY.match(country):
            country = self._country_of(address) if address and self._country_of else ""
        who = address or event.client_id or event.user_id or event.session_id or str(event.event_id)
        return Sender(
            address=who,
            user_agent="",
            country=country.upper(),
            gpc=str(fields.get("gpc", "")).lower() in {"true", "1"},
            received_at=self._now,
            city=str(fields.get("city", ""))[:100],
            signals=SERVER,
            server=True,
        )

    def _reject(self, source: str, row: Row, reason: DropReason, name: str, detail: str) -> None:
        self.counts.rejected[reason] += 1
        if len(self.counts.bad) < SHOWN_BAD_LINES:
            cause = ": ".join(filter(None, (name, reason.value.replace("_", " "), detail)))
            self.counts.bad.append(BadLine(source, row.number, cause))


def _props(fields: Fields) -> dict[str, Any]:
    given = fields.get("props") or {}
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except msgspec.DecodeError as exc:
            raise InvalidEvent(DropReason.BAD_PROPERTY, "props", "not a JSON object") from exc
    if not isinstance(given, Mapping):
        raise InvalidEvent(DropReason.BAD_PROPERTY, "props", "not an object")
    more = {name.removeprefix(PROPS): value for name, value in fields.items() if name.startswith(PROPS)}
    return {**given, **more}
