"""What a report leaves out or keeps, beside site and period."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Bots are flagged, never deleted; ``include_bots`` counts them as well."""

    include_bots: bool = False


EXCLUDE_BOTS = Filter()
