"""The layouts of access logs, as an operator names them."""

from __future__ import annotations

from enum import StrEnum


class LineLayout(StrEnum):
    """Which fields a line has. ``auto`` decides line by line."""

    AUTO = "auto"
    COMBINED = "combined"
    COMMON = "common"
    VHOST = "vhost"
