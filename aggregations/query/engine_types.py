"""Types that Arrow has no word for: the engine sends them as numbers or bytes; this gives them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)\Z", re.S)
_ENUM_ITEM = re.compile(r"'((?:[^'\\]|\\.)*)' = (-?\d+)", re.S)


def restore(frame: pl.DataFrame, types_of: Callable[[], list[str]]) -> pl.DataFrame:
    """``frame`` with DateTime as times, enums, addresses, fixed strings and wide integers as text.

    ``types_of`` tells the engine's type of each column, in order; it is asked only where Arrow leaves a doubt.
    """
    import polars as pl

    if not any(kind in (pl.UInt32, pl.Int8, pl.Int16, pl.Binary) for kind in frame.schema.values()):
        return frame
    types = types_of()
    return frame.with_columns(_restored(*pair) for pair in zip(frame.iter_columns(), types, strict=True))


def _restored(column: pl.Series, kind: str) -> pl.Series:
    import polars as pl

    while match := _WRAPPED.match(kind):
        kind = match[1]
    base = kind.partition("(")[0]
    if base == "DateTime":
        zone = kind.partition("'")[2].rstrip("')") or "UTC"
        seconds = column.cast(pl.Int64) * 1000
        return seconds.cast(pl.Datetime("ms")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    if base in {"Enum8", "Enum16"}:
        names = {int(number): re.sub(r"\\(.)", r"\1", name) for name, number in _ENUM_ITEM.findall(kind)}
        return _texts(column, lambda value: names.get(value, str(value)))
    if base in _TEXTS:
        return _texts(column, _TEXTS[base])
    if re.fullmatch(r"U?Int(128|256)", base):
        return _texts(column, lambda raw: str(int.from_bytes(raw, "little", signed=base[0] == "I")))
    return column


_TEXTS: dict[str, Callable[..., str]] = {
    "IPv4": lambda value: str(IPv4Address(value)),
    "IPv6": lambda value: str(IPv6Address(value)),
    "FixedString": lambda raw: raw.rstrip(b"\0").decode("utf-8", "replace"),
}


def _texts(column: pl.Series, text_of: Callable[..., str]) -> pl.Series:
    import polars as pl

    texts = [None if value is None else text_of(value) for value in column.to_list()]
    return pl.Series(column.name, texts, pl.String)
