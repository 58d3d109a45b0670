"""What is chosen of the write side, each one of a few words."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """What an acknowledgement promises: ``fsync`` survives a power cut, ``os`` a crash of Footfall."""

    FSYNC = "fsync"
    OS = "os"


class LogFormat(StrEnum):
    """How log lines are written; ``auto`` is text on a terminal and JSON elsewhere."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class SchemaMode(StrEnum):
    """What happens to an event that does not fit its schema: ``warn`` accepts and says so, ``off`` asks nothing."""

    WARN = "warn"
    REJECT = "reject"
    OFF = "off"
