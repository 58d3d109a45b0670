"""Plausible: the ZIP of CSV files that its export is. https://plausible.io/docs/export-stats

Its files are daily totals, each by other dimensions: there are no events in it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from collector.loader.enrichment import origin
from sql.core.errors import StorageError, UsageError

MAX_BAD = 20
# Rows that are handed on at once: whole days, so that a day is stored as a whole.
AT_ONCE = 50_000
_MOST = 2**53  # what is larger is no count
_DEVICES = {"": "", "laptop": "desktop", "desktop": "desktop", "mobile": "mobile", "tablet": "tablet"}
_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


class Total(NamedTuple):
    """What was counted on a day of one value of a dimension; ``seconds`` of all visits together."""

    dimension: str
    day: dt.date
    value: str
    visitors: int
    visits: int
    pageviews: int
    bounces: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A file: the columns of its values, what they say of dimensions, and the columns of figures, '' for none."""

    columns: tuple[str, ...]
    values: Callable[[Mapping[str, str]], Mapping[str, str]]
    figures: tuple[str, ...] = ("visitors", "visits", "pageviews", "bounces", "visit_duration")


@dataclass(slots=True)
class Reading:
    """What was read: rows; of those that were not kept how many, and the first causes; files that are passed over."""

    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def reject(self, where: str, reason: str, cause: str) -> None:
        """Note a row that is not kept."""
        self.rejected[reason] += 1
        if len(self.bad) < MAX_BAD:
            self.bad.append(f"{where}: {cause}")


def _sources(row: Mapping[str, str]) -> Mapping[str, str]:
    tags = {name: row.get(name) or "" for name in _TAGS}
    named, referrer = row["source"], (row.get("referrer") or "").partition("://")
    page = referrer[2] or referrer[0]
    link = "" if page or tags["utm_source"] else named
    source, channel = origin(page, tags["utm_source"], link, tags["utm_medium"], tags["utm_campaign"], "")
    return {"source": source, "channel": channel} | {name: value for name, value in tags.items() if value}


def _one(dimension: str, column: str, of: Callable[[str], str] = str) -> Callable[[Mapping[str, str]], dict[str, str]]:
    return lambda row: {dimension: of(row[column])}


LAYOUTS: Mapping[str, Layout] = {
    "imported_visitors": Layout((), lambda row: {"": ""}),
    "imported_sources": Layout(("source",), _sources),
    "imported_pages": Layout(("page",), _one("page", "page"), ("visitors", "visits", "pageviews", "", "")),
    "imported_entry_pages": Layout(
        ("entry_page",),
        _one("entry_page", "entry_page"),
        ("visitors", "entrances", "pageviews", "bounces", "visit_duration"),
    ),
    "imported_locations": Layout(("country",), _one("country", "country", str.upper)),
    "imported_devices": Layout(("device",), _one("device", "device", lambda text: _DEVICES.get(text.lower(), "other"))),
    "imported_browsers": Layout(("browser",), _one("browser", "browser")),
    "imported_operating_systems": Layout(("operating_system",), _one("os", "operating_system")),
}


def check(name: str) -> None:
    """Raise UsageError for a name that is not of a file, before another one is read."""
    if not Path(name).is_file():
        raise UsageError(f"{name} is not a file", "name the ZIP of an export, or CSV files of it")


def totals(name: str, reading: Reading) -> Iterator[list[Total]]:
    """The totals of a ZIP file, or of one CSV file of it, in lists of whole days of one file.

    Rows of a file lie in the order of days, as Plausible writes them. Raises UsageError for what is not such an export,
    StorageError for a file that cannot be read.
    """
    check(name)
    found = 0
    for path, layout, lines in _files(name, reading):
        found += 1
        yield from _whole_days(path, layout, lines, reading)
    if not found:
        raise UsageError(f"{name} has no file of a Plausible export", f"such as {next(iter(LAYOUTS))}_….csv")


def _whole_days(path: str, layout: Layout, lines: io.TextIOBase, reading: Reading) -> Iterator[list[Total]]:
    reader = csv.DictReader(lines)
    missing = {"date", *layout.columns, *layout.figures} - {"", *(reader.fieldnames or ()), "pageviews"}
    if missing:
        raise UsageError(f"{path} has no column {', '.join(sorted(missing))}", "is it of a Plausible export?")
    done, day = dt.date.min, dt.date.min
    sums: dict[tuple[str, dt.date, str], list[int]] = {}
    for number, row in _rows(reader, path, reading):
        reading.rows += 1
        try:
            its, figures = _day(row["date"]), [_count(row, name) for name in layout.figures]
        except ValueError as exc:
            reading.reject(f"{path}:{number}", "malformed", str(exc))
            continue
        if its <= done or its < day:
            reading.reject(f"{path}:{number}", "out_of_order", f"{its} comes after {max(done, day)}")
            continue
        if its > day and len(sums) >= AT_ONCE:
            yield _listed(sums)
            sums, done = {}, day
        day = its
        for dimension, value in layout.values(row).items():
            before = sums.setdefault((dimension, day, value), [0] * len(figures))
            before[:] = map(int.__add__, before, figures)
    if sums:
        yield _listed(sums)


def _rows(reader: csv.DictReader[str], path: str, reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            reading.reject(f"{path}:{reader.line_num}", "malformed", str(exc))
            continue
        except (OSError, zipfile.BadZipFile, UnicodeDecodeError, EOFError) as exc:
            raise StorageError(f"{path} is damaged after line {reader.line_num}: {exc}") from exc
        if None in row or None in row.values():
            reading.rows += 1
            reading.reject(f"{path}:{reader.line_num}", "malformed", "another number of fields than the header")
            continue
        yield reader.line_num, row


def _files(name: str, reading: Reading) -> Iterator[tuple[str, Layout, io.TextIOBase]]:
    """CSV files by the layout that their names say; others are noted."""
    with _opened(name) as (names, read):
        for path in sorted(names):
            kind = path.rpartition("/")[2]
            layout = LAYOUTS.get(kind.removesuffix(".csv").rstrip("_0123456789"))
            if layout is None:
                reading.passed_over.append(kind)
            else:
                with io.TextIOWrapper(read(path), "utf-8-sig", newline="") as lines:
                    yield path, layout, lines


@contextmanager
def _opened(name: str) -> Iterator[tuple[list[str], Callable[[str], IO[bytes]]]]:
    """The files in a ZIP, or the one file itself, and what opens them."""
    try:
        if not zipfile.is_zipfile(name):
            yield [name], lambda path: Path(path).open("rb")  # noqa: SIM115 (closed by whoever reads)
            return
        with zipfile.ZipFile(name) as archive:
            yield [each.filename for each in archive.infolist() if not each.is_dir()], archive.open
    except OSError as exc:
        raise StorageError(f"cannot read {name}: {exc.strerror or exc}") from exc
    except zipfile.BadZipFile as exc:
        raise StorageError(f"{name} is damaged: {exc}") from exc


def _listed(sums: Mapping[tuple[str, dt.date, str], list[int]]) -> list[Total]:
    return [Total(*key, *figures) for key, figures in sums.items()]


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a day: {text[:40]!r}") from None
    if not dt.date(1970, 1, 1) <= day <= dt.date(2149, 6, 6):
        raise ValueError(f"not a day that can be stored: {text[:40]!r}")
    return day


def _count(row: Mapping[str, str], name: str) -> int:
    """A figure of a row; 0 for one that its file does not have."""
    text = row.get(name) or "0"
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < 18 else _MOST
    if number >= _MOST:
        raise ValueError(f"{name} is not a count: {text[:40]!r}")
    return number
