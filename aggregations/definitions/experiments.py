"""Which variant of an experiment a visitor sees. The browser's module and this file give the same answer.

A hash of experiment and visitor decides, so that nothing is stored and any place can work it out alone. The shares of
two experiments are independent of each other, since the experiment's name is hashed too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import mmh3

from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

EXPOSURE = "experiment_exposure"
_HASHES = 2**32
_SURROGATE = re.compile("[\ud800-\udfff]")


def assign(visitor: str, experiment: str, variants: Sequence[tuple[str, float]]) -> str:
    """The variant of ``visitor``; ``variants`` are names with weights, in an order that matters.

    It is the first whose share, added to those before it, exceeds ``hash_of / 2**32``. Raises UsageError as ``check``.
    """
    check(variants)
    # Added one by one, never by sum(), which rounds better than a browser does from Python 3.12 on.
    upto, ends = 0.0, []
    for _, weight in variants:
        upto += weight
        ends.append(upto)
    at = hash_of(visitor, experiment) / _HASHES
    return next(name for (name, _), end in zip(variants, ends, strict=True) if end / upto > at)


def hash_of(visitor: str, experiment: str) -> int:
    """MurmurHash3 (x86, 32 bits, seed 0) of ``experiment/visitor`` in UTF-8; ClickHouse calls it murmurHash3_32.

    Half a surrogate pair counts as U+FFFD, as browsers encode it.
    """
    return mmh3.hash(_SURROGATE.sub("\ufffd", f"{experiment}/{visitor}").encode(), 0, signed=False)


def check(variants: Sequence[tuple[str, float]]) -> None:
    """Raises UsageError: fewer than two variants, one without a name or twice, weights that are no shares."""
    names = [name for name, _ in variants]
    if len(names) < 2:
        raise UsageError("an experiment has at least two variants", "such as control:1,blue:1")
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"variants need different, non-empty names, not {', '.join(map(repr, names))}")
    weights = [weight for _, weight in variants]
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not 0 < sum(weights) < math.inf:
        raise UsageError(
            f"weights must be 0 or more, with at least one above 0, not {weights}", "such as control:1,blue:1"
        )


def parse(text: str) -> list[tuple[str, float]]:
    """``control:9,blue:1`` as names and weights; a name alone weighs 1. Raises UsageError as ``check``."""
    made = [_variant(part.strip()) for part in text.split(",")]
    check(made)
    return made


def assignments(visitors: Sequence[str], experiment: str, variants: Sequence[tuple[str, float]]) -> pl.DataFrame:
    """Columns visitor, variant; one row a visitor, in their order. Raises UsageError as ``check``."""
    import polars as pl

    check(variants)
    found = [assign(visitor, experiment, variants) for visitor in visitors]
    return pl.DataFrame({"visitor": visitors, "variant": found}, schema={"visitor": pl.String, "variant": pl.String})


def _variant(part: str) -> tuple[str, float]:
    name, colon, weight = part.rpartition(":")
    if not colon:
        return part, 1.0
    try:
        return name.strip(), float(weight)
    except ValueError:
        raise UsageError(f"{weight!r} is not a variant's weight", "such as control:1,blue:1") from None
