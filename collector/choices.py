"""Settings of the write side that are one of a few words."""

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
