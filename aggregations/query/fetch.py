"""From a query file to a Polars frame, with the same types over HTTP and in process."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from aggregations.query.filters import Filter
from aggregations.query.periods import Period
from sql.core import queries

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow

_ARROW = {"output_format_arrow_compression_method": "none", "output_format_arrow_string_as_string": 1}


def scope(site: SiteRow, period: Period, only: Filter, **more: Any) -> dict[str, Any]:
    """The parameters that every report query binds: site, first, last, bots; and ``more``."""
    return {
        "site": site.site_id,
        "first": period.first,
        "last": period.last,
        "bots": only.include_bots,
        **more,
    }


def fetch(client: Client, name: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """The answer of ``sql/queries/<name>.sql``, in the columns and order that its text states."""
    return fetch_text(client, queries.query(name), parameters)


def fetch_text(client: Client, text: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """The answer of a statement, in the columns and order that it states.

    Polars reads the stream itself: importing pyarrow for it would take a tenth of a second.
    """
    import polars as pl

    data = client.raw_query(text, parameters=parameters, settings=_ARROW, fmt="ArrowStream")
    return pl.read_ipc_stream(io.BytesIO(data))


def frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow answer of the engine as a frame: UUIDs as text, and text that is not UTF-8 made readable.

    Polars takes Arrow text on trust, so what is not UTF-8 must be found before.
    """
    import polars as pl
    import pyarrow as pa

    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        table = _readable(table)
    for at, field in enumerate(table.schema):
        if isinstance(field.type, pa.UuidType):
            texts = [None if value is None else str(value) for value in table.column(at).to_pylist()]
            table = table.set_column(at, pa.field(field.name, pa.string()), pa.array(texts, pa.string()))
    made = pl.from_arrow(table.rename_columns(_distinct(table.column_names)))
    if not isinstance(made, pl.DataFrame):
        raise TypeError(f"the engine answered with {type(made).__name__}, not a table")
    return made


def _readable(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            raw = table.column(at).cast(pa.binary())
            texts = [None if value is None else value.decode("utf-8", "replace") for value in raw.to_pylist()]
            table = table.set_column(at, field, pa.array(texts, pa.string()))
    return table


def _distinct(names: list[str]) -> list[str]:
    """Names with a number behind those that came before: `select 1, 1` is fine with the engine."""
    made: list[str] = []
    for name in names:
        number, fresh = 1, name
        while fresh in made:
            number += 1
            fresh = f"{name}_{number}"
        made.append(fresh)
    return made
