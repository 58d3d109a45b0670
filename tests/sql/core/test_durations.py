"""Durations as people write them."""

from __future__ import annotations

import pytest

from sql.core.durations import seconds_of, span_of
from sql.core.errors import UsageError


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("0s", 0), ("90m", 5_400), (" 24h ", 86_400), ("7d", 604_800), ("3650d", 315_360_000)]
    + [(bad, None) for bad in ("", "24", "h", "-1h", "1.5h", "1w", "24h7d", "٣h", "3651d")],
)
def test_spans(span, seconds):
    if seconds is None:
        with pytest.raises(UsageError, match="not a duration"):
            seconds_of(span)
    else:
        assert seconds_of(span) == seconds


@pytest.mark.parametrize("span", ["0s", "1s", "90s", "2m", "90m", "1h", "1d", "3650d"])
def test_a_span_is_written_as_short_as_can_be(span):
    assert span_of(seconds_of(span)) == span


def test_a_minute_is_not_sixty_seconds():
    assert span_of(60) == "1m"
