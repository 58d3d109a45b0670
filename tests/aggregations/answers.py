"""Answers of reports and of the oracle in one form, and how they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

# By the values of the key columns, the figures by name.
Rows = dict[tuple[Any, ...], dict[str, Any]]
# How far a ratio of sums may be from the same sums in another order.
NEARLY = 1e-12


def rows_of(frame: pl.DataFrame, keys: Sequence[str], figures: Sequence[str], by: str = "") -> Rows:
    """A report's rows: its columns are these alone, it is sorted by ``by``, descending, and no key comes twice."""
    assert frame.columns == [*keys, *figures]
    if by:
        assert frame[by].is_sorted(descending=True)
    rows = frame.to_dicts()
    found = {tuple(row[key] for key in keys): {name: row[name] for name in figures} for row in rows}
    assert len(found) == len(rows)
    return found


def differences(said: Rows, true: Rows) -> list[str]:
    """What a report says otherwise than the oracle."""
    found = [f"{key} is missing: {true[key]}" for key in true.keys() - said.keys()]
    found += [f"{key} is not there in truth: {said[key]}" for key in said.keys() - true.keys()]
    found += [
        f"{key}: {name} is {value}, in truth {true[key][name]}"
        for key in said.keys() & true.keys()
        for name, value in said[key].items()
        if not _same(value, true[key][name])
    ]
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=NEARLY)
    return bool(one == other)
