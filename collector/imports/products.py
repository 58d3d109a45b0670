"""What the exports of other products are: how their rows are read, and how they become events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from collector.imports import ga4, goatcounter, matomo, umami
from collector.imports.rows import OnRead, Row, csv_rows, json_rows, parquet_rows
from collector.imports.table import Translate


@dataclass(frozen=True, slots=True)
class Product:
    """One product. ``rows`` reads a file, and ``translate`` makes events of a row."""

    name: str
    title: str
    rows: Callable[[str, OnRead], Iterator[Row]]
    translate: Translate


def _either(name: str, on_read: OnRead) -> Iterator[Row]:
    return parquet_rows(name, on_read) if name.endswith(".parquet") else json_rows(name, on_read)


PRODUCTS = {
    product.name: product
    for product in (
        Product("umami", "website_event.csv of an Umami export", csv_rows, umami.events),
        Product("goatcounter", "the CSV export of GoatCounter", csv_rows, goatcounter.events),
        Product("matomo", "JSON of Matomo's Live.getLastVisitsDetails", matomo.rows, matomo.events),
        Product("ga4", "the BigQuery export of Google Analytics 4, as NDJSON or Parquet", _either, ga4.events),
    )
}
